using System.Collections.Concurrent;
using LbTest.Clusters;
using LbTest.Clusters.Kubernetes;
using LbTest.Clusters.Lab;

namespace LbTest.Cmdlets.Clusters;

/// <summary>The clusters that this process knows: attached labs that it started, detached ones that it is in touch with, Kubernetes clusters that it started or found.</summary>
internal static class RunningClusters
{
    private sealed record Entry(Cluster? Cluster, Guid Owner, long Order);

    private static readonly ConcurrentDictionary<string, Entry> Known = new(StringComparer.Ordinal);
    private static long _order;

    /// <summary>Takes a name for a lab that is about to be built: the wanted one, else <c>lab</c>, <c>lab-2</c>, … whichever is free.</summary>
    /// <exception cref="PlanException">The wanted name is in use.</exception>
    internal static string Claim(string? wanted)
    {
        HashSet<string> inUse = [.. Names()];
        if (wanted is null) return Candidates().First(name => !inUse.Contains(name) && Known.TryAdd(name, Next(null)));
        return !inUse.Contains(wanted) && Known.TryAdd(wanted, Next(null)) ? wanted : throw LabCluster.NameInUse(wanted);
    }

    /// <summary>Keeps a cluster: the lab that was built under a claimed name, or a Kubernetes cluster.</summary>
    internal static void Keep(Cluster cluster) => Known[cluster.Name] = Next(cluster);

    /// <summary>Gives a claimed name back, unless a lab was built under it.</summary>
    internal static void Release(string name)
    {
        if (Known.TryGetValue(name, out Entry? entry) && entry.Cluster is null) Forget(name);
    }

    /// <summary>Forgets a cluster that has ended.</summary>
    internal static void Forget(string name) => Known.TryRemove(name, out _);

    /// <summary>The names of all clusters that run, in alphabetical order. Asks no Kubernetes API server.</summary>
    internal static IEnumerable<string> Names()
    {
        foreach ((string name, Entry entry) in Known)
        {
            // Stopped from another shell, or killed.
            if (entry.Cluster is { Running: false }) Forget(name);
        }

        return Known.Where(pair => pair.Value.Cluster is not null).Select(pair => pair.Key).Union(LabCluster.DetachedNames(), StringComparer.Ordinal).Order(StringComparer.Ordinal);
    }

    /// <summary>The cluster of this name; null when there is none. One in the form <c>context/namespace</c> is looked for on its Kubernetes cluster.</summary>
    internal static Cluster? Find(string name)
    {
        if (Known.TryGetValue(name, out Entry? entry) && entry.Cluster is { Running: true } known) return known;
        Cluster? found = name.LastIndexOf('/') is > 0 and var slash
            ? KubernetesCluster.FindAsync(null, name[..slash], name[(slash + 1)..], CancellationToken.None).GetAwaiter().GetResult().FirstOrDefault()
            : LabCluster.FindAsync(name).GetAwaiter().GetResult();
        if (found is not null) Keep(found);
        return found;
    }

    /// <summary>The clusters whose names match any of <paramref name="patterns"/>. A name without wildcards that matches none is an error.</summary>
    internal static IReadOnlyList<Cluster> Matching(IReadOnlyList<string> patterns, Action<ErrorRecord> error)
    {
        var clusters = new List<Cluster>();
        string[] names = [.. Names()];
        foreach (string pattern in patterns)
        {
            WildcardPattern wildcard = WildcardPattern.Get(pattern, WildcardOptions.IgnoreCase);
            Cluster[] found = [.. names.Where(wildcard.IsMatch).Select(Find).OfType<Cluster>()];
            if (found.Length == 0 && !WildcardPattern.ContainsWildcardCharacters(pattern))
            {
                if (pattern.Contains('/', StringComparison.Ordinal) && Find(pattern) is { } elsewhere) found = [elsewhere];
                else error(Faults.NotFound("cluster", pattern, "See Get-LbCluster, or start it with Start-LbCluster"));
            }

            clusters.AddRange(found.Except(clusters));
        }

        return clusters;
    }

    /// <summary>The cluster that was started, or found, last.</summary>
    internal static Cluster? Newest() =>
        Known.Values.Where(entry => entry.Cluster is { Running: true }).MaxBy(entry => entry.Order)?.Cluster ?? LabCluster.DetachedNames().Select(Find).FirstOrDefault();

    /// <summary>Stops the attached labs of a session and lets go of whatever else it has.</summary>
    internal static void StopAll(Guid owner)
    {
        foreach ((string name, Entry entry) in Known.Where(pair => pair.Value.Owner == owner))
        {
            (entry.Cluster as IDisposable)?.Dispose();
            Forget(name);
        }
    }

    private static Entry Next(Cluster? cluster) => new(cluster, ModuleSession.Current, Interlocked.Increment(ref _order));

    private static IEnumerable<string> Candidates() => Enumerable.Range(1, int.MaxValue).Select(i => i == 1 ? "lab" : $"lab-{i}");
}
