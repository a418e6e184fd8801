using System.Text.Json;
using LbTest.Clusters.Kubernetes.Api;
using LbTest.Clusters.Kubernetes.Deploy;

namespace LbTest.Clusters.Kubernetes.Nodes;

/// <summary>Privileged pods of ours in the nodes' own network, in a namespace of their own: made for one look, and removed after it in any case.</summary>
internal sealed class NodePods(IKubernetesApi api, KubernetesSpec spec)
{
    private const string Run = "lbtest/run";

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60), Removal = TimeSpan.FromSeconds(30), Interval = TimeSpan.FromMilliseconds(300);

    /// <summary>Looks into some nodes, side by side.</summary>
    /// <param name="nodes">Their names.</param>
    /// <param name="look">What to do on each.</param>
    /// <param name="cancel">Ends it; the pods are removed all the same.</param>
    /// <exception cref="KubernetesException">The pods could not be made, or not be removed; then the message has the command that does it.</exception>
    internal async Task<ImmutableArray<T>> LookAsync<T>(IReadOnlyList<string> nodes, Func<string, NodeShell, Task<ImmutableArray<T>>> look, CancellationToken cancel)
    {
        string run = Guid.NewGuid().ToString("N")[..8], ns = ClusterObjects.NodeNamespaceOf(spec.Namespace);
        Exception? failure = null;
        try
        {
            _ = await api.ApplyAsync(Objects(ns, run, nodes), cancel).ConfigureAwait(false);
            ImmutableArray<KubePod> pods = await Ready(ns, run, nodes.Count, cancel).ConfigureAwait(false);
            ImmutableArray<T>[] found = await Task.WhenAll(pods.OrderBy(pod => pod.Spec!.NodeName, StringComparer.Ordinal).Select(pod => look(pod.Spec!.NodeName!, new NodeShell(api, ns, pod.Name, cancel)))).ConfigureAwait(false);
            return [.. found.SelectMany(one => one)];
        }
        catch (Exception exception) when (exception is KubernetesException)
        {
            failure = exception;
            throw;
        }
        finally
        {
            await Remove(ns, run, nodes.Count, failure, cancel.IsCancellationRequested).ConfigureAwait(false);
        }
    }

    /// <summary>Removes the namespace, where it is ours.</summary>
    internal static async Task RemoveAllAsync(IKubernetesApi api, string ns, CancellationToken cancel)
    {
        string own = ClusterObjects.NodeNamespaceOf(ns);
        if (await api.GetAsync(Kube.Namespaces, null, own, cancel).ConfigureAwait(false) is { } space && ClusterDeployment.IsOurs(space.Metadata))
            await api.DeleteAsync(Kube.Namespaces, null, own, null, wait: true, cancel).ConfigureAwait(false);
    }

    private async Task<ImmutableArray<KubePod>> Ready(string ns, string run, int count, CancellationToken cancel)
    {
        var patience = new PodPatience(Limit);
        while (true)
        {
            ImmutableArray<KubePod> pods = await api.ListAsync(Kube.Pods, ns, $"{Run}={run}", null, cancel).ConfigureAwait(false);
            if (pods.Length == count && pods.All(pod => pod.Ready)) return pods;
            if (patience.InVain(PodTroubles.Of(pods.Where(pod => !pod.Ready), [], unmade: false).Hopeless) || patience.Over || pods.FirstOrDefault(pod => pod.Status?.Phase is "Failed" or "Succeeded") is not null)
            {
                PodTroubles troubles = PodTroubles.Of(pods.Where(pod => !pod.Ready), await api.ListAsync(Kube.Events, ns, null, "type=Warning", cancel).ConfigureAwait(false), unmade: pods.Length < count);
                throw new KubernetesException(KubernetesFault.Other, $"Of {count} pods that look into the nodes {count - pods.Count(pod => pod.Ready)} did not start in namespace {ns}: {string.Join("; ", troubles.Reasons)}");
            }

            await Task.Delay(Interval, cancel).ConfigureAwait(false);
        }
    }

    // Even when the user wants no more of it; not for ever, though.
    private async Task Remove(string ns, string run, int count, Exception? failure, bool stopped)
    {
        string byHand = $"Do it with: kubectl --context {api.Context} -n {ns} delete pods -l {Run}={run} --force. They end by themselves after 15 minutes.";
        using IDisposable care = Aftercare.Begin($"The privileged pods in namespace {ns} were still being removed. {byHand}");
        using var limit = new CancellationTokenSource(Removal);
        try
        {
            await Task.WhenAll(Enumerable.Range(0, count).Select(i => api.DeleteAsync(Kube.Pods, ns, PodName(run, i), TimeSpan.Zero, wait: false, limit.Token))).ConfigureAwait(false);
        }
        // A namespace that was never made has nothing to be removed.
        catch (KubernetesException exception) when (exception.Fault == KubernetesFault.NotFound || (failure is not null && exception.Fault == KubernetesFault.Forbidden))
        {
        }
        catch (Exception exception) when (exception is KubernetesException or OperationCanceledException)
        {
            string before = failure is null ? "" : $"{failure.Message} ";
            string left = $"The privileged pods in namespace {ns} could not be removed: {exception.Message} {byHand}";
            if (stopped) Aftercare.Tell(left);
            throw new KubernetesException(KubernetesFault.Other, $"{before}{left}", exception);
        }
    }

    private static string PodName(string run, int index) => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"lbtest-node-{run}-{index}");

    private string Objects(string ns, string run, IReadOnlyList<string> nodes)
    {
        string image = EndpointImage.Of(spec.Image).Own ? spec.Image : KubernetesSpec.DefaultImage;
        const string ours = """ "app.kubernetes.io/managed-by":"lbtest","app.kubernetes.io/name":"lbtest","app.kubernetes.io/component":"node" """;
        IEnumerable<string> objects =
        [
            .. nodes.Select((node, i) => $$"""
                {"apiVersion":"v1","kind":"Pod","metadata":{"name":{{Json(PodName(run, i))}},"namespace":{{Json(ns)}},"labels":{"{{Run}}":"{{run}}",{{ours}}} },
                 "spec":{"nodeName":{{Json(node)}},"hostNetwork":true,"hostPID":true,"tolerations":[{"operator":"Exists"}],"restartPolicy":"Never","activeDeadlineSeconds":900,"terminationGracePeriodSeconds":0,
                 "serviceAccountName":"lbtest","automountServiceAccountToken":false,"enableServiceLinks":false,
                 "containers":[{"name":"node","image":{{Json(image)}},"imagePullPolicy":"IfNotPresent","command":["/lbtest","node","wait"],
                 "securityContext":{"privileged":true,"runAsUser":0,"runAsNonRoot":false} }]} }
                """),
        ];
        return string.Join("\n---\n", objects.Prepend(ClusterObjects.NodeNamespace(spec.Namespace)));
    }

    private static string Json(string text) => $"\"{JsonEncodedText.Encode(text)}\"";
}

/// <summary>Runs a node's tools from the pod that is on it.</summary>
internal sealed class NodeShell(IKubernetesApi api, string ns, string pod, CancellationToken cancel)
{
    /// <summary>Runs a tool and returns what it prints.</summary>
    /// <param name="proxyFirst">True takes kube-proxy's rather than the node's.</param>
    /// <param name="command">The tool and its arguments.</param>
    /// <exception cref="KubernetesException">It is not there, or failed.</exception>
    internal Task<string> RunAsync(bool proxyFirst, params IEnumerable<string> command) =>
        api.RunAsync(ns, pod, null, ["/lbtest", "node", "tool", .. proxyFirst ? ["--proxy-first"] : Array.Empty<string>(), "--", .. command], null, cancel);

    /// <summary>What the node has and lacks, as JSON.</summary>
    internal Task<string> PrerequisitesAsync(IEnumerable<Lab.Dataplanes.ProxyMode> modes) =>
        api.RunAsync(ns, pod, null, ["/lbtest", "node", "prerequisite", .. modes.SelectMany(mode => (string[])["--proxy-mode", mode.ToString()])], null, cancel);
}
