using LbTest.Engine.Connect;
using LbTest.Engine.Latency;
using LbTest.Engine.Sockets;

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
                Warnings = ["One.", "Two."], Generator = "LbTest 0.1.0, Linux",
            };
        }
    }
}
