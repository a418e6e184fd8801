using LbTest.Engine.Analysis;
using LbTest.Engine.Traffic;

namespace LbTest.Engine.Disturbances;

/// <summary>From a traffic result to what its disturbances cost.</summary>
public static class DisruptionAnalysis
{
    /// <summary>Measures a result, with disturbances or without.</summary>
    /// <remarks>
    /// Lost connections and reconnects are known to the tick, by the connection records; dropped and lost packets and failed attempts by
    /// the second, by the samples: a first failure or a recovery that only they show is that of the sample's end, at most a second late.
    /// Where the run's agent was lost, connections that were still there are not known, nor is what can only be said of all of them.
    /// </remarks>
    /// <exception cref="PlanException">The result has neither samples nor connection records.</exception>
    public static Disruption Measure(TrafficResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        PlanException.Require(
            result.Samples.Length + result.Connections.Length > 0, "Result", result.Label, "has neither samples nor connection records",
            "Take a result of a test that ran for at least a second; ctraffic writes both with -stats all");
        var history = new ConnectionHistory(result);
        var trouble = new TrafficTrouble(history);
        ImmutableArray<DisturbanceEvent> events = DisruptionSteps.Effective(result);
        ImmutableArray<DisruptionStep> steps = DisruptionSteps.Measure(history, events);
        TimeSpan? start = events.Length > 0 ? events[0].Applied : null;
        (TimeSpan At, bool Sampled)? first = start is { } from ? trouble.First(from) : null;
        bool recovered = trouble.IsOverAtEnd();
        (TimeSpan At, bool Sampled)? last = first is not null && recovered ? trouble.Last(start!.Value) : null;
        long lost = Math.Max(result.LostConnections, result.Connections.Count(c => c.WasLost));
        double? least = history.CanLose && events.Any(DisruptionSteps.MustBreak) ? steps.Sum(step => step.Least) : null;
        TimeSpan[] gaps = [.. history.LongestGaps().Order()];
        int[] reconnects = [.. result.Connections.Where(c => c is { Reconnects: > 0, Connected: not null }).GroupBy(c => c.Client).Select(client => client.Count())];
        var disruption = new Disruption
        {
            Label = result.Label, Clients = result.Clients, LostConnections = lost, LeastLost = least, Ratio = least > 0 ? lost / least : null,
            FailedConnects = result.FailedConnects, LostPackets = result.Lost, DroppedPackets = result.Dropped - result.Late,
            FirstFailure = first?.At - start, Recovery = last?.At - start, Recovered = recovered,
            LongestGap = gaps.LastOrDefault(), MedianGap = Median(gaps), Outage = history.Outage(),
            ReconnectsPerClient = result.Clients > 0 ? (double)reconnects.Sum() / result.Clients : 0, MostReconnects = reconnects.DefaultIfEmpty().Max(),
            Endpoints = result.Connections.Length > 0 ? TrafficAnalysis.Hosts(result) : [], Steps = steps,
            Before = start is { } begin ? EndpointsInRules.Balance(history, events, begin, before: true) : null,
            During = start is not null ? EndpointsInRules.Balance(history, events, Halfway(result, events)) : null,
            After = EndpointsInRules.Balance(history, events, result.Duration),
        };
        return disruption with { Explanation = DisruptionText.Of(disruption, result, first?.Sampled == true, last?.Sampled == true) };
    }

    // What nothing undid before the end lasts until then, be it that nobody recorded its undoing.
    private static TimeSpan Halfway(TrafficResult result, ImmutableArray<DisturbanceEvent> events)
    {
        TimeSpan first = events[0].Applied, last = result.Disturbances.Where(e => e.Error is null).Max(e => e.Applied + e.Took);
        TimeSpan end = last > result.Duration || events[^1].Applied == first ? result.Duration : last;
        return first + ((end - first) / 2);
    }

    private static TimeSpan Median(TimeSpan[] ascending) => ascending.Length == 0 ? TimeSpan.Zero
        : ascending.Length % 2 == 1 ? ascending[ascending.Length / 2]
        : (ascending[(ascending.Length / 2) - 1] + ascending[ascending.Length / 2]) / 2;
}
