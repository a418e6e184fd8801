using LbTest.Engine.Analysis;

namespace LbTest.Engine.Connect;

/// <summary>From a connect result to the numbers that analysis works on.</summary>
public static class ConnectAnalysis
{
    /// <summary>What is spread, one number per endpoint: connections, or under session affinity sources.</summary>
    /// <remarks>
    /// With affinity all connections of a source go where its first one went, so connections are not independent draws; sources are.
    /// </remarks>
    public static ImmutableArray<long> Counts(ConnectResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        return [.. result.Endpoints.Select(endpoint => BySource(result) ? endpoint.Sources ?? 0 : endpoint.Connections)];
    }

    /// <summary>The shares that the endpoints should get: those of the cluster, 0 for one it did not list; null when all are equal.</summary>
    public static ImmutableArray<double>? Shares(ConnectResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        if (result.Endpoints.All(endpoint => endpoint.ExpectedShare is null && !endpoint.Unexpected)) return null;
        int listed = result.Endpoints.Count(endpoint => !endpoint.Unexpected);
        return [.. result.Endpoints.Select(endpoint => endpoint.Unexpected ? 0 : endpoint.ExpectedShare ?? 1.0 / listed)];
    }

    /// <summary>The verdict on a result.</summary>
    public static Balance Measure(ConnectResult result, BalanceOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(result);
        options ??= new BalanceOptions();
        if (result.Context?.RoundRobinEntries is { } entries) options = options with { RoundRobinEntries = options.RoundRobinEntries ?? entries };
        Balance balance = BalanceAnalysis.Measure(Counts(result), Shares(result), options, result.Label);
        return balance with { Explanation = balance.Explanation + Caveats(result) };
    }

    /// <summary>How many endpoints got how many connections.</summary>
    public static ImmutableArray<FrequencyRow> Frequencies(ConnectResult result) => Frequency.Count(Counts(result));

    /// <summary>Results side by side, a column each; one of several places has a column for each of them too, since a balancer may promise something for each.</summary>
    public static FrequencyTable Table(IEnumerable<ConnectResult> results, BalanceOptions? options = null)
    {
        var labels = new Dictionary<string, int>(StringComparer.Ordinal);
        return FrequencyTable.Create([.. results.SelectMany(result => result.Entries.Prepend(result)).Select(result => new FrequencyColumn(Unique(labels, result.Label ?? "result"), Counts(result), Measure(result, options)))]);
    }

    private static bool BySource(ConnectResult result) => result.Context?.Affinity == true && result.Affinity is not null;

    private static string Caveats(ConnectResult result)
    {
        var caveats = new List<string>();
        if (BySource(result))
        {
            caveats.Add(string.Create(CultureInfo.InvariantCulture, $"Session affinity is on, so sources are counted instead of connections: {result.Affinity!.Sources:N0} of them; {result.Affinity.Moved:N0} connections reached another endpoint than their source's own."));
        }

        if (result.Failed > 0) caveats.Add(string.Create(CultureInfo.InvariantCulture, $"{result.Failed:N0} connections failed ({string.Join(", ", result.Failures.Select(f => $"{f.Count:N0} {f.Class}"))})."));
        if (result.Unfinished > 0) caveats.Add(string.Create(CultureInfo.InvariantCulture, $"{result.Unfinished:N0} connections were not made: {result.Reason}."));
        if (result.Endpoints.Any(e => e.Unexpected)) caveats.Add("Endpoints answered that the cluster does not list.");
        if (result.Context is null && result.Endpoints.Length > 0) caveats.Add("No cluster said which endpoints exist: one that got nothing is not counted here.");
        return caveats.Count == 0 ? "" : " " + string.Join(" ", caveats);
    }

    // Two runs of one label are two columns all the same.
    private static string Unique(Dictionary<string, int> seen, string label)
    {
        int times = seen[label] = seen.GetValueOrDefault(label) + 1;
        return times == 1 ? label : $"{label} ({times})";
    }
}
