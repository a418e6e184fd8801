using LbTest.Clusters.Kubernetes.Deploy;
using LbTest.Clusters.Kubernetes.Disturbances;
using LbTest.Clusters.Kubernetes.Vantage;
using LbTest.Clusters.Lab.Dataplanes;
using LbTest.Engine;
using LbTest.Engine.Connect;
using LbTest.Engine.Disturbances;
using LbTest.Engine.Serve;
using LbTest.Engine.Traffic;

namespace LbTest.Clusters.Kubernetes;

// Runs tests on it.
public sealed partial class KubernetesCluster
{
    private static readonly TimeSpan UndoGrace = TimeSpan.FromMilliseconds(500);

    private readonly ClientPods _clients, _nodeClients;

    /// <inheritdoc/>
    public override async Task<ConnectResult> ConnectAsync(ConnectRequest request, IProgress<ConnectProgress>? progress, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(request);
        request.Plan.Validate();
        EndpointImage.Require(Spec.Image, ServedService.Connect);
        await RefreshAsync(cancel).ConfigureAwait(false);
        var route = new KubernetesRoute(_view, request, Namespace);
        ImmutableArray<KubernetesPlace> places = route.Places();
        PlanException.Require(request.Plan.Count >= places.Length, "Count", request.Plan.Count, $"is less than the {places.Length} places that the test starts from", "Give at least one connection for each");
        (string Namespace, string? Pod)[] pods = await PodsOf(places, cancel).ConfigureAwait(false);
        string label = request.Plan.Label ?? DefaultLabel;
        (KubernetesWay Way, ConnectPlan Plan)[] tests = [.. places.Select(Plan)];
        var all = new SumOfProgress(places.Length, progress);
        ConnectResult[] results = await PartialResult.TogetherAsync([.. tests.Select((test, i) => (test.Plan, Run: new PlaceRun(Api, pods[i].Namespace, pods[i].Pod).ConnectAsync(test.Plan, test.Way, all.Of(i), cancel)))]).ConfigureAwait(false);
        return results.Length == 1 ? results[0] with { Label = label }
            : ConnectMerge.Of(results, label, ContextOf(route, string.Join(", ", places.Select(place => place.Name)), results.Sum(one => one.Context?.RoundRobinEntries ?? 0) is > 0 and var entries ? entries : null));

        (KubernetesWay, ConnectPlan) Plan(KubernetesPlace place, int index)
        {
            KubernetesWay way = route.Way(place, ClusterObjects.ConnectPort, request.Plan.Protocol, ipvs: ProxyMode == Lab.Dataplanes.ProxyMode.Ipvs);
            return (way, request.Plan with
            {
                Target = way.Target, Endpoints = way.Endpoints, Count = Part(request.Plan.Count, index, places.Length), TrackSources = request.Plan.TrackSources || route.Affinity, Label = place.Name ?? label,
                Context = ContextOf(route, place.Name ?? "this machine", RoundRobin(way, route.Affinity, request.Plan.Protocol)),
            });
        }
    }

    /// <inheritdoc/>
    public override async Task<TrafficResult> TrafficAsync(TrafficRequest request, IProgress<TrafficProgress>? progress, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(request);
        EndpointImage.Require(Spec.Image, ServedService.Traffic);
        await RefreshAsync(cancel).ConfigureAwait(false);
        var route = new KubernetesRoute(_view, request, Namespace);
        ImmutableArray<KubernetesPlace> places = route.Places();
        PlanException.Require(places.Length == 1, "FromName", string.Join(", ", request.FromName), "names several places, and a traffic test starts from one", "Give one");
        KubernetesWay way = route.Way(places[0], ClusterObjects.TrafficPort, request.Plan.Protocol, ipvs: ProxyMode == Lab.Dataplanes.ProxyMode.Ipvs);
        TrafficPlan plan = request.Plan with
        {
            Target = way.Target, Endpoints = way.Endpoints, Seed = request.Plan.Seed ?? Random.Shared.Next(), Label = request.Plan.Label ?? DefaultLabel,
            Context = ContextOf(route, places[0].Name ?? "this machine", null),
        };
        PlanException.Require(!way.EachLookup, "To", route.To, "is for connect tests alone", "Use Dns or ClusterIP");
        plan.Validate();
        var planner = new KubernetesActions(this, plan);
        var actions = ImmutableArray.CreateBuilder<KubernetesAction>();
        foreach (Disturbance disturbance in request.Disturbances) actions.Add(await planner.PlanAsync(disturbance, actions.Count, cancel).ConfigureAwait(false));
        (string Namespace, string? Pod)[] pods = await PodsOf(places, cancel).ConfigureAwait(false);
        var run = new PlaceRun(Api, pods[0].Namespace, pods[0].Pod);
        if (actions.Count == 0) return await run.TrafficAsync(plan, way, progress, cancel).ConfigureAwait(false);
        var disturbances = new KubernetesDisturbanceRun(this, actions.ToImmutable(), progress);
        disturbances.Watch();
        // While the agent still gathers what it has, the cluster is put in order.
        using CancellationTokenRegistration stop = cancel.Register(() => _ = disturbances.FinishAsync(wait: false));
        TrafficResult? result = null;
        ImmutableArray<string> left = [];
        try
        {
            result = await run.TrafficAsync(plan, way, disturbances, cancel).ConfigureAwait(false);
        }
        finally
        {
            left = await Finish(disturbances, cancel).ConfigureAwait(false);
        }

        return DisturbedResult.Of(result, disturbances.Events, left) with { Programming = EndpointProgramming.Of(disturbances.Changes, result.Connections) };
    }

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

    private string DefaultLabel => ProxyMode is not { } mode ? "kubernetes" : mode.ToString().ToLowerInvariant() + (IpvsScheduler is { } scheduler ? $"-{scheduler.Word()}" : "");

    // As in a lab: with datagrams nobody can promise anything, nor where each entry has endpoints of its own.
    private int? RoundRobin(KubernetesWay way, bool affinity, TransportProtocol protocol) =>
        IpvsScheduler is Lab.Dataplanes.IpvsScheduler.Rr or Lab.Dataplanes.IpvsScheduler.Wrr && !affinity && protocol == TransportProtocol.Tcp && way.Entries > 0 && (way.Entries == 1 || way.Endpoints.All(e => e.Share is null)) ? way.Entries : null;

    private TestContext ContextOf(KubernetesRoute route, string from, int? entries) =>
        new(Name, ProxyMode?.ToString(), $"{route.From} {from}", route.To.ToString(), Affinity: route.Affinity, RoundRobinEntries: entries, Scheduler: IpvsScheduler?.Word());

    // Who has pressed Ctrl+C wants the prompt back: what is asked for by then goes on by itself.
    private static async Task<ImmutableArray<string>> Finish(KubernetesDisturbanceRun disturbances, CancellationToken cancel)
    {
        Task<ImmutableArray<string>> finish = disturbances.FinishAsync(wait: !cancel.IsCancellationRequested);
        _ = await Task.WhenAny(finish, Task.Delay(Timeout.InfiniteTimeSpan, cancel)).ConfigureAwait(false);
        if (await Task.WhenAny(finish, Task.Delay(UndoGrace, CancellationToken.None)).ConfigureAwait(false) == finish) return await finish.ConfigureAwait(false);
        _ = finish.ContinueWith(late => late.Result.ToList().ForEach(Aftercare.Tell), CancellationToken.None, TaskContinuationOptions.OnlyOnRanToCompletion, TaskScheduler.Default);
        return ["The test was stopped, and its disturbances were still being undone when this was handed over."];
    }

    // The first places get one more where it does not come out even.
    private static long Part(long count, int index, int of) => (count / of) + (index < count % of ? 1 : 0);
}
