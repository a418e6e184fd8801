using System.Collections.Concurrent;
using LbTest.Clusters.Lab;

namespace LbTest.Cmdlets.Clusters;

/// <summary>The labs that this process knows: attached ones that it started, and detached ones that it is in touch with.</summary>
internal static class RunningLabs
{
    private sealed record Entry(LabCluster? Lab, Guid Owner, long Order);

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

    /// <summary>Keeps the lab that was built under a claimed name.</summary>
    internal static void Keep(LabCluster lab) => Known[lab.Name] = Next(lab);

    /// <summary>Gives a claimed name back, unless a lab was built under it.</summary>
    internal static void Release(string name)
    {
        if (Known.TryGetValue(name, out Entry? entry) && entry.Lab is null) Forget(name);
    }

    /// <summary>Forgets a lab that has ended.</summary>
    internal static void Forget(string name) => Known.TryRemove(name, out _);

    /// <summary>The names of all labs that run, in alphabetical order.</summary>
    internal static IEnumerable<string> Names()
    {
        foreach ((string name, Entry entry) in Known)
        {
            // Stopped from another shell, or killed.
            if (entry.Lab is { Running: false }) Forget(name);
        }

        return Known.Where(pair => pair.Value.Lab is not null).Select(pair => pair.Key).Union(LabCluster.DetachedNames(), StringComparer.Ordinal).Order(StringComparer.Ordinal);
    }

    /// <summary>The lab of this name; null when there is none.</summary>
    internal static LabCluster? Find(string name)
    {
        if (Known.TryGetValue(name, out Entry? entry) && entry.Lab is { Running: true } known) return known;
        if (LabCluster.FindAsync(name).GetAwaiter().GetResult() is not { } found) return null;
        Keep(found);
        return found;
    }

    /// <summary>The labs whose names match any of <paramref name="patterns"/>. A name without wildcards that matches none is an error.</summary>
    internal static IReadOnlyList<LabCluster> Matching(IReadOnlyList<string> patterns, Action<ErrorRecord> error)
    {
        var labs = new List<LabCluster>();
        string[] names = [.. Names()];
        foreach (string pattern in patterns)
        {
            WildcardPattern wildcard = WildcardPattern.Get(pattern, WildcardOptions.IgnoreCase);
            LabCluster[] found = [.. names.Where(wildcard.IsMatch).Select(Find).OfType<LabCluster>()];
            if (found.Length == 0 && !WildcardPattern.ContainsWildcardCharacters(pattern)) error(Faults.NotFound("cluster", pattern, "See Get-LbCluster, or start it with Start-LbCluster"));
            labs.AddRange(found.Except(labs));
        }

        return labs;
    }

    /// <summary>The lab that was started, or found, last.</summary>
    internal static LabCluster? Newest() =>
        Known.Values.Where(entry => entry.Lab is { Running: true }).MaxBy(entry => entry.Order)?.Lab ?? LabCluster.DetachedNames().Select(Find).FirstOrDefault();

    /// <summary>Stops the attached labs of a session and lets go of its detached ones.</summary>
    internal static void StopAll(Guid owner)
    {
        foreach ((string name, Entry entry) in Known.Where(pair => pair.Value.Owner == owner))
        {
            entry.Lab?.Dispose();
            Forget(name);
        }
    }

    private static Entry Next(LabCluster? lab) => new(lab, ModuleSession.Current, Interlocked.Increment(ref _order));

    private static IEnumerable<string> Candidates() => Enumerable.Range(1, int.MaxValue).Select(i => i == 1 ? "lab" : $"lab-{i}");
}
