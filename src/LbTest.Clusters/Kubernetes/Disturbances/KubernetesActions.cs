using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using LbTest.Clusters.Kubernetes.Api;
using LbTest.Clusters.Kubernetes.Deploy;
using LbTest.Clusters.Kubernetes.Proxy;
using LbTest.Clusters.Lab.Dataplanes;
using LbTest.Clusters.Lab.Disturbances;
using LbTest.Engine;
using LbTest.Engine.Disturbances;
using LbTest.Engine.Traffic;

namespace LbTest.Clusters.Kubernetes.Disturbances;

/// <summary>Something to do to a cluster, and how to undo it.</summary>
/// <param name="What">The disturbance.</param>
/// <param name="Index">Its place among those of the test.</param>
/// <param name="Description">What it does, in words.</param>
/// <param name="Do">Does it, and returns when it is in force; what it could choose only then, it tells in words.</param>
/// <param name="Undo">Undoes it, and waits until that is in force if it is told so; null where nothing has to be.</param>
/// <param name="ByHand">The command that undoes it, for who has to do it by hand; empty where errors of <paramref name="Undo"/> say it themselves.</param>
internal sealed record KubernetesAction(Disturbance What, int Index, string Description, Func<CancellationToken, Action<string>, Task> Do, Func<bool, CancellationToken, Task>? Undo = null, string ByHand = "");

/// <summary>Turns disturbances into what a Kubernetes API server is asked for: the real thing each time, none is played.</summary>
internal sealed class KubernetesActions(KubernetesCluster cluster, TrafficPlan plan)
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(5), Interval = TimeSpan.FromMilliseconds(500);

    private readonly Random _random = new(plan.Seed ?? 0);

    private IKubernetesApi Api => cluster.Api;

    private string Kubectl => $"kubectl --context {cluster.Context}";

    /// <summary>The action of a disturbance. Asks what has to be known for it; changes nothing.</summary>
    /// <exception cref="PlanException">The cluster cannot do that.</exception>
    internal async Task<KubernetesAction> PlanAsync(Disturbance what, int index, CancellationToken cancel)
    {
        what.Validate(plan.Duration);
        PlanException.Require(what.DrainTime == default, nameof(what.DrainTime), what.DrainTime, "is the pods' own matter on Kubernetes", "Leave it out; manifests/endpoints.yaml has it");
        PlanException.Require(what.ReadinessDelay == default, nameof(what.ReadinessDelay), what.ReadinessDelay, "is the pods' own matter on Kubernetes", "Leave it out");
        PlanException.Require(what.DetectAfter == default, nameof(what.DetectAfter), what.DetectAfter, "is the cluster's own matter on Kubernetes", "Leave it out");
        return what.Kind switch
        {
            DisturbanceKind.RollingUpdate => Update(what, index),
            DisturbanceKind.ScaleTo => Scale(what, index),
            DisturbanceKind.EndpointDown => Delete(what, index),
            DisturbanceKind.NodeDrain => Drain(what, index),
            DisturbanceKind.ProxyRestart => await Restart(what, index, cancel).ConfigureAwait(false),
            DisturbanceKind.ProxyModeSwitch => await Switch(what, index, cancel).ConfigureAwait(false),
            _ => throw new PlanException(nameof(what.Kind), what.Kind, "is nothing that a Kubernetes cluster can be asked for", "Use RollingUpdate, ScaleTo, EndpointDown, NodeDrain, ProxyRestart or ProxyModeSwitch; or a lab; or a script: New-LbDisturbance -ScriptBlock"),
        };
    }

    private KubernetesAction Update(Disturbance what, int index)
    {
        string image = cluster.Spec.Image;
        string words = what.Image is null ? "the endpoints are replaced, one after the other (rollout restart)" : $"the endpoints are replaced by those of {what.Image}";
        return new(what, index, words, (cancel, _) => Roll(what.Image, true, cancel), what.Image is null ? null : (wait, cancel) => Roll(image, wait, cancel),
            $"{Kubectl} -n {cluster.Namespace} set image deployment/{ClusterObjects.Name} endpoint={image}");

        async Task Roll(string? to, bool wait, CancellationToken cancel)
        {
            string annotation = $"\"annotations\":{{\"kubectl.kubernetes.io/restartedAt\":{Text(DateTimeOffset.UtcNow.ToString("O", CultureInfo.InvariantCulture))}}}";
            string containers = to is null ? "" : $",\"spec\":{{\"containers\":[{{\"name\":\"endpoint\",\"image\":{Text(to)}}}]}}";
            string strategy = $"\"strategy\":{{\"rollingUpdate\":{{\"maxSurge\":{Amount(what.MaxSurge)},\"maxUnavailable\":{Amount(what.MaxUnavailable)}}}}}";
            await Patch(Kube.Deployments, ClusterObjects.Name, $"{{\"spec\":{{{strategy},\"template\":{{\"metadata\":{{{annotation}}}{containers}}}}}}}", cancel).ConfigureAwait(false);
            if (wait) await Settled(null, cancel).ConfigureAwait(false);
        }
    }

    private KubernetesAction Scale(Disturbance what, int index)
    {
        int before = cluster.Endpoints.Length, wanted = what.Replicas!.Value;
        PlanException.Require(wanted != before, nameof(what.Replicas), wanted, "is the number of endpoints that there are already", "Give another number");
        return new(what, index, $"the number of endpoints changes from {before} to {wanted}", (cancel, _) => To(wanted, true, cancel), (wait, cancel) => To(before, wait, cancel),
            $"{Kubectl} -n {cluster.Namespace} scale deployment/{ClusterObjects.Name} --replicas={before}");

        async Task To(int replicas, bool wait, CancellationToken cancel)
        {
            await Patch(Kube.Deployments, ClusterObjects.Name, string.Create(CultureInfo.InvariantCulture, $"{{\"spec\":{{\"replicas\":{replicas}}}}}"), cancel).ConfigureAwait(false);
            if (wait) await Settled(replicas, cancel).ConfigureAwait(false);
        }
    }

    private KubernetesAction Delete(Disturbance what, int index)
    {
        PlanException.Require(what.Mode != EndpointDownMode.Drop, nameof(what.Mode), what.Mode, "is nothing that a pod can be told", "Use Drain (deleted gracefully) or Reset (by force)");
        PlanException.Require(what.Duration is null, nameof(what.Duration), what.Duration, "means nothing on Kubernetes, where the deployment replaces a pod at once", "Leave it out");
        if (!what.Name.IsDefaultOrEmpty) _ = Selection.Named(what.Name, cluster.Endpoints, "is no endpoint that is ready");
        TimeSpan? grace = what.Mode == EndpointDownMode.Reset ? TimeSpan.Zero : null;
        Does deleted = grace is null ? new("is deleted", "are deleted") : new("is deleted by force", "are deleted by force");
        return new(what, index, "pods are deleted", Do);

        // Chosen when the time has come: what was there before may have been replaced.
        async Task Do(CancellationToken cancel, Action<string> say)
        {
            await cluster.RefreshAsync(cancel).ConfigureAwait(false);
            ImmutableArray<string> chosen = Selection.Choose(what, cluster.Endpoints, _ => true, "endpoint", "ready", _random);
            say(Selection.Say("pod", chosen, deleted));
            await Task.WhenAll(chosen.Select(pod => Api.DeleteAsync(Kube.Pods, cluster.Namespace, pod, grace, wait: false, cancel))).ConfigureAwait(false);
            await Settled(null, cancel).ConfigureAwait(false);
        }
    }

    private KubernetesAction Drain(Disturbance what, int index)
    {
        ImmutableArray<string> nodes = Selection.Choose(what, cluster.Nodes, node => cluster.View.Nodes.First(one => one.Name == node).Spec?.Unschedulable != true, "node", "schedulable", _random);
        return new(what, index, $"{Selection.Say("node", nodes, new("is cordoned", "are cordoned"))}, LbTest's endpoints there evicted", Do, (_, cancel) => Cordon(false, cancel), $"{Kubectl} uncordon {string.Join(' ', nodes)}");

        async Task Do(CancellationToken cancel, Action<string> _)
        {
            await Cordon(true, cancel).ConfigureAwait(false);
            ImmutableArray<KubePod> pods = await Api.ListAsync(Kube.Pods, cluster.Namespace, ClusterObjects.EndpointPods, null, cancel).ConfigureAwait(false);
            await Task.WhenAll(pods.Where(pod => pod.Spec?.NodeName is { } node && nodes.Contains(node)).Select(pod => Api.EvictAsync(cluster.Namespace, pod.Name, cancel))).ConfigureAwait(false);
            await Settled(null, cancel).ConfigureAwait(false);
        }

        Task Cordon(bool on, CancellationToken cancel) => Task.WhenAll(nodes.Select(node => Api.PatchAsync(Kube.Nodes, null, node, $"{{\"spec\":{{\"unschedulable\":{(on ? "true" : "false")}}}}}", cancel)));
    }

    private async Task<KubernetesAction> Restart(Disturbance what, int index, CancellationToken cancel)
    {
        ProxySurvey survey = await ProxySurvey.MakeAsync(Api, cancel).ConfigureAwait(false);
        KubeWorkload daemonSet = ProxyChangeable.Require(survey, Api.Context);
        return new(what, index, "kube-proxy is started anew on every node", (stop, _) => new ProxyRestart(Api, survey, daemonSet).RunAsync(null, Limit, null, stop));
    }

    private async Task<KubernetesAction> Switch(Disturbance what, int index, CancellationToken cancel)
    {
        ProxyMode? mode = what.ProxyMode is null ? null : Enum.TryParse(what.ProxyMode, ignoreCase: true, out ProxyMode known) ? known : throw new PlanException(nameof(what.ProxyMode), what.ProxyMode, "is not a proxy mode", "Use Iptables, Nftables or Ipvs");
        IpvsScheduler? scheduler = what.IpvsScheduler is null ? null
            : Enum.TryParse(what.IpvsScheduler, ignoreCase: true, out IpvsScheduler one) ? one : throw new PlanException(nameof(what.IpvsScheduler), what.IpvsScheduler, "is not a scheduler of IPVS", "Give one, e.g. lc");
        KubeProxyModeChange change = await KubeProxyModeChange.PlanAsync(Api, mode, scheduler, cancel).ConfigureAwait(false);
        PlanException.Require(change.IsNeeded, mode is null ? nameof(what.IpvsScheduler) : nameof(what.ProxyMode), change.ToMode, "is in force already", "Give another one");
        return new(what, index, $"the nodes change over from {change.FromMode} to {change.ToMode}", (stop, _) => change.ApplyAsync(Limit, null, stop), (wait, _) => change.RevertAsync(wait, Limit));
    }

    /// <summary>Waits until the endpoints are what they are to be.</summary>
    private async Task Settled(int? replicas, CancellationToken cancel)
    {
        var elapsed = Stopwatch.StartNew();
        while (true)
        {
            await Task.Delay(Interval, cancel).ConfigureAwait(false);
            KubeWorkload? now = await Api.GetAsync(Kube.Deployments, cluster.Namespace, ClusterObjects.Name, cancel).ConfigureAwait(false);
            int wanted = replicas ?? now?.Spec?.Replicas ?? 0;
            KubeWorkloadStatus status = now?.Status ?? new();
            if (status.ObservedGeneration >= now?.Metadata.Generation && (status.UpdatedReplicas ?? 0) == wanted && (status.ReadyReplicas ?? 0) == wanted && (status.Replicas ?? 0) == wanted) return;
            if (elapsed.Elapsed > Limit) throw new InvalidOperationException($"After {Limit.TotalMinutes:0} minutes only {status.ReadyReplicas ?? 0} of {wanted} endpoints are ready.");
        }
    }

    private Task Patch<T>(KubeKind<T> kind, string name, string patch, CancellationToken cancel) where T : class => Api.PatchAsync(kind, cluster.Namespace, name, patch, cancel);

    private static string Text(string text) => $"\"{JsonEncodedText.Encode(text)}\"";

    // 1 or "25%", as the API wants them.
    private static string Amount(string text) => text.EndsWith('%') ? Text(text) : text;
}
