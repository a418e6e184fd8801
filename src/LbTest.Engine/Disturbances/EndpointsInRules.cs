using LbTest.Engine.Analysis;
using LbTest.Engine.Traffic;

namespace LbTest.Engine.Disturbances;

/// <summary>Which endpoints were in the rules in the course of a traffic test.</summary>
internal static class EndpointsInRules
{
    /// <summary>Those before the first event: as the cluster said; where nobody knew, those seen until then and those that leave or break without having come.</summary>
    internal static ImmutableArray<string> AtStart(ConnectionHistory history, ImmutableArray<DisturbanceEvent> events)
    {
        if (history.Result.Endpoints.Length > 0) return [.. history.Result.Endpoints.Select(endpoint => endpoint.Name)];
        var come = new HashSet<string>(StringComparer.Ordinal);
        var there = new HashSet<string>(StringComparer.Ordinal);
        foreach (DisturbanceEvent e in events)
        {
            there.UnionWith(e.Removed.Concat(e.Broken).Where(name => !come.Contains(name)));
            come.UnionWith(e.Added);
        }

        TimeSpan until = events.Length > 0 ? events[0].Applied : history.Result.Duration;
        there.UnionWith(history.Connections.Where(c => c.Endpoint is { Length: > 0 } && c.Connected <= until).Select(c => c.Endpoint!));
        return [.. there.Order(StringComparer.Ordinal)];
    }

    /// <summary>Does what an event did to the rules.</summary>
    internal static void Apply(List<string> rules, DisturbanceEvent e)
    {
        rules.RemoveAll(name => e.Removed.Contains(name));
        rules.AddRange(e.Added.Where(name => !rules.Contains(name)));
    }

    /// <summary>How evenly the connections of a moment lay over the endpoints that were in the rules then.</summary>
    /// <returns>Null where there were fewer than two endpoints or no connection on any of them, or where nobody knows which connections there were.</returns>
    internal static Balance? Balance(ConnectionHistory history, ImmutableArray<DisturbanceEvent> events, TimeSpan time, bool before = false)
    {
        if (!history.IsWhole) return null;
        var rules = new List<string>(AtStart(history, events));
        foreach (DisturbanceEvent e in events.Where(e => e.Applied < time || (!before && e.Applied == time))) Apply(rules, e);
        var counts = rules.Distinct(StringComparer.Ordinal).ToDictionary(name => name, _ => 0L, StringComparer.Ordinal);
        foreach (int c in history.At(time))
        {
            if (history.Connections[c].Endpoint is { } name && counts.TryGetValue(name, out long count)) counts[name] = count + 1;
        }

        if (counts.Count < 2 || counts.Values.Sum() == 0) return null;
        string[] names = [.. counts.Keys];
        return BalanceAnalysis.Measure([.. names.Select(name => counts[name])], Shares(history.Result, names), label: history.Result.Label);
    }

    // Unequal shares are known only where the cluster gave one for every endpoint that is in the rules.
    private static double[]? Shares(TrafficResult result, string[] names)
    {
        Dictionary<string, double?> known = result.Endpoints.GroupBy(e => e.Name, StringComparer.Ordinal).ToDictionary(g => g.Key, g => g.First().Share, StringComparer.Ordinal);
        double?[] shares = [.. names.Select(name => known.GetValueOrDefault(name))];
        double sum = shares.Sum() ?? 0;
        return sum > 0 && shares.All(share => share is not null) ? [.. shares.Select(share => share!.Value / sum)] : null;
    }
}
