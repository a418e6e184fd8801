using LbTest.Clusters.Kubernetes.Api;
using LbTest.Clusters.Lab.Dataplanes;

namespace LbTest.Clusters.Kubernetes.Deploy;

/// <summary>Puts the objects of a test cluster there, waits until its endpoints are ready, and takes away what it made.</summary>
internal sealed class ClusterDeployment(IKubernetesApi api, KubernetesSpec spec)
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private bool _begun, _ownNamespace;

    /// <summary>What was there already, in words; empty where all was made.</summary>
    internal ImmutableArray<string> Adopted { get; private set; } = [];

    /// <summary>Applies all objects. What is there already and ours is changed to what is wanted.</summary>
    /// <exception cref="KubernetesException">The server refuses, or something of that name is somebody else's.</exception>
    internal async Task ApplyAsync(CancellationToken cancel)
    {
        string ns = spec.Namespace;
        KubeNamespace? space = await ReadNamespace(cancel).ConfigureAwait(false);
        if (space?.Status?.Phase == "Terminating")
        {
            throw new KubernetesException(KubernetesFault.Conflict, $"The namespace '{ns}' is being deleted. Wait until it is gone ('kubectl get namespace {ns}' says so), or give another with -Namespace."
                + (space.Status.Conditions?.FirstOrDefault(one => one is { Status: "True", Type: "NamespaceContentRemaining" or "NamespaceFinalizersRemaining" })?.Message is { } why ? $" It waits: {why}" : ""));
        }

        KubeWorkload? deployment = space is null ? null : await api.GetAsync(Kube.Deployments, ns, ClusterObjects.Name, cancel).ConfigureAwait(false);
        KubeService? service = space is null ? null : await api.GetAsync(Kube.Services, ns, ClusterObjects.Name, cancel).ConfigureAwait(false);
        RequireOurs("deployment", deployment?.Metadata);
        RequireOurs("service", service?.Metadata);
        Adopted = [.. ((string What, object? Found)[])[($"namespace {ns}", space), ($"deployment {ClusterObjects.Name}", deployment), ($"service {ClusterObjects.Name}", service)] is var all
            ? all.Where(one => one.Found is not null).Select(one => one.What) : []];
        if (space is null)
        {
            _ownNamespace = true;
            _begun = true;
            _ = await api.ApplyAsync(ClusterObjects.Namespace(ns), cancel).ConfigureAwait(false);
        }

        _begun |= deployment is null && service is null;
        await ApplyServices(cancel).ConfigureAwait(false);
        _ = await api.ApplyAsync(ClusterObjects.Endpoints(spec), cancel).ConfigureAwait(false);
    }

    /// <summary>Waits until all endpoints are ready and those of an earlier version gone.</summary>
    /// <exception cref="KubernetesException">They are not in time, or never will be; the message says why.</exception>
    internal async Task WaitAsync(IProgress<KubernetesProgress>? progress, CancellationToken cancel)
    {
        var patience = new PodPatience(spec.Timeout);
        while (true)
        {
            KubeWorkload? deployment = await api.GetAsync(Kube.Deployments, spec.Namespace, ClusterObjects.Name, cancel).ConfigureAwait(false);
            KubeWorkloadStatus status = deployment?.Status ?? new();
            bool seen = status.ObservedGeneration >= deployment?.Metadata.Generation;
            int ready = seen ? Math.Min(status.ReadyReplicas ?? 0, status.UpdatedReplicas ?? 0) : 0;
            if (seen && ready == spec.EndpointCount && (status.Replicas ?? 0) == spec.EndpointCount) return;
            PodTroubles troubles = await Troubles(unmade: (status.Replicas ?? 0) < spec.EndpointCount, cancel).ConfigureAwait(false);
            progress?.Report(new KubernetesProgress("Waiting for endpoints", ready, spec.EndpointCount, troubles.Reasons));
            string why = troubles.Reasons.IsEmpty ? "nobody says why" : string.Join("; ", troubles.Reasons);
            if (patience.InVain(troubles.Hopeless))
                throw new KubernetesException(KubernetesFault.Invalid, $"Only {ready} of {spec.EndpointCount} endpoints are ready, and waiting will not help: {why}. {Hint(why)}");
            if (patience.Over)
                throw new KubernetesException(KubernetesFault.Other, $"Only {ready} of {spec.EndpointCount} endpoints were ready after {spec.Timeout.TotalSeconds:0} s: {why}. {Hint(why)}");
            await Task.Delay(Interval, cancel).ConfigureAwait(false);
        }
    }

    /// <summary>Takes away what <see cref="ApplyAsync"/> made, when the start has failed. A cluster that was there before stays.</summary>
    /// <returns>The command that removes what is left; null when nothing is.</returns>
    internal async Task<string?> UndoAsync()
    {
        if (!_begun) return null;
        try
        {
            using IDisposable care = Aftercare.Begin($"A start on Kubernetes was broken off, and what it made may be there still. Remove it: {RemoveCommand(api, spec.Namespace, _ownNamespace)}");
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
            await RemoveAsync(api, spec.Namespace, wait: false, limit.Token).ConfigureAwait(false);
            return null;
        }
        catch (Exception exception) when (exception is KubernetesException or OperationCanceledException)
        {
            return RemoveCommand(api, spec.Namespace, _ownNamespace);
        }
    }

    /// <summary>Deletes all that is ours in a namespace, and the namespace too where that is.</summary>
    /// <param name="api">The server.</param>
    /// <param name="ns">The namespace.</param>
    /// <param name="wait">True returns when all is gone.</param>
    /// <param name="cancel">Ends it.</param>
    internal static async Task RemoveAsync(IKubernetesApi api, string ns, bool wait, CancellationToken cancel)
    {
        KubeNamespace? space = null;
        try
        {
            space = await api.GetAsync(Kube.Namespaces, null, ns, cancel).ConfigureAwait(false);
            if (space is null) return;
        }
        catch (KubernetesException exception) when (exception.Fault == KubernetesFault.Forbidden)
        {
            // Then it is not ours to delete.
        }

        if (space is not null && IsOurs(space.Metadata))
        {
            await api.DeleteAsync(Kube.Namespaces, null, ns, null, wait, cancel).ConfigureAwait(false);
            return;
        }

        // The deployment first: it would make its pods anew.
        await Delete(Kube.Deployments, one => one.Metadata).ConfigureAwait(false);
        await Delete(Kube.Services, one => one.Metadata).ConfigureAwait(false);
        await Delete(Kube.Pods, one => one.Metadata).ConfigureAwait(false);
        await Delete(Kube.ServiceAccounts, one => one.Metadata).ConfigureAwait(false);

        async Task Delete<T>(KubeKind<T> kind, Func<T, KubeMeta> meta) where T : class
        {
            foreach (T one in await api.ListAsync(kind, ns, ClusterObjects.Ours, null, cancel).ConfigureAwait(false))
                await api.DeleteAsync(kind, ns, meta(one).Name, null, wait, cancel).ConfigureAwait(false);
        }
    }

    /// <summary>How a user removes by hand what is ours.</summary>
    internal static string RemoveCommand(IKubernetesApi api, string ns, bool ownNamespace) => ownNamespace
        ? $"kubectl --context {api.Context} delete namespace {ns}"
        : $"kubectl --context {api.Context} -n {ns} delete deployments,services,pods,serviceaccounts -l {ClusterObjects.Ours}";

    /// <summary>Whether an object carries our label.</summary>
    internal static bool IsOurs(KubeMeta meta) => meta.Label("app.kubernetes.io/managed-by") == "lbtest";

    // A user with rights in one namespace alone may not read namespaces; then it has to be there.
    private async Task<KubeNamespace?> ReadNamespace(CancellationToken cancel)
    {
        try
        {
            return await api.GetAsync(Kube.Namespaces, null, spec.Namespace, cancel).ConfigureAwait(false);
        }
        catch (KubernetesException exception) when (exception.Fault == KubernetesFault.Forbidden)
        {
            return new KubeNamespace { Metadata = new KubeMeta { Name = spec.Namespace } };
        }
    }

    private async Task ApplyServices(CancellationToken cancel)
    {
        try
        {
            _ = await api.ApplyAsync(ClusterObjects.Services(spec), cancel).ConfigureAwait(false);
        }
        catch (KubernetesException exception) when (exception.Message.Contains("already allocated", StringComparison.Ordinal))
        {
            // Another service has 30001 or 30003: any others will do.
            _ = await api.ApplyAsync(ClusterObjects.Services(spec, chooseNodePorts: true), cancel).ConfigureAwait(false);
        }
        catch (KubernetesException exception) when (exception.Message.Contains("internalTrafficPolicy", StringComparison.Ordinal))
        {
            throw NoInternalPolicy();
        }

        if (spec.IPFamilyPolicy != IPFamilyPolicy.RequireDualStack && spec.InternalTrafficPolicy != TrafficPolicy.Local) return;
        // A server without a field's feature drops it and says nothing.
        KubeService? made = await api.GetAsync(Kube.Services, spec.Namespace, ClusterObjects.Name, cancel).ConfigureAwait(false);
        if (spec.IPFamilyPolicy == IPFamilyPolicy.RequireDualStack && made?.Spec?.ClusterIPs is not { Length: > 1 })
            throw new KubernetesException(KubernetesFault.Invalid, "IPFamilyPolicy 'RequireDualStack' cannot be: this cluster gave the service one address only, so it has one family. Leave -IPFamilyPolicy out, or set the cluster up for dual stack.");
        if (spec.InternalTrafficPolicy == TrafficPolicy.Local && made?.Spec?.InternalTrafficPolicy != nameof(TrafficPolicy.Local)) throw NoInternalPolicy();
    }

    private static KubernetesException NoInternalPolicy() => new(KubernetesFault.Invalid, "InternalTrafficPolicy 'Local' cannot be: this cluster does not know it; Kubernetes does from 1.22 on. Leave -InternalTrafficPolicy out.");

    private async Task<PodTroubles> Troubles(bool unmade, CancellationToken cancel)
    {
        ImmutableArray<KubePod> pods = await api.ListAsync(Kube.Pods, spec.Namespace, ClusterObjects.EndpointPods, null, cancel).ConfigureAwait(false);
        ImmutableArray<KubeOccurrence> events = [];
        try
        {
            events = await api.ListAsync(Kube.Events, spec.Namespace, null, "type=Warning", cancel).ConfigureAwait(false);
        }
        catch (KubernetesException exception) when (exception.Fault == KubernetesFault.Forbidden)
        {
            // The pods' own states will have to do.
        }

        return PodTroubles.Of(pods.Where(pod => !pod.Ready && pod.Metadata.DeletionTimestamp is null), events.OrderBy(one => one.LastTimestamp), unmade);
    }

    private void RequireOurs(string what, KubeMeta? found)
    {
        if (found is null || IsOurs(found)) return;
        throw new KubernetesException(KubernetesFault.Conflict, $"The namespace '{spec.Namespace}' has a {what} '{found.Name}' that LbTest did not make. Give another namespace with -Namespace, or delete it.");
    }

    private string Hint(string why) =>
        why.Contains("ImagePull", StringComparison.Ordinal) || why.Contains("pull", StringComparison.Ordinal)
            ? $"Put the image '{spec.Image}' where the nodes can pull it, or load it into them (about_LbTest_Kubernetes says how), or give another with -Image."
            : why.Contains("Unschedulable", StringComparison.Ordinal) ? "Give fewer endpoints with -EndpointCount, or other nodes with -NodeSelector."
            : why.Contains("quota", StringComparison.Ordinal) ? "Give fewer endpoints with -EndpointCount, or raise the quota."
            : why.Contains("CrashLoopBackOff", StringComparison.Ordinal) ? $"See what it says: kubectl --context {api.Context} -n {spec.Namespace} logs deployment/{ClusterObjects.Name}." : "";
}
