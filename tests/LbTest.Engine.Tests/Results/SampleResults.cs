using LbTest.Engine.Connect;
using LbTest.Engine.Disturbances;
using LbTest.Engine.Latency;
using LbTest.Engine.Sockets;
using LbTest.Engine.Traffic;

namespace LbTest.Engine.Tests.Results;

internal static class SampleResults
{
    /// <summary>A result in which no property has its default value.</summary>
    internal static ConnectResult Full
    {
        get
        {
            var latency = new Histogram();
            for (int i = 1; i <= 1000; i++) latency.Record(i * 12_345L);
            return new ConnectResult
            {
                Label = "nftables \"x\" é", Started = new DateTimeOffset(2026, 1, 2, 3, 4, 5, 678, TimeSpan.Zero), Duration = TimeSpan.FromTicks(12_345_678),
                Completed = false, Reason = "stopped by the user", Target = "[fd00::1]:5001", Protocol = TransportProtocol.Udp,
                Requested = 1010, Connections = 1000, Failed = 7, Unfinished = 3,
                Failures = [new(FailureClass.Reset, 4, "Connection reset by peer"), new(FailureClass.ClientExhausted, 3, "Too many open files")],
                Endpoints =
                [
                    new() { Name = "pod-1", Connections = 600, ExpectedShare = 0.75, Node = "node-1", Sources = 31 },
                    new() { Name = "pod-2", Connections = 400, ExpectedShare = 1.0 / 3, Unexpected = true },
                ],
                Latency = LatencySummary.From(latency), SynRetransmits = 2, Affinity = new AffinityResult(50, 9), Seed = 42, Source = "fd00::/112",
                Concurrency = 64, Context = new TestContext("lab", "Nftables", "External", "LoadBalancer", true, true, 10),
                Entries = [new() { Label = "node-1", Requested = 2, Connections = 2, Completed = true, Endpoints = [new() { Name = "pod-1", Connections = 2 }] }],
                Warnings = ["One.", "Two."], Generator = "LbTest 0.1.0, Linux",
            };
        }
    }

    /// <summary>A traffic result in which no property has its default value, nor has any in at least one record of each of its lists.</summary>
    internal static TrafficResult FullTraffic
    {
        get
        {
            LatencySummary latency = Full.Latency;
            return new TrafficResult
            {
                Label = "nftables \"x\" é", Started = new DateTimeOffset(2026, 1, 2, 3, 4, 5, 678, TimeSpan.Zero), Duration = TimeSpan.FromTicks(20_000_001),
                PlannedDuration = TimeSpan.FromSeconds(3), Completed = false, Reason = "stopped by the user", Target = "[fd00::1]:5003", Protocol = TransportProtocol.Udp,
                Clients = 2, PacketsPerSecond = 100.5, PacketSize = 1024, Reconnect = true,
                Sent = 200, Received = 190, Dropped = 3, Late = 1, Lost = 7, Reordered = 2, Duplicated = 1, Retransmits = 4, LostConnections = 1, FailedConnects = 6,
                Failures = [new(FailureClass.Reset, 1, "Connection reset by peer"), new(FailureClass.Refused, 6, "Connection refused")],
                Latency = latency, LongestSilence = TimeSpan.FromMilliseconds(120), LongestSilenceAt = TimeSpan.FromSeconds(1.01),
                Samples =
                [
                    new()
                    {
                        Time = TimeSpan.FromSeconds(1.0000001), Active = 2, New = 2, Failed = 1, Connecting = 1, FailedConnects = 6, Sent = 100, Received = 99, Dropped = 3, Late = 1,
                        BytesSent = 102_400, BytesReceived = 101_376, Retransmits = 4, Latency = latency with { Buckets = [] },
                    },
                    new() { Time = TimeSpan.FromSeconds(2) },
                ],
                Connections =
                [
                    new()
                    {
                        Client = 1, Reconnects = 3, Local = "[fd00::2]:40000", Remote = "[fd00::1]:5003", Endpoint = "pod-1", EndpointChanges = 2,
                        Started = TimeSpan.FromMilliseconds(1), Connected = TimeSpan.FromMilliseconds(2.5), Ended = TimeSpan.FromSeconds(1.5), Failure = FailureClass.Reset,
                        Error = "Connection reset by peer", FailedConnects = 6, Sent = 90, Received = 80, Dropped = 3, Reordered = 2, Duplicated = 1, Retransmits = 4,
                        RoundTrip = TimeSpan.FromTicks(12_345), LongestGap = TimeSpan.FromSeconds(0.25),
                    },
                    new() { Ended = TimeSpan.FromSeconds(2) },
                ],
                Disturbances =
                [
                    new()
                    {
                        Kind = DisturbanceKind.RollingUpdate, Description = "endpoint pod-1 closes", Index = 1, Step = 2, Undo = true, Planned = TimeSpan.FromSeconds(1.4),
                        Applied = TimeSpan.FromSeconds(1.45), Took = TimeSpan.FromMilliseconds(3), Removed = ["pod-1"], Added = ["pod-3"], Broken = ["pod-1"],
                        EndpointsAfter = 2, EcmpTargetsBefore = 4, EcmpTargetsAfter = 3, Error = "no such node",
                    },
                ],
                Programming = [new() { Endpoint = "pod-3", Ready = TimeSpan.FromSeconds(1.5), FirstConnection = TimeSpan.FromSeconds(1.75), Gone = TimeSpan.FromSeconds(1.9), LastConnection = TimeSpan.FromSeconds(1.95) }],
                Endpoints = [new("pod-1", 0.75, "node-1"), new("pod-2")], Seed = 42, Source = "fd00::/112",
                Context = new TestContext("lab", "Nftables", "External", "LoadBalancer", true, true, 10), Warnings = ["One.", "Two."], Generator = "LbTest 0.1.0, Linux",
            };
        }
    }
}
