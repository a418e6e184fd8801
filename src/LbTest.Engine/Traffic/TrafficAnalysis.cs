using LbTest.Engine.Results;

namespace LbTest.Engine.Traffic;

/// <summary>The state of connections in one second of a traffic test.</summary>
/// <param name="Time">The middle of the second, seconds from the start.</param>
/// <param name="Active">Established at its end.</param>
/// <param name="New">Started in it and not ended in it.</param>
/// <param name="Failed">Lost in it.</param>
/// <param name="Connecting">Started, but not established at its end.</param>
public sealed record ConnectionsRow(double Time, int Active, int New, int Failed, int Connecting);

/// <summary>Throughput over one sample of a traffic test.</summary>
/// <param name="Time">The middle of the interval, seconds from the start.</param>
/// <param name="BytesPerSecond">Bytes of payload that came back, per second.</param>
public sealed record ThroughputRow(double Time, double BytesPerSecond);

/// <summary>What became of an endpoint's connections.</summary>
/// <param name="Endpoint">The endpoint's name.</param>
/// <param name="Lost">Connections to it that were lost.</param>
/// <param name="Lasting">Connections to it that lasted until the end.</param>
public sealed record HostsRow(string Endpoint, int Lost, int Lasting);

/// <summary>The three analyses of the public <c>ctraffic</c> tool.</summary>
public static class TrafficAnalysis
{
    // A test of 10 s has ten seconds, though its end may be measured a little before or after.
    private static readonly TimeSpan Slack = TimeSpan.FromMilliseconds(50);

    /// <summary>Connections second by second, worked out from the connection records.</summary>
    /// <remarks>
    /// As in ctraffic, a connection that was lost in the second in which it was started counts as failed only, and the rest of the test after
    /// its last whole second has no row. Where records are missing (the agent of the run was lost), the samples' own states stand in.
    /// </remarks>
    /// <exception cref="PlanException">The result has neither connection records nor samples.</exception>
    public static ImmutableArray<ConnectionsRow> Connections(TrafficResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        if (!HasAllConnections(result)) return FromSamples(result);
        bool imported = IsImported(result);
        var rows = ImmutableArray.CreateBuilder<ConnectionsRow>();
        TimeSpan last = TimeSpan.Zero;
        // ctraffic lacks the last second where a test ended exactly with it.
        for (TimeSpan end = Second; imported ? end < result.Duration : end <= result.Duration + Slack; end += Second)
        {
            int active = 0, started = 0, failed = 0, connecting = 0;
            foreach (TrafficConnection connection in result.Connections)
            {
                TimeSpan ended = connection.WasLost || imported ? connection.Ended : TimeSpan.MaxValue;
                if (ended < last) continue;
                if (ended < end)
                {
                    if (connection.WasLost) failed++;
                    continue;
                }

                if (connection.Started > end) continue;
                if (connection.Started > last || (connection.Started == TimeSpan.Zero && last == TimeSpan.Zero)) started++;
                if (connection.Connected is { } connected && connected <= end) active++;
                else connecting++;
            }

            rows.Add(new ConnectionsRow((end - (Second / 2)).TotalSeconds, active, started, failed, connecting));
            last = end;
        }

        return rows.ToImmutable();
    }

    /// <summary>Throughput sample by sample. Of ctraffic's results the first sample is only where counting begins, as it is there.</summary>
    /// <remarks>In bytes/s, without cutting to the whole units of 1,024 bytes in which ctraffic counts.</remarks>
    /// <exception cref="PlanException">The result has no samples.</exception>
    public static ImmutableArray<ThroughputRow> Throughput(TrafficResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        RequireSamples(result);
        return [.. Intervals(result).Skip(IsImported(result) ? 1 : 0).Select(i => new ThroughputRow(i.Middle, i.Sample.BytesReceived / (i.Sample.Time - i.From).TotalSeconds))];
    }

    /// <summary>Lost and lasting connections by endpoint, in the order of names; an endpoint without connections has no row.</summary>
    /// <exception cref="PlanException">The result has no connection records.</exception>
    public static ImmutableArray<HostsRow> Hosts(TrafficResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        PlanException.Require(result.Connections.Length > 0, "Result", result.Label, "has no connection records", "Take a result that has them; ctraffic writes them with -stats all");
        return
        [
            .. result.Connections.Where(c => c.Endpoint is { Length: > 0 }).GroupBy(c => c.Endpoint!).OrderBy(g => g.Key, StringComparer.Ordinal)
                .Select(g => new HostsRow(g.Key, g.Count(c => c.Failure is not null), g.Count(c => c.Failure is null))),
        ];
    }

    /// <summary>False where nobody could say what became of the connections that were still there when the run's agent was lost.</summary>
    internal static bool HasAllConnections(TrafficResult result) => result.Connections.Length > 0
        && (result.Completed || result.Samples.Length == 0 || IsImported(result)
            || result.Samples[^1].Active <= result.Connections.Count(c => c.Connected <= result.Samples[^1].Time && (!c.WasLost || c.Ended >= result.Samples[^1].Time)));

    private static TimeSpan Second => TimeSpan.FromSeconds(1);

    private static bool IsImported(TrafficResult result) => result.Generator == CtrafficJson.Generator;

    private static ImmutableArray<ConnectionsRow> FromSamples(TrafficResult result)
    {
        RequireSamples(result);
        PlanException.Require(!IsImported(result), "Result", result.Label, "has no connection records", "Run ctraffic with -stats all");
        return [.. Intervals(result).Select(i => new ConnectionsRow(i.Middle, i.Sample.Active, i.Sample.New, i.Sample.Failed, i.Sample.Connecting))];
    }

    private static IEnumerable<(TimeSpan From, double Middle, TrafficSample Sample)> Intervals(TrafficResult result)
    {
        TimeSpan from = TimeSpan.Zero;
        foreach (TrafficSample sample in result.Samples.Where(sample => sample.Time > TimeSpan.Zero))
        {
            yield return (from, (from + ((sample.Time - from) / 2)).TotalSeconds, sample);
            from = sample.Time;
        }
    }

    private static void RequireSamples(TrafficResult result) => PlanException.Require(
        result.Samples.Length > 0, "Result", result.Label, "has no samples", "Take a result of a test that ran for at least a second; ctraffic writes samples with -stats all");
}
