using System.Collections.Immutable;
using LbTest.Engine.Connect;
using LbTest.Engine.Disturbances;
using LbTest.Engine.Sockets;
using LbTest.Engine.Traffic;

namespace LbTest.Engine.Tests.Report;

/// <summary>Results that no run made, but that are consistent in themselves: samples, connections and disturbances tell one story.</summary>
internal static class SampleTraffic
{
    private const int Clients = 120, PerSecond = 480, Size = 1024;

    /// <summary>12 endpoints, of which 3 reset their connections after 5 s and come back at 15 s; then packets are lost from 18 s to 24 s; 30 s in all.</summary>
    /// <param name="label">What it is called.</param>
    /// <param name="slow">How many seconds reconnecting takes.</param>
    internal static TrafficResult EndpointsDown(string label = "nftables", int slow = 2)
    {
        ImmutableArray<string> names = [.. Enumerable.Range(1, 12).Select(i => $"tserver-{i:000}")], down = names[..3];
        var connections = ImmutableArray.CreateBuilder<TrafficConnection>();
        for (int client = 0; client < Clients; client++)
        {
            string endpoint = names[client % names.Length];
            bool lost = down.Contains(endpoint);
            connections.Add(new TrafficConnection
            {
                Client = client, Remote = "10.0.0.1:5003", Local = $"192.168.1.9:{20_000 + client}", Endpoint = endpoint, Started = Ms(client), Connected = Ms(client + 1),
                Ended = lost ? Ms(5_010 + client) : Ms(30_000), Failure = lost ? FailureClass.Reset : null, Error = lost ? "Connection reset by peer" : null,
                Sent = lost ? 20 : 120, Received = lost ? 19 : 120, RoundTrip = Ms(0.3), LongestGap = Ms(260),
            });
        }

        foreach (TrafficConnection lost in connections.Where(c => c.WasLost).ToArray())
        {
            connections.Add(lost with
            {
                Reconnects = 1, Local = $"192.168.1.9:{30_000 + lost.Client}", Endpoint = names[3 + (lost.Client % 9)], Started = lost.Ended,
                Connected = lost.Ended + Ms(slow * 1000), Ended = Ms(30_000), Failure = null, Error = null, Sent = 90, Received = 90, LongestGap = Ms((slow * 1000) + 260),
            });
        }

        return new TrafficResult
        {
            Label = label, Started = new DateTimeOffset(2026, 5, 6, 7, 8, 9, TimeSpan.Zero), Duration = Ms(30_000), PlannedDuration = Ms(30_000), Completed = true,
            Target = "10.0.0.1:5003", Protocol = TransportProtocol.Tcp, Clients = Clients, PacketsPerSecond = PerSecond, PacketSize = Size, Reconnect = true,
            Sent = 30 * PerSecond, Received = (30 * PerSecond) - 30, Dropped = 6 * 25, Lost = 30, Retransmits = 6 * 40, LostConnections = 30, FailedConnects = 4,
            Failures = [new(FailureClass.Reset, 30, "Connection reset by peer"), new(FailureClass.Refused, 4, "Connection refused")],
            Latency = Latency(0.4, 900), LongestSilence = Ms(40), LongestSilenceAt = Ms(5_010),
            Samples = [.. Enumerable.Range(1, 30).Select(second => Sample(second, slow))], Connections = connections.ToImmutable(),
            Disturbances =
            [
                new() { Kind = DisturbanceKind.EndpointDown, Description = "endpoints tserver-001, tserver-002, tserver-003 reset their connections", Planned = Ms(5_000), Applied = Ms(5_004), Took = Ms(12), Removed = down, Broken = down, EndpointsAfter = 9 },
                new() { Kind = DisturbanceKind.EndpointDown, Description = "they come back", Undo = true, Planned = Ms(15_000), Applied = Ms(15_003), Took = Ms(9), Added = down, EndpointsAfter = 12 },
                new() { Kind = DisturbanceKind.PacketLoss, Index = 1, Description = "5 % of packets to the tester are lost", Planned = Ms(18_000), Applied = Ms(18_002), Took = Ms(3), EndpointsAfter = 12 },
                new() { Kind = DisturbanceKind.PacketLoss, Index = 1, Description = "packets to the tester are no longer lost", Undo = true, Planned = Ms(24_000), Applied = Ms(24_001), Took = Ms(2), EndpointsAfter = 12 },
            ],
            Endpoints = [.. names.Select((name, i) => new ExpectedEndpoint(name, null, $"node-{1 + (i / 4)}"))], Seed = 42, Source = "20.0.0.0/16",
            Context = new TestContext("lab", label, "External", "LoadBalancer", Ecmp: true), Generator = "LbTest 0.1.0, Linux",
        };
    }

    /// <summary>A connect result of 100 endpoints with the spread of chance.</summary>
    internal static ConnectResult Spread(string label = "spread", int connections = 10_000, int endpoints = 100)
    {
        var random = new Random(7);
        long[] counts = new long[endpoints];
        for (int i = 0; i < connections; i++) counts[random.Next(endpoints)]++;
        return new ConnectResult
        {
            Label = label, Started = new DateTimeOffset(2026, 5, 6, 7, 8, 9, TimeSpan.Zero), Duration = Ms(870), Completed = true, Target = "10.0.0.1:5001", Requested = connections,
            Connections = connections, Endpoints = [.. counts.Select((c, i) => new EndpointResult { Name = $"tserver-{i + 1:000}", Connections = c, Node = $"node-{1 + (i / 10)}" })],
            Latency = Latency(0.3, 12), Seed = 7, Source = "20.0.0.0/16", Concurrency = 64, Context = new TestContext("lab", "Nftables", "External", "LoadBalancer"), Generator = "LbTest 0.1.0, Linux",
        };
    }

    internal static TimeSpan Ms(double milliseconds) => TimeSpan.FromMilliseconds(milliseconds);

    private static TrafficSample Sample(int second, int slow)
    {
        // The connections of three endpoints of twelve are lost in the sixth second, and are back when reconnecting is over.
        bool lost = second == 6, waiting = second > 5 && second <= 5 + slow, lossy = second is > 18 and <= 24;
        int active = waiting ? Clients - 30 : Clients, packets = PerSecond * active / Clients;
        return new TrafficSample
        {
            Time = Ms(1000 * second), Active = active, New = second == 1 ? Clients : second == 6 + slow ? 30 : 0, Failed = lost ? 30 : 0, Connecting = Clients - active, FailedConnects = lost ? 4 : 0,
            Sent = packets, Received = packets - (lost ? 30 : 0), Dropped = lossy ? 25 : 0, BytesSent = packets * Size, BytesReceived = (packets - (lost ? 30 : 0)) * Size,
            Retransmits = lossy ? 40 : 0, Latency = lossy ? Latency(0.6, 900) : Latency(0.4 + (0.01 * (second % 5)), 4 + (second % 3)),
        };
    }

    private static LatencySummary Latency(double median, double slowest) => new()
    {
        Count = PerSecond, Mean = Ms(1.2 * median), P50 = Ms(median), P90 = Ms(2 * median), P99 = Ms(slowest / 3), P999 = Ms(slowest * 0.9), Maximum = Ms(slowest),
    };
}
