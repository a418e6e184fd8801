using LbTest.Engine.Latency;

namespace LbTest.Engine.Connect;

/// <summary>What one worker counts. Workers share nothing while they run; their tallies are merged at the end.</summary>
internal sealed class Tally(ConnectPlan plan)
{
    private readonly FailureTally _failures = new();
    private readonly Dictionary<(long Source, int Name), long>? _sources = plan.TrackSources ? [] : null;
    private long _connections, _failed;

    internal NameTable Names { get; } = new(plan.Endpoints);

    internal Histogram Latency { get; } = new();

    internal long SynRetransmits { get; set; }

    // Read by the progress timer while the worker counts.
    internal long Connections => Volatile.Read(ref _connections);

    internal long Failed => Volatile.Read(ref _failed);

    internal void Succeed(int name, long source)
    {
        Names.Count(name);
        if (_sources is not null) System.Runtime.InteropServices.CollectionsMarshal.GetValueRefOrAddDefault(_sources, (source, name), out _)++;
        Volatile.Write(ref _connections, _connections + 1);
    }

    internal void Fail(FailureClass failure, string example)
    {
        _failures.Add(failure, example);
        Volatile.Write(ref _failed, _failed + 1);
    }

    internal static ImmutableArray<FailureCount> MergeFailures(IReadOnlyList<Tally> tallies) => FailureTally.Merge([.. tallies.Select(tally => tally._failures)]);

    internal static (ImmutableArray<EndpointResult> Endpoints, AffinityResult? Affinity) MergeEndpoints(ConnectPlan plan, IReadOnlyList<Tally> tallies)
    {
        (Dictionary<string, long>? sources, AffinityResult? affinity) = MergeSources(tallies);
        ImmutableArray<EndpointResult> endpoints = Snapshot(plan, tallies);
        return sources is null
            ? (endpoints, null)
            : ([.. endpoints.Select(endpoint => endpoint with { Sources = sources.GetValueOrDefault(endpoint.Name) })], affinity);
    }

    /// <summary>Every endpoint that exists or answered, and what it got so far; those that exist first, in the cluster's order.</summary>
    internal static ImmutableArray<EndpointResult> Snapshot(ConnectPlan plan, IReadOnlyList<Tally> tallies)
    {
        var counts = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach ((string name, long count) in tallies.SelectMany(tally => tally.Names.Counts)) counts[name] = counts.GetValueOrDefault(name) + count;
        IEnumerable<EndpointResult> listed = plan.Endpoints.Select(endpoint => new EndpointResult
        {
            Name = endpoint.Name, Node = endpoint.Node, ExpectedShare = endpoint.Share,
            Connections = counts.Remove(endpoint.Name, out long count) ? count : 0,
        });
        // The list above takes its names out of the counts, so it has to be made first.
        ImmutableArray<EndpointResult> existing = [.. listed];
        IEnumerable<EndpointResult> others = counts.Where(pair => pair.Value > 0).OrderBy(pair => pair.Key, StringComparer.Ordinal)
            .Select(pair => new EndpointResult { Name = pair.Key, Connections = pair.Value, Unexpected = existing.Length > 0 });
        return [.. existing, .. others];
    }

    private static (Dictionary<string, long>? PerEndpoint, AffinityResult? Affinity) MergeSources(IReadOnlyList<Tally> tallies)
    {
        if (tallies.All(tally => tally._sources is null)) return (null, null);
        var bySource = new Dictionary<long, Dictionary<string, long>>();
        foreach (Tally tally in tallies)
        {
            string[] names = [.. tally.Names.Counts.Select(count => count.Name)];
            foreach (((long source, int name), long count) in tally._sources!)
            {
                if (!bySource.TryGetValue(source, out Dictionary<string, long>? reached)) bySource[source] = reached = new(StringComparer.Ordinal);
                reached[names[name]] = reached.GetValueOrDefault(names[name]) + count;
            }
        }

        var perEndpoint = new Dictionary<string, long>(StringComparer.Ordinal);
        long moved = 0;
        foreach (Dictionary<string, long> reached in bySource.Values)
        {
            KeyValuePair<string, long> home = reached.MaxBy(pair => pair.Value);
            perEndpoint[home.Key] = perEndpoint.GetValueOrDefault(home.Key) + 1;
            moved += reached.Values.Sum() - home.Value;
        }

        return (perEndpoint, new AffinityResult(bySource.Count, moved));
    }
}
