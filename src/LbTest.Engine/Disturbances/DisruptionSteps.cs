using LbTest.Engine.Traffic;

namespace LbTest.Engine.Disturbances;

/// <summary>What each event of the disturbances cost, and the least that it had to.</summary>
internal static class DisruptionSteps
{
    // What is planned for one moment is applied within this time of it.
    private static readonly TimeSpan Moment = TimeSpan.FromMilliseconds(50);

    /// <summary>The events that did something while there was traffic, in the order of time.</summary>
    /// <remarks>Those that failed did nothing; those that undid a disturbance when the test ended, be it stopped, came too late to matter.</remarks>
    internal static ImmutableArray<DisturbanceEvent> Effective(TrafficResult result)
    {
        TimeSpan end = result.PlannedDuration > TimeSpan.Zero && result.PlannedDuration < result.Duration ? result.PlannedDuration : result.Duration;
        return [.. result.Disturbances.Where(e => e.Error is null && e.Applied < result.Duration && !(e.Undo && e.Planned >= end)).OrderBy(e => e.Applied)];
    }

    /// <summary>The events that hit at the same moment, together.</summary>
    internal static IEnumerable<Range> Moments(ImmutableArray<DisturbanceEvent> events)
    {
        for (int first = 0, next; first < events.Length; first = next)
        {
            next = first + 1;
            while (next < events.Length && events[next].Planned == events[first].Planned && events[next].Applied - events[first].Applied <= Moment) next++;
            yield return first..next;
        }
    }

    /// <summary>Whether an event had to break connections.</summary>
    internal static bool MustBreak(DisturbanceEvent e) => CanBreak(e.Kind) && (e.Broken.Length > 0 || ShareOfTargets(e) > 0);

    /// <summary>Of N targets over which connections are spread evenly, each removed one takes 1/N of them along.</summary>
    internal static double ShareOfTargets(DisturbanceEvent e) =>
        e is { EcmpTargetsBefore: { } before, EcmpTargetsAfter: { } after } && before > after ? (double)(before - after) / before : 0;

    internal static ImmutableArray<DisruptionStep> Measure(ConnectionHistory history, ImmutableArray<DisturbanceEvent> events)
    {
        double?[] least = new double?[events.Length], expected = DisruptionExpectation.Lost(history, events);
        ILookup<int, int> lostTo = Causes(history, events, least).Select((cause, connection) => (cause, connection)).ToLookup(c => c.cause, c => c.connection);
        ILookup<int, TrafficSample> samples = history.Result.Samples.ToLookup(sample => LastBefore(events, sample.Time, inclusive: false));
        ILookup<int, TimeSpan> made = history.Connections.Select(c => c.Connected).OfType<TimeSpan>().ToLookup(connected => LastBefore(events, connected, inclusive: true));
        return
        [
            .. events.Select((e, i) =>
            {
                int[] lost = [.. lostTo[i]];
                return new DisruptionStep
                {
                    Time = e.Applied, Kind = e.Kind, Description = e.Description, Lost = lost.Length, Least = least[i], Expected = expected[i],
                    Reconnected = made[i].Count(), Dropped = samples[i].Sum(s => s.Dropped - s.Late), Retransmits = samples[i].Sum(s => s.Retransmits),
                    FirstFailure = lost.Select(c => (TimeSpan?)(history.Connections[c].Ended - e.Applied)).Min(),
                    Recovery = lost.Length > 0 && lost.All(c => history.Back(c) is not null) ? lost.Max(c => history.Back(c) - e.Applied) : null,
                };
            }),
        ];
    }

    /// <summary>Which event each connection was lost to (−1: to none, or not lost); fills in the least that each event had to break.</summary>
    /// <remarks>
    /// A connection on an endpoint that an event broke is lost to that event, however long the loss takes to show; any other to the
    /// latest event before its end. None has to be lost twice: what an earlier event has doomed already is not counted again, unless
    /// its endpoint has come back in between.
    /// </remarks>
    private static int[] Causes(ConnectionHistory history, ImmutableArray<DisturbanceEvent> events, double?[] least)
    {
        int[] causes = new int[history.Connections.Length];
        Array.Fill(causes, -1);
        var returned = new HashSet<string>(StringComparer.Ordinal);
        foreach (Range moment in Moments(events))
        {
            double doomed = 0;
            for (int i = moment.Start.Value; i < moment.End.Value; i++)
            {
                DisturbanceEvent e = events[i];
                if (history.CanLose && CanBreak(e.Kind))
                {
                    int[] there = [.. history.At(e.Applied)];
                    int[] broken = [.. there.Where(c => history.Connections[c].Endpoint is { } name && e.Broken.Contains(name) && (causes[c] < 0 || returned.Contains(name)))];
                    foreach (int c in broken) causes[c] = i;
                    int spared = history.IsWhole ? there.Count(c => causes[c] < 0) : history.Active(e.Applied) - broken.Length;
                    double routed = Math.Max(0, spared - doomed) * ShareOfTargets(e);
                    doomed += routed;
                    least[i] = broken.Length + routed;
                }

                returned.ExceptWith(e.Broken);
                returned.UnionWith(e.Added);
            }
        }

        for (int c = 0; c < causes.Length; c++)
        {
            if (!history.Connections[c].WasLost) causes[c] = -1;
            else if (causes[c] < 0) causes[c] = LastBefore(events, history.Connections[c].Ended, inclusive: true);
        }

        return causes;
    }

    // The others slow traffic down, or do what nobody can foresee: nothing has to break.
    private static bool CanBreak(DisturbanceKind kind) =>
        kind is DisturbanceKind.EndpointDown or DisturbanceKind.EndpointUp or DisturbanceKind.NodeDown or DisturbanceKind.NodeUp or DisturbanceKind.EcmpTargetRemove
            or DisturbanceKind.EcmpTargetAdd or DisturbanceKind.RollingUpdate or DisturbanceKind.ScaleTo or DisturbanceKind.NodeDrain;

    private static int LastBefore(ImmutableArray<DisturbanceEvent> events, TimeSpan time, bool inclusive)
    {
        int last = -1;
        while (last + 1 < events.Length && (events[last + 1].Applied < time || (inclusive && events[last + 1].Applied == time))) last++;
        return last;
    }
}
