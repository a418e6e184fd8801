using System.Diagnostics;
using LbTest.Clusters.Kubernetes.Api;
using LbTest.Clusters.Kubernetes.Deploy;
using LbTest.Clusters.Kubernetes.Vantage;
using LbTest.Clusters.Lab.Dataplanes;
using LbTest.Engine;

namespace LbTest.Clusters.Kubernetes;

/// <summary>A Kubernetes cluster with our endpoints and service on it.</summary>
public sealed partial class KubernetesCluster : Cluster
{
    private volatile ClusterView _view;
    private volatile bool _stopped;

    private KubernetesCluster(IKubernetesApi api, KubernetesSpec spec, ClusterView view)
    {
        (Api, Spec, _view) = (api, spec, view);
        (_clients, _nodeClients) = (new ClientPods(api, spec), new ClientPods(api, spec, host: true));
    }

    internal IKubernetesApi Api { get; }

    /// <summary>What it was asked to be; where it was found, what is known of that.</summary>
    public KubernetesSpec Spec { get; private set; }

    /// <summary>The kubeconfig's context.</summary>
    public string Context => Api.Context;

    /// <summary>The namespace.</summary>
    public string Namespace => Spec.Namespace;

    /// <summary>Context and namespace: <c>kind-kind/lbtest</c>.</summary>
    public override string Name => $"{Context}/{Namespace}";

    /// <inheritdoc/>
    public override string Kind => "Kubernetes";

    /// <inheritdoc/>
    public override ImmutableArray<string> Nodes => [.. _view.Nodes.Select(node => node.Name)];

    /// <inheritdoc/>
    public override ImmutableArray<string> Endpoints => [.. _view.Endpoints.Select(endpoint => endpoint.Name)];

    /// <summary>Where the endpoints are, and in which zones.</summary>
    public ImmutableArray<KubernetesEndpoint> EndpointPlaces => _view.Endpoints;

    /// <summary>The service's type.</summary>
    public KubernetesServiceType ServiceType => Spec.ServiceType;

    /// <summary>True where pods of ours may be in the nodes' own network.</summary>
    public bool NodeAccess => Spec.NodeAccess;

    /// <summary>What was there before and has been taken over; empty where all was made.</summary>
    public ImmutableArray<string> Adopted { get; private init; } = [];

    /// <inheritdoc/>
    public override bool Running => !_stopped;

    /// <summary>Puts endpoints and service on a cluster. When this returns, every endpoint is ready and has been reached; when it throws, what it made is gone, or named.</summary>
    /// <exception cref="PlanException">The spec is not good.</exception>
    /// <exception cref="KubernetesException">The server refuses, cannot be reached, or the endpoints do not get ready; the message says why.</exception>
    /// <exception cref="Tools.ToolException">There is no kubectl.</exception>
    public static async Task<KubernetesCluster> StartAsync(KubernetesSpec spec, IProgress<KubernetesProgress>? progress, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(spec);
        spec.Validate();
        return await StartAsync(await Kubectl.FindAsync(spec.KubeConfig, spec.Context, cancel).ConfigureAwait(false), spec, progress, cancel).ConfigureAwait(false);
    }

    internal static async Task<KubernetesCluster> StartAsync(IKubernetesApi api, KubernetesSpec spec, IProgress<KubernetesProgress>? progress, CancellationToken cancel)
    {
        var elapsed = Stopwatch.StartNew();
        progress?.Report(new KubernetesProgress("Asking the cluster", 0, spec.EndpointCount, []));
        var deployment = new ClusterDeployment(api, spec);
        try
        {
            await deployment.ApplyAsync(cancel).ConfigureAwait(false);
            await deployment.WaitAsync(progress, cancel).ConfigureAwait(false);
            var cluster = new KubernetesCluster(api, spec, await ClusterView.ReadAsync(api, spec.Namespace, cancel).ConfigureAwait(false)) { Adopted = deployment.Adopted };
            await new Reaching(cluster, progress).WaitAsync(spec.Timeout - elapsed.Elapsed, cancel).ConfigureAwait(false);
            await cluster.TryReadMode(cancel).ConfigureAwait(false);
            return cluster;
        }
        catch (Exception exception) when (exception is KubernetesException or OperationCanceledException or PlanException or Protocol.AgentLostException or Tools.ToolException)
        {
            if (await deployment.UndoAsync().ConfigureAwait(false) is not { } command) throw;
            string left = $"What was made until then could not be removed; do it with: {command}";
            if (cancel.IsCancellationRequested) Aftercare.Tell($"The start was stopped. {left}");
            throw new KubernetesException(KubernetesFault.Other, $"{exception.Message} {left}", exception);
        }
    }

    /// <summary>Finds the clusters that LbTest has been started on and not stopped.</summary>
    /// <param name="kubeConfig">The kubeconfig file; null leaves it to kubectl.</param>
    /// <param name="context">Its context; null for the current one.</param>
    /// <param name="ns">The namespace; null looks into all of them.</param>
    /// <param name="cancel">Ends it.</param>
    /// <exception cref="KubernetesException">The server refuses or cannot be reached.</exception>
    public static async Task<ImmutableArray<KubernetesCluster>> FindAsync(string? kubeConfig, string? context, string? ns, CancellationToken cancel)
    {
        Kubectl api = await Kubectl.FindAsync(kubeConfig, context, cancel).ConfigureAwait(false);
        var clusters = new List<KubernetesCluster>();
        foreach (KubeWorkload deployment in await api.ListAsync(Kube.Deployments, ns ?? "*", $"{ClusterObjects.Ours},app.kubernetes.io/name=lbtest", null, cancel).ConfigureAwait(false))
        {
            if (deployment.Metadata.Name != ClusterObjects.Name) continue;
            ClusterView view = await ClusterView.ReadAsync(api, deployment.Metadata.Namespace!, cancel).ConfigureAwait(false);
            var cluster = new KubernetesCluster(api, Read(deployment, view.Service, kubeConfig, context), view);
            await cluster.TryReadMode(cancel).ConfigureAwait(false);
            clusters.Add(cluster);
        }

        return [.. clusters];
    }

    /// <summary>Reads again which nodes and endpoints there are.</summary>
    /// <exception cref="KubernetesException">The service is gone, or the server cannot be asked.</exception>
    public async Task RefreshAsync(CancellationToken cancel) => _view = await ClusterView.ReadAsync(Api, Namespace, cancel).ConfigureAwait(false);

    /// <inheritdoc/>
    public override async Task StopAsync()
    {
        using IDisposable care = Aftercare.Begin($"'{Name}' was still being stopped, and may not be gone. Stop it again, or do it with: {ClusterDeployment.RemoveCommand(Api, Namespace, ownNamespace: false)}");
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(5));
        try
        {
            // Both are asked for at once: who waits no longer, or ends this process, leaves neither.
            await Task.WhenAll(
                ClusterDeployment.RemoveAsync(Api, Namespace, wait: true, limit.Token),
                NodeAccess ? Kubernetes.Nodes.NodePods.RemoveAllAsync(Api, Namespace, limit.Token) : Task.CompletedTask).ConfigureAwait(false);
            _stopped = true;
        }
        catch (OperationCanceledException exception)
        {
            throw new KubernetesException(KubernetesFault.Other, $"'{Name}' is not gone after 5 minutes. See what holds it: kubectl --context {Context} get namespace {Namespace} -o yaml", exception);
        }
    }

    /// <inheritdoc/>
    public override string ToString() => Name;

    /// <summary>What the cluster said when it was asked last.</summary>
    internal ClusterView View => _view;

    private static KubernetesSpec Read(KubeWorkload deployment, KubeService service, string? kubeConfig, string? context) => new()
    {
        KubeConfig = kubeConfig, Context = context, Namespace = deployment.Metadata.Namespace!, EndpointCount = deployment.Spec?.Replicas ?? 0,
        Image = deployment.Spec?.Template?.Spec?.Containers?.FirstOrDefault()?.Image ?? KubernetesSpec.DefaultImage,
        ServiceType = Enum.TryParse(service.Spec?.Type, out KubernetesServiceType type) ? type : KubernetesServiceType.ClusterIP,
        ExternalTrafficPolicy = Enum.TryParse(service.Spec?.ExternalTrafficPolicy, out TrafficPolicy external) ? external : default,
        InternalTrafficPolicy = Enum.TryParse(service.Spec?.InternalTrafficPolicy, out TrafficPolicy @internal) ? @internal : default,
        SessionAffinity = service.Spec?.SessionAffinity == "ClientIP" ? TimeSpan.FromSeconds(service.Spec.SessionAffinityConfig?.ClientIP?.TimeoutSeconds ?? 10_800) : null,
        NodeAccess = deployment.Metadata.Annotations?.GetValueOrDefault(ClusterObjects.NodeAccess) == "true",
    };
}
