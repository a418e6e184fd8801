using LbTest.Clusters.Kubernetes.Api;
using LbTest.Clusters.Kubernetes.Deploy;

namespace LbTest.Clusters.Kubernetes.Disturbances;

/// <summary>When endpoints came and went, from a watch on their pods.</summary>
/// <param name="api">The server.</param>
/// <param name="ns">The namespace.</param>
/// <param name="changed">Told of each: the endpoint, and whether it came (true) or is to go; from one thread.</param>
internal sealed class EndpointWatch(IKubernetesApi api, string ns, Action<string, bool> changed)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, (DateTimeOffset? Ready, DateTimeOffset? Gone)> _times = new(StringComparer.Ordinal);
    private readonly HashSet<string> _ready = new(StringComparer.Ordinal);

    /// <summary>How many are ready now.</summary>
    internal int Ready
    {
        get
        {
            lock (_lock) return _ready.Count;
        }
    }

    /// <summary>The endpoints that came or went since the watch began, with the times by this machine's clock.</summary>
    internal ImmutableArray<(string Endpoint, DateTimeOffset? Ready, DateTimeOffset? Gone)> Times
    {
        get
        {
            lock (_lock) return [.. _times.Select(pair => (pair.Key, pair.Value.Ready, pair.Value.Gone))];
        }
    }

    /// <summary>Watches until it is cancelled.</summary>
    /// <param name="known">The endpoints that are ready at the beginning.</param>
    /// <param name="cancel">Ends it.</param>
    /// <exception cref="KubernetesException">The server is gone.</exception>
    internal async Task RunAsync(IEnumerable<string> known, CancellationToken cancel)
    {
        lock (_lock) _ready.UnionWith(known);
        try
        {
            while (!cancel.IsCancellationRequested)
            {
                await foreach (KubeEvent<KubePod> one in api.WatchAsync(Kube.Pods, ns, ClusterObjects.EndpointPods, cancel).ConfigureAwait(false)) Take(one);
                // A server ends a watch after a while; it goes on with the next one.
                await Task.Delay(100, cancel).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            // The test is over.
        }
    }

    private void Take(KubeEvent<KubePod> one)
    {
        DateTimeOffset now = DateTimeOffset.UtcNow;
        string name = one.Object.Name;
        bool ready = one.Type != "DELETED" && one.Object.Ready, came, went;
        lock (_lock)
        {
            came = ready && _ready.Add(name);
            went = !ready && _ready.Remove(name);
            (DateTimeOffset? Ready, DateTimeOffset? Gone) times = _times.GetValueOrDefault(name);
            if (came) _times[name] = (now, null);
            if (went) _times[name] = (times.Ready, now);
        }

        if (came || went) changed(name, came);
    }
}
