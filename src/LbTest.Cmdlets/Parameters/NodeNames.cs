using LbTest.Clusters;

namespace LbTest.Cmdlets.Parameters;

/// <summary>Finds the nodes of a cluster that a user means.</summary>
internal static class NodeNames
{
    /// <summary>The nodes whose names match any of <paramref name="patterns"/>; one null, for all, where none are given. A name without wildcards that matches none is an error.</summary>
    internal static IReadOnlyList<string?> Matching(Cluster cluster, IReadOnlyList<string> patterns, Action<ErrorRecord> error)
    {
        if (patterns.Count == 0) return [null];
        var found = new List<string?>();
        foreach (string pattern in patterns)
        {
            WildcardPattern wildcard = WildcardPattern.Get(pattern, WildcardOptions.IgnoreCase);
            string[] nodes = [.. cluster.Nodes.Where(wildcard.IsMatch)];
            if (nodes.Length == 0 && !WildcardPattern.ContainsWildcardCharacters(pattern))
            {
                error(Faults.NotFound("node", pattern, $"'{cluster.Name}' has {string.Join(", ", cluster.Nodes.Take(3))}{(cluster.Nodes.Length > 3 ? $", … (in all {cluster.Nodes.Length})" : "")}"));
            }

            found.AddRange(nodes.Except(found));
        }

        return found;
    }
}
