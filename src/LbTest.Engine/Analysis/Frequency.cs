namespace LbTest.Engine.Analysis;

/// <summary>So many endpoints got so many connections.</summary>
/// <param name="Connections">Connections per endpoint, 0 or more.</param>
/// <param name="Endpoints">The number of endpoints that got exactly that, 1 or more.</param>
public sealed record FrequencyRow(long Connections, int Endpoints);

/// <summary>Counts how many endpoints got how many connections.</summary>
public static class Frequency
{
    /// <summary>Counts the endpoints by their connections.</summary>
    /// <param name="counts">Connections per endpoint, with a 0 for every endpoint that exists but got nothing.</param>
    /// <returns>A row per number of connections that occurs, ascending.</returns>
    public static ImmutableArray<FrequencyRow> Count(IReadOnlyList<long> counts)
    {
        ArgumentNullException.ThrowIfNull(counts);
        return [.. counts.CountBy(c => c).OrderBy(row => row.Key).Select(row => new FrequencyRow(row.Key, row.Value))];
    }
}
