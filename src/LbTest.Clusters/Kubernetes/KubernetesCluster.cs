using System.Diagnostics;
using LbTest.Clusters.Kubernetes.Api;
using LbTest.Clusters.Kubernetes.Deploy;
using LbTest.Clusters.Kubernetes.Disturbances;
using LbTest.Clusters.Kubernetes.Vantage;
using LbTest.Clusters.Lab.Dataplanes;
using LbTest.Engine;
using LbTest.Engine.Connect;
using LbTest.Engine.Disturbances;
using LbTest.Engine.Traffic;

namespace LbTest.Clusters.Kubernetes;

/// <summary>A Kubernetes cluster with our endpoints and service on it.</summary>
public sealed partial class KubernetesCluster : Cluster
{
    private static readonly TimeSpan UndoGrace = TimeSpan.FromMilliseconds(700);

    private readonly ClientPods _clients, _nodeClients;
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
            throw new KubernetesException(KubernetesFault.Other, $"{exception.Message} What was made until then could not be removed; do it with: {command}", exception);
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
    public override async Task<ConnectResult> ConnectAsync(ConnectRequest request, IProgress<ConnectProgress>? progress, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(request);
        request.Plan.Validate();
        await RefreshAsync(cancel).ConfigureAwait(false);
        var route = new KubernetesRoute(_view, request, Namespace);
        ImmutableArray<KubernetesPlace> places = route.Places();
        PlanException.Require(request.Plan.Count >= places.Length, "Count", request.Plan.Count, $"is less than the {places.Length} places that the test starts from", "Give at least one connection for each");
        (string Namespace, string? Pod)[] pods = await PodsOf(places, cancel).ConfigureAwait(false);
        string label = request.Plan.Label ?? DefaultLabel;
        var all = new SumOfProgress(places.Length, progress);
        ConnectResult[] results = await Task.WhenAll(places.Select((place, i) => Run(place, pods[i], i))).ConfigureAwait(false);
        return results.Length == 1 ? results[0] with { Label = label }
            : ConnectMerge.Of(results, label, ContextOf(route, string.Join(", ", places.Select(place => place.Name)), results.Sum(one => one.Context?.RoundRobinEntries ?? 0) is > 0 and var entries ? entries : null));

        async Task<ConnectResult> Run(KubernetesPlace place, (string Namespace, string? Name) pod, int index)
        {
            KubernetesWay way = route.Way(place, ClusterObjects.ConnectPort, request.Plan.Protocol, ipvs: ProxyMode == Lab.Dataplanes.ProxyMode.Ipvs);
            bool affinity = _view.Service.Spec?.SessionAffinity == "ClientIP" && route.To is not (ServiceTarget.Endpoint or ServiceTarget.Headless);
            ConnectPlan plan = request.Plan with
            {
                Target = way.Target, Endpoints = way.Endpoints, Count = Part(request.Plan.Count, index, places.Length), TrackSources = request.Plan.TrackSources || affinity, Label = place.Name ?? label,
                Context = ContextOf(route, place.Name ?? "this machine", RoundRobin(way, affinity, request.Plan.Protocol), affinity),
            };
            return await new PlaceRun(Api, pod.Namespace, pod.Name).ConnectAsync(plan, way, all.Of(index), cancel).ConfigureAwait(false);
        }
    }

    /// <inheritdoc/>
    public override async Task<TrafficResult> TrafficAsync(TrafficRequest request, IProgress<TrafficProgress>? progress, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(request);
        await RefreshAsync(cancel).ConfigureAwait(false);
        var route = new KubernetesRoute(_view, request, Namespace);
        ImmutableArray<KubernetesPlace> places = route.Places();
        PlanException.Require(places.Length == 1, "FromName", string.Join(", ", request.FromName), "names several places, and a traffic test starts from one", "Give one");
        KubernetesWay way = route.Way(places[0], ClusterObjects.TrafficPort, request.Plan.Protocol, ipvs: ProxyMode == Lab.Dataplanes.ProxyMode.Ipvs);
        bool affinity = _view.Service.Spec?.SessionAffinity == "ClientIP" && route.To is not ServiceTarget.Endpoint;
        TrafficPlan plan = request.Plan with
        {
            Target = way.Target, Endpoints = way.Endpoints, Seed = request.Plan.Seed ?? Random.Shared.Next(), Label = request.Plan.Label ?? DefaultLabel,
            Context = ContextOf(route, places[0].Name ?? "this machine", null, affinity),
        };
        PlanException.Require(!way.EachLookup, "To", route.To, "is for connect tests alone", "Use Dns or ClusterIP");
        plan.Validate();
        var planner = new KubernetesActions(this, plan);
        var actions = ImmutableArray.CreateBuilder<KubernetesAction>();
        foreach (Disturbance disturbance in request.Disturbances) actions.Add(await planner.PlanAsync(disturbance, actions.Count, cancel).ConfigureAwait(false));
        (string Namespace, string? Pod)[] pods = await PodsOf(places, cancel).ConfigureAwait(false);
        var run = new PlaceRun(Api, pods[0].Namespace, pods[0].Pod);
        if (actions.Count == 0) return await run.TrafficAsync(plan, way, progress, cancel).ConfigureAwait(false);
        using var disturbances = new KubernetesDisturbanceRun(this, actions.ToImmutable(), progress);
        disturbances.Watch();
        TrafficResult? result = null;
        ImmutableArray<string> left = [];
        try
        {
            result = await run.TrafficAsync(plan, way, disturbances, cancel).ConfigureAwait(false);
        }
        finally
        {
            left = await Finish(disturbances.FinishAsync(), cancel).ConfigureAwait(false);
        }

        ImmutableArray<DisturbanceEvent> events = disturbances.Events;
        return result with
        {
            Disturbances = events, Programming = EndpointProgramming.Of(disturbances.Changes, result.Connections),
            Warnings =
            [
                .. result.Warnings, .. events.Where(e => e.Error is not null).Select(e => $"A disturbance failed ({e.Description}): {e.Error}"),
                .. left.Select(error => $"A disturbance could not be undone: {error}"),
            ],
        };
    }

    /// <inheritdoc/>
    public override async Task StopAsync()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(5));
        try
        {
            await ClusterDeployment.RemoveAsync(Api, Namespace, wait: true, limit.Token).ConfigureAwait(false);
            if (NodeAccess) await Kubernetes.Nodes.NodePods.RemoveAllAsync(Api, Namespace, limit.Token).ConfigureAwait(false);
            _stopped = true;
        }
        catch (OperationCanceledException exception)
        {
            throw new KubernetesException(KubernetesFault.Other, $"'{Name}' is not gone after 5 minutes. See what holds it: {ClusterDeployment.RemoveCommand(Api, Namespace, ownNamespace: true)}", exception);
        }
    }

    /// <inheritdoc/>
    public override string ToString() => Name;

    /// <summary>The pods in which agents run for some places, with their namespaces; null for this machine.</summary>
    internal async Task<(string Namespace, string? Pod)[]> PodsOf(IReadOnlyList<KubernetesPlace> places, CancellationToken cancel)
    {
        if (places[0].Kind == VantagePoint.Local) return [.. places.Select(_ => (Namespace, (string?)null))];
        if (places[0].Kind is VantagePoint.ClientPod or VantagePoint.Node)
        {
            if (places[0].Kind == VantagePoint.Node) RequireNodeAccess();
            ClientPods clients = places[0].Kind == VantagePoint.Node ? _nodeClients : _clients;
            return [.. (await clients.EnsureAsync([.. places.Select(place => place.Node!)], cancel).ConfigureAwait(false)).Select(pod => (clients.Namespace, (string?)pod))];
        }

        PlanException.Require(EndpointImage.Of(Spec.Image).Own, "From", VantagePoint.Pod, $"cannot be: endpoints of the image '{Spec.Image}' have no agent", "Start from a client pod: -From ClientPod");
        return [.. places.Select(place => (Namespace, place.Name))];
    }

    /// <summary>What the cluster said when it was asked last.</summary>
    internal ClusterView View => _view;

    private string DefaultLabel => ProxyMode is not { } mode ? "kubernetes" : mode.ToString().ToLowerInvariant() + (IpvsScheduler is { } scheduler ? $"-{scheduler.Word()}" : "");

    // As in a lab: with datagrams nobody can promise anything, nor where each entry has endpoints of its own.
    private int? RoundRobin(KubernetesWay way, bool affinity, TransportProtocol protocol) =>
        IpvsScheduler is Lab.Dataplanes.IpvsScheduler.Rr or Lab.Dataplanes.IpvsScheduler.Wrr && !affinity && protocol == TransportProtocol.Tcp && way.Entries > 0 && (way.Entries == 1 || way.Endpoints.All(e => e.Share is null)) ? way.Entries : null;

    private TestContext ContextOf(KubernetesRoute route, string from, int? entries, bool affinity = false) =>
        new(Name, ProxyMode?.ToString(), $"{route.From} {from}", route.To.ToString(), Affinity: affinity, RoundRobinEntries: entries, Scheduler: IpvsScheduler?.Word());

    // Who has pressed Ctrl+C wants the prompt back: what is asked for by then goes on by itself.
    private static async Task<ImmutableArray<string>> Finish(Task<ImmutableArray<string>> finish, CancellationToken cancel)
    {
        if (cancel.IsCancellationRequested && await Task.WhenAny(finish, Task.Delay(UndoGrace, CancellationToken.None)).ConfigureAwait(false) != finish) return ["the test was stopped, and it is still on its way."];
        return await finish.ConfigureAwait(false);
    }

    // The first places get one more where it does not come out even.
    private static long Part(long count, int index, int of) => (count / of) + (index < count % of ? 1 : 0);

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

    /// <summary>Adds up what several places report.</summary>
    private sealed class SumOfProgress(int places, IProgress<ConnectProgress>? progress)
    {
        private readonly ConnectProgress?[] _last = new ConnectProgress?[places];

        internal IProgress<ConnectProgress> Of(int index) => new One(this, index);

        private void Report(int index, ConnectProgress value)
        {
            lock (_last)
            {
                _last[index] = value;
                ConnectProgress[] known = [.. _last.OfType<ConnectProgress>()];
                progress?.Report(places == 1 ? value : new ConnectProgress(known.Sum(one => one.Connections), known.Sum(one => one.Failed), known.Sum(one => one.Requested) * places / known.Length, known.Max(one => one.Elapsed), []));
            }
        }

        private sealed class One(SumOfProgress sum, int index) : IProgress<ConnectProgress>
        {
            public void Report(ConnectProgress value) => sum.Report(index, value);
        }
    }
}
