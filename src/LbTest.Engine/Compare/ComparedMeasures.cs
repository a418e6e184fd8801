using LbTest.Engine.Analysis;
using LbTest.Engine.Connect;
using LbTest.Engine.Disturbances;
using LbTest.Engine.Results;
using LbTest.Engine.Traffic;

namespace LbTest.Engine.Compare;

/// <summary>The numbers of two results that a reader looks for, side by side.</summary>
internal static class ComparedMeasures
{
    internal static ImmutableArray<MeasureComparison> Of(ResultComparison comparison, ITestResult reference, ITestResult result)
    {
        var measures = ImmutableArray.CreateBuilder<MeasureComparison>();
        if (comparison.Spread is { } spread)
        {
            Balance a = spread.ReferenceBalance, b = spread.Balance;
            Add("Connections spread", "", a.Connections, b.Connections);
            Add("Endpoints", "", a.Endpoints, b.Endpoints);
            Add("Endpoints with nothing", "", a.EmptyEndpoints, b.EmptyEndpoints);
            Add("Least on an endpoint", "", a.Minimum, b.Minimum);
            Add("Most on an endpoint", "", a.Maximum, b.Maximum);
            Add("Most, times the mean", "", a.MaxToMean, b.MaxToMean);
            Add("Standard deviation", "", a.StandardDeviation, b.StandardDeviation);
            Add("Standard deviation by chance", "", a.ExpectedStandardDeviation, b.ExpectedStandardDeviation);
            Add("Jain's index", "", a.JainIndex, b.JainIndex);
        }

        if (comparison is { ReferenceDisruption: { } before, Disruption: { } after }) Disruptions(before, after);
        if (reference is ConnectResult x && result is ConnectResult y)
        {
            Add("Connections failed", "", x.Failed, y.Failed);
            Add("SYN segments sent again", "", x.SynRetransmits, y.SynRetransmits);
            Add("Connections", "1/s", PerSecond(x.Connections, x.Duration), PerSecond(y.Connections, y.Duration));
        }

        if (reference is TrafficResult p && result is TrafficResult q)
        {
            Add("Packets sent", "1/s", PerSecond(p.Sent, p.Duration), PerSecond(q.Sent, q.Duration));
            Add("Packets that came back", "1/s", PerSecond(p.Received, p.Duration), PerSecond(q.Received, q.Duration));
            Add("TCP segments sent again", "", p.Retransmits, q.Retransmits);
        }

        // Latency of a connect and of an echo are two things.
        if (reference.Kind == result.Kind && (Latency(reference), Latency(result)) is ({ Count: > 0 } l, { Count: > 0 } m))
        {
            Add("Latency p50", "ms", l.P50.TotalMilliseconds, m.P50.TotalMilliseconds);
            Add("Latency p90", "ms", l.P90.TotalMilliseconds, m.P90.TotalMilliseconds);
            Add("Latency p99", "ms", l.P99.TotalMilliseconds, m.P99.TotalMilliseconds);
            Add("Latency p99.9", "ms", l.P999.TotalMilliseconds, m.P999.TotalMilliseconds);
            Add("Latency, longest", "ms", l.Maximum.TotalMilliseconds, m.Maximum.TotalMilliseconds);
        }

        return measures.ToImmutable();

        void Add(string name, string unit, double? one, double? other)
        {
            if (one is not null || other is not null) measures.Add(new MeasureComparison(name, unit, one, other));
        }

        void Disruptions(Disruption a, Disruption b)
        {
            Add("Connections lost", "", a.LostConnections, b.LostConnections);
            Add("Least that had to be", "", a.LeastLost, b.LeastLost);
            Add("Lost, times the least", "", a.Ratio, b.Ratio);
            Add("Attempts to connect failed", "", a.FailedConnects, b.FailedConnects);
            Add("Recovery", "s", a.Recovery?.TotalSeconds, b.Recovery?.TotalSeconds);
            Add("Outage", "s", a.Outage.TotalSeconds, b.Outage.TotalSeconds);
            Add("Longest gap of a client", "s", a.LongestGap.TotalSeconds, b.LongestGap.TotalSeconds);
            Add("Median gap of clients", "s", a.MedianGap.TotalSeconds, b.MedianGap.TotalSeconds);
            Add("Reconnects per client", "", a.ReconnectsPerClient, b.ReconnectsPerClient);
            Add("Packets dropped", "", a.DroppedPackets, b.DroppedPackets);
            Add("Packets lost", "", a.LostPackets, b.LostPackets);
        }
    }

    private static double? PerSecond(long count, TimeSpan duration) => duration > TimeSpan.Zero ? count / duration.TotalSeconds : null;

    private static LatencySummary? Latency(ITestResult result) => result switch
    {
        ConnectResult connect => connect.Latency,
        TrafficResult traffic => traffic.Latency,
        _ => null,
    };
}
