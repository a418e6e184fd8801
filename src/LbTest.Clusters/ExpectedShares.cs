using LbTest.Engine.Connect;

namespace LbTest.Clusters;

/// <summary>The shares that a proxy's rules promise to endpoints.</summary>
internal static class ExpectedShares
{
    /// <summary>An equal share for each.</summary>
    internal static ImmutableArray<ExpectedEndpoint> Equal(IEnumerable<(string Name, string? Node)> endpoints) => [.. endpoints.Select(e => new ExpectedEndpoint(e.Name, null, e.Node))];

    /// <summary>Traffic enters evenly through nodes, each of which chooses evenly among its own.</summary>
    /// <param name="endpoints">All endpoints.</param>
    /// <param name="choices">For each node that traffic enters through, the endpoints that it may choose. A node without any lets nothing through.</param>
    /// <returns>No share (an equal one) where every node may choose all, or none lets anything through.</returns>
    internal static ImmutableArray<ExpectedEndpoint> Of(IEnumerable<(string Name, string? Node)> endpoints, IEnumerable<IReadOnlyCollection<string>> choices)
    {
        (string Name, string? Node)[] all = [.. endpoints];
        IReadOnlyCollection<string>[] through = [.. choices.Where(one => one.Count > 0)];
        if (through.All(one => one.Count == all.Length)) return Equal(all);
        var share = all.ToDictionary(e => e.Name, _ => 0.0);
        foreach (IReadOnlyCollection<string> one in through)
        {
            foreach (string name in one) share[name] += 1.0 / one.Count / through.Length;
        }

        return [.. all.Select(e => new ExpectedEndpoint(e.Name, share[e.Name], e.Node))];
    }
}
