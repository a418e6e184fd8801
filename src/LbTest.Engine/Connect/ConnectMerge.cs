using LbTest.Engine.Latency;

namespace LbTest.Engine.Connect;

/// <summary>Makes one result of those that several places had at the same time.</summary>
public static class ConnectMerge
{
    /// <summary>Merges exactly: counts add, histograms merge, expected shares are those of all connections together.</summary>
    /// <param name="entries">The results, one or more, each with a label that names its place.</param>
    /// <param name="label">The label of the whole.</param>
    /// <param name="context">What is known of the whole.</param>
    public static ConnectResult Of(IReadOnlyList<ConnectResult> entries, string? label, TestContext? context)
    {
        ArgumentNullException.ThrowIfNull(entries);
        if (entries.Count == 0) throw new ArgumentException("There is nothing to merge.", nameof(entries));
        ConnectResult first = entries[0];
        DateTimeOffset started = entries.Min(one => one.Started);
        ConnectResult[] stopped = [.. entries.Where(one => !one.Completed)];
        return first with
        {
            Label = label, Context = context, Started = started, Duration = entries.Max(one => one.Started + one.Duration) - started,
            Completed = stopped.Length == 0, Reason = stopped.Length == 0 ? null : string.Join("; ", stopped.Select(one => $"{one.Label}: {one.Reason}").Distinct()),
            Target = string.Join(", ", entries.Select(one => one.Target).Distinct()),
            Requested = entries.Sum(one => one.Requested), Connections = entries.Sum(one => one.Connections), Failed = entries.Sum(one => one.Failed),
            Unfinished = entries.Sum(one => one.Unfinished), SynRetransmits = entries.Sum(one => one.SynRetransmits),
            Failures = [.. entries.SelectMany(one => one.Failures).GroupBy(failure => failure.Class).Select(of => new FailureCount(of.Key, of.Sum(failure => failure.Count), of.First().Example))],
            Endpoints = Endpoints(entries), Latency = Latency([.. entries.Select(one => one.Latency).Where(one => one.Count > 0)]), Affinity = Affinity(entries), Entries = [.. entries],
            Warnings = [.. entries.SelectMany(one => one.Warnings).Distinct()],
        };
    }

    private static ImmutableArray<EndpointResult> Endpoints(IReadOnlyList<ConnectResult> entries)
    {
        double requested = entries.Sum(one => one.Requested);
        bool even = entries.All(one => one.Endpoints.All(endpoint => endpoint.ExpectedShare is null));
        return [.. entries.SelectMany(one => one.Endpoints.Select(endpoint => (Endpoint: endpoint, Entry: one))).GroupBy(pair => pair.Endpoint.Name, StringComparer.Ordinal).Select(Sum).OrderBy(one => one.Unexpected)];

        // The share of an entry counts by its part of the connections.
        EndpointResult Sum(IGrouping<string, (EndpointResult Endpoint, ConnectResult Entry)> of) => of.First().Endpoint with
        {
            Connections = of.Sum(pair => pair.Endpoint.Connections),
            Sources = of.Any(pair => pair.Endpoint.Sources is not null) ? of.Sum(pair => pair.Endpoint.Sources ?? 0) : null,
            Unexpected = of.All(pair => pair.Endpoint.Unexpected),
            ExpectedShare = even ? null : of.Where(pair => !pair.Endpoint.Unexpected).Sum(pair => (pair.Endpoint.ExpectedShare ?? 1.0 / pair.Entry.Endpoints.Count(one => !one.Unexpected)) * pair.Entry.Requested / requested),
        };
    }

    private static LatencySummary Latency(LatencySummary[] all)
    {
        var merged = new Histogram();
        foreach (LatencySummary one in all) merged.Merge(Histogram.FromBuckets(one.Buckets, one.Maximum, one.Mean));
        return LatencySummary.From(merged);
    }

    // Each place has source addresses of its own.
    private static AffinityResult? Affinity(IReadOnlyList<ConnectResult> entries) => entries.All(one => one.Affinity is null) ? null
        : new AffinityResult(entries.Sum(one => one.Affinity?.Sources ?? 0), entries.Sum(one => one.Affinity?.Moved ?? 0));
}
