using LbTest.Engine.Connect;
using LbTest.Engine.Traffic;

namespace LbTest.Engine.Report;

/// <summary>What happened in one interval of a traffic test: a second, or several where a second each would be too many to look at.</summary>
/// <param name="Start">Where it begins, s.</param>
/// <param name="Time">Where it ends, s.</param>
/// <param name="Active">The fewest connections established at the end of its seconds.</param>
/// <param name="New">Connections established in it.</param>
/// <param name="Failed">Established connections lost in it.</param>
/// <param name="Connecting">The most clients that tried to connect then.</param>
/// <param name="FailedConnects">Attempts to connect that failed in it.</param>
internal sealed record TimelinePoint(double Start, double Time, int Active, int New, int Failed, int Connecting, int FailedConnects)
{
    internal long Sent { get; init; }

    internal long Received { get; init; }

    internal long Dropped { get; init; }

    internal long Retransmits { get; init; }

    internal long BytesSent { get; init; }

    internal long BytesReceived { get; init; }

    /// <summary>Latency; of several seconds the worst of each percentile; null when nothing came back.</summary>
    internal LatencySummary? Latency { get; init; }

    internal double PerSecond(long count) => Time > Start ? count / (Time - Start) : 0;
}

/// <summary>A traffic test over time, in so many intervals that they can be drawn.</summary>
internal static class Timeline
{
    /// <summary>Half an hour of seconds: more no screen shows side by side.</summary>
    internal const int Most = 1800;

    /// <summary>The intervals of a result, ascending.</summary>
    internal static ImmutableArray<TimelinePoint> Of(TrafficResult result, int most = Most)
    {
        TimelinePoint[] seconds = Seconds(result);
        int size = (seconds.Length + most - 1) / Math.Max(1, most);
        return size <= 1 ? [.. seconds] : [.. seconds.Chunk(size).Select(Merge)];
    }

    private static TimelinePoint[] Seconds(TrafficResult result)
    {
        double previous = 0;
        TimelinePoint[] points = [.. result.Samples.Select(sample =>
        {
            double start = previous;
            previous = sample.Time.TotalSeconds;
            return new TimelinePoint(start, previous, sample.Active, sample.New, sample.Failed, sample.Connecting, sample.FailedConnects)
            {
                Sent = sample.Sent, Received = sample.Received, Dropped = sample.Dropped, Retransmits = sample.Retransmits,
                BytesSent = sample.BytesSent, BytesReceived = sample.BytesReceived, Latency = sample.Latency.Count == 0 ? null : sample.Latency,
            };
        })];
        return points;
    }

    private static TimelinePoint Merge(TimelinePoint[] seconds)
    {
        LatencySummary[] latencies = [.. seconds.Select(s => s.Latency).OfType<LatencySummary>()];
        return new TimelinePoint(seconds[0].Start, seconds[^1].Time, seconds.Min(s => s.Active), seconds.Sum(s => s.New), seconds.Sum(s => s.Failed),
            seconds.Max(s => s.Connecting), seconds.Sum(s => s.FailedConnects))
        {
            Sent = seconds.Sum(s => s.Sent), Received = seconds.Sum(s => s.Received), Dropped = seconds.Sum(s => s.Dropped), Retransmits = seconds.Sum(s => s.Retransmits),
            BytesSent = seconds.Sum(s => s.BytesSent), BytesReceived = seconds.Sum(s => s.BytesReceived),
            Latency = latencies.Length == 0 ? null : new LatencySummary
            {
                Count = latencies.Sum(l => l.Count), P50 = latencies.Max(l => l.P50), P90 = latencies.Max(l => l.P90), P99 = latencies.Max(l => l.P99),
                P999 = latencies.Max(l => l.P999), Maximum = latencies.Max(l => l.Maximum),
            },
        };
    }
}
