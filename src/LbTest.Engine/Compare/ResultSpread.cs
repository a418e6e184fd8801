using LbTest.Engine.Analysis;
using LbTest.Engine.Connect;
using LbTest.Engine.Results;
using LbTest.Engine.Traffic;

namespace LbTest.Engine.Compare;

/// <summary>How the connections of a result of any kind were spread.</summary>
internal static class ResultSpread
{
    /// <summary>The spread and its balance; null where the result does not tell where its connections went.</summary>
    internal static (Spread Spread, Balance Balance)? Of(ITestResult result, BalanceOptions options)
    {
        switch (result)
        {
            case ConnectResult { Endpoints.Length: > 0 } connect:
                var spread = new Spread([.. connect.Endpoints.Select(e => e.Name)], ConnectAnalysis.Counts(connect), ConnectAnalysis.Shares(connect), Listed: connect.Context is not null);
                return (spread, ConnectAnalysis.Measure(connect, options));
            case TrafficResult traffic when TrafficAnalysis.HasAllConnections(traffic):
                Spread first = First(traffic);
                if (result.Context?.RoundRobinEntries is { } entries) options = options with { RoundRobinEntries = entries };
                return first.Names.Length == 0 ? null : (first, BalanceAnalysis.Measure(first.Counts, first.Shares, options, traffic.Label));
            default:
                return null;
        }
    }

    // Each client's first connection: those made anew later went where the disturbances left endpoints.
    private static Spread First(TrafficResult result)
    {
        IEnumerable<TrafficConnection> connections = result.Connections.Where(c => c is { Reconnects: 0, Connected: not null, Endpoint.Length: > 0 });
        if (result.Context?.Affinity == true) connections = connections.DistinctBy(c => (Source(c.Local), c.Endpoint));
        Dictionary<string, long> counts = connections.GroupBy(c => c.Endpoint!, StringComparer.Ordinal).ToDictionary(g => g.Key, g => g.LongCount(), StringComparer.Ordinal);
        ExpectedEndpoint[] listed = [.. result.Endpoints.DistinctBy(e => e.Name)];
        ImmutableArray<string> names = [.. listed.Select(e => e.Name), .. counts.Keys.Except(listed.Select(e => e.Name), StringComparer.Ordinal).Order(StringComparer.Ordinal)];
        double sum = listed.Sum(e => e.Share ?? 0);
        bool weighted = listed.Length > 0 && sum > 0 && listed.All(e => e.Share is not null);
        // One that answered without being listed should get nothing.
        ImmutableArray<double>? shares = weighted ? [.. listed.Select(e => e.Share!.Value / sum), .. names.Skip(listed.Length).Select(_ => 0.0)]
            : listed.Length > 0 && names.Length > listed.Length ? [.. names.Select((_, i) => i < listed.Length ? 1.0 / listed.Length : 0)]
            : null;
        return new Spread(names, [.. names.Select(name => counts.GetValueOrDefault(name))], shares, Listed: listed.Length > 0);
    }

    private static string Source(string? local) => local is null ? "" : IPEndPoint.TryParse(local, out IPEndPoint? end) ? end.Address.ToString() : local;
}
