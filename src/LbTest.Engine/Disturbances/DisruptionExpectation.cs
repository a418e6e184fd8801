namespace LbTest.Engine.Disturbances;

/// <summary>How many connections each event is to be expected to cost when they are spread evenly.</summary>
internal static class DisruptionExpectation
{
    /// <summary>For each event; null where nothing had to be lost.</summary>
    /// <remarks>
    /// Each disturbance begins with the connections there are, spread evenly over the endpoints in the rules; from there on they are
    /// followed through everything that happens (<see cref="EvenSpread{T}"/>). What hits at one moment does so before anybody reconnects.
    /// </remarks>
    internal static double?[] Lost(ConnectionHistory history, ImmutableArray<DisturbanceEvent> events)
    {
        double?[] expected = new double?[events.Length];
        if (!history.CanLose) return expected;
        var rules = new List<string>(EndpointsInRules.AtStart(history, events));
        // In the rules still, but broken: nothing new gets there.
        var silent = new HashSet<string>(StringComparer.Ordinal);
        var spreads = new Dictionary<(int Index, bool Undo), EvenSpread<string>>();
        foreach (Range moment in DisruptionSteps.Moments(events))
        {
            (int first, int end) = (moment.Start.Value, moment.End.Value);
            int active = history.Active(events[first].Applied);
            for (int i = first; i < end; i++) spreads.TryAdd((events[i].Index, events[i].Undo), new EvenSpread<string>(rules.Where(name => !silent.Contains(name)), active));
            foreach (((int Index, bool Undo) disturbance, EvenSpread<string> spread) in spreads)
            {
                double lost = 0, routed = 0;
                for (int i = first; i < end; i++)
                {
                    foreach (string endpoint in events[i].Removed) spread.Remove(endpoint);
                    foreach (string endpoint in events[i].Added) spread.Add(endpoint);
                }

                for (int i = first; i < end; i++)
                {
                    double broken = spread.Break(events[i].Broken);
                    lost += broken;
                    double routedNow = Math.Max(0, active - lost - routed) * DisruptionSteps.ShareOfTargets(events[i]);
                    routed += routedNow;
                    if (disturbance == (events[i].Index, events[i].Undo) && DisruptionSteps.MustBreak(events[i])) expected[i] = broken + routedNow;
                }

                spread.Reconnect(lost);
            }

            for (int i = first; i < end; i++)
            {
                EndpointsInRules.Apply(rules, events[i]);
                silent.UnionWith(events[i].Broken);
                silent.ExceptWith(events[i].Added);
            }
        }

        return expected;
    }
}
