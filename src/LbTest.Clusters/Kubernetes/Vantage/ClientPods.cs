using LbTest.Clusters.Kubernetes.Api;
using LbTest.Clusters.Kubernetes.Deploy;

namespace LbTest.Clusters.Kubernetes.Vantage;

/// <summary>Pods of ours that tests start in: one on each node that is asked for, made when it is first wanted, gone with the cluster.</summary>
/// <param name="api">The server.</param>
/// <param name="spec">The cluster.</param>
/// <param name="host">True for pods in the nodes' own network, in a namespace of their own.</param>
internal sealed class ClientPods(IKubernetesApi api, KubernetesSpec spec, bool host = false)
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60), Interval = TimeSpan.FromMilliseconds(300);

    /// <summary>Their namespace.</summary>
    internal string Namespace { get; } = host ? ClusterObjects.NodeNamespaceOf(spec.Namespace) : spec.Namespace;

    /// <summary>The names of the clients on these nodes, once all are ready.</summary>
    /// <exception cref="KubernetesException">One does not get ready; the message says why.</exception>
    internal async Task<ImmutableArray<string>> EnsureAsync(IReadOnlyCollection<string> nodes, CancellationToken cancel)
    {
        ImmutableArray<KubePod> there = await Read(cancel).ConfigureAwait(false);
        string[] missing = [.. nodes.Where(node => !there.Any(pod => pod.Name == ClusterObjects.ClientName(node) && pod.Metadata.DeletionTimestamp is null))];
        if (missing.Length > 0)
        {
            IEnumerable<string> objects = missing.Select(node => ClusterObjects.Client(spec, node, host));
            _ = await api.ApplyAsync(string.Join("---\n", host ? objects.Prepend(ClusterObjects.NodeNamespace(spec.Namespace)) : objects), cancel).ConfigureAwait(false);
            there = await Read(cancel).ConfigureAwait(false);
        }

        var patience = new PodPatience(Limit);
        while (true)
        {
            KubePod[] wanted = [.. there.Where(pod => nodes.Any(node => pod.Name == ClusterObjects.ClientName(node)))];
            KubePod[] waiting = [.. wanted.Where(pod => !pod.Ready)];
            if (waiting.Length == 0 && wanted.Length == nodes.Count) return [.. nodes.Select(ClusterObjects.ClientName)];
            if (patience.InVain(PodTroubles.Of(waiting, [], unmade: false).Hopeless) || patience.Over)
            {
                PodTroubles troubles = PodTroubles.Of(waiting, await api.ListAsync(Kube.Events, Namespace, null, "type=Warning", cancel).ConfigureAwait(false), unmade: false);
                throw new KubernetesException(KubernetesFault.Other, $"The client pod {waiting.FirstOrDefault()?.Name ?? ClusterObjects.ClientName(nodes.First())} in namespace {Namespace} is not ready after {patience.Elapsed.TotalSeconds:0} s: {string.Join("; ", troubles.Reasons)}");
            }

            await Task.Delay(Interval, cancel).ConfigureAwait(false);
            there = await Read(cancel).ConfigureAwait(false);
        }
    }

    private Task<ImmutableArray<KubePod>> Read(CancellationToken cancel) => api.ListAsync(Kube.Pods, Namespace, ClusterObjects.ClientPods, null, cancel);
}
