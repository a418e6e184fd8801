using LbTest.Clusters.Lab.Dataplanes;
using LbTest.Clusters.Protocol;
using LbTest.Clusters.Tools;
using LbTest.Engine.Connect;
using LbTest.Engine.Traffic;

namespace LbTest.Clusters.Lab;

/// <summary>The lab from inside its sandbox: builds it, serves its endpoints, runs plans from its namespaces.</summary>
internal sealed class LabHost : ILabHost
{
    private readonly TaskCompletionSource _stopped = new();
    private Lab? _lab;

    private sealed record Lab(LabTopology Topology, LabRules Rules, LabControl Control, LabServers Servers, LabTraffic Traffic);

    public Task Stopped => _stopped.Task;

    public bool Started => _lab is not null;

    public async Task<AgentResponse> HandleAsync(AgentRequest request, IProgress<AgentResponse> progress, CancellationToken cancel)
    {
        switch (request.Verb)
        {
            case AgentVerb.Start:
                Start(request.Lab ?? throw new InvalidOperationException("A start needs the description of a lab."));
                return new AgentResponse { Done = true };
            case AgentVerb.Describe:
                return new AgentResponse { Done = true, Lab = Running.Control.State.Balancing.Of(Running.Topology.Spec) };
            case AgentVerb.Connect:
                return new AgentResponse { Done = true, Result = await Connect(request, progress, cancel).ConfigureAwait(false) };
            case AgentVerb.Traffic:
                TrafficPlan plan = request.Traffic ?? throw new InvalidOperationException("A traffic test needs a plan.");
                var tell = new Telling<TrafficProgress>(report => progress.Report(new AgentResponse { TrafficProgress = report }));
                return new AgentResponse { Done = true, TrafficResult = await Running.Traffic.RunAsync(plan, request.From!, request.Disturbances ?? [], tell, cancel).ConfigureAwait(false) };
            case AgentVerb.Observe:
                return new AgentResponse { Done = true, Counters = await Running.Rules.ObserveAsync(cancel).ConfigureAwait(false) };
            case AgentVerb.VirtualServers:
                return new AgentResponse { Done = true, VirtualServers = new LabIpvs(Running.Topology, Running.Rules).VirtualServers(request.From) };
            case AgentVerb.ServiceAddresses:
                return new AgentResponse { Done = true, ServiceAddresses = new LabIpvs(Running.Topology, Running.Rules).ServiceAddresses(request.From) };
            case AgentVerb.Conntrack:
                return new AgentResponse { Done = true, Conntrack = new LabTracking(Running.Topology).List(request.From, request.Conntrack ?? new()) };
            case AgentVerb.ClearConntrack:
                return new AgentResponse { Done = true, Conntrack = new LabTracking(Running.Topology).Clear(request.From, request.Conntrack ?? new()) };
            case AgentVerb.SetMode:
                LabSpec wanted = request.Lab ?? throw new InvalidOperationException("A change of mode needs the description of a lab.");
                Running.Traffic.SetMode(new LabMode(wanted.ProxyMode, wanted.IpvsScheduler));
                return new AgentResponse { Done = true };
            case AgentVerb.Behave:
                if (Running.Topology.Endpoints.All(e => e.Name != request.Endpoint)) throw new InvalidOperationException($"There is no endpoint '{request.Endpoint}'.");
                Running.Servers.Behave(request.Endpoint!, request.Behavior);
                return new AgentResponse { Done = true };
            case AgentVerb.Stop:
                _ = _stopped.TrySetResult();
                return new AgentResponse { Done = true };
            default:
                throw new InvalidOperationException($"The agent of a lab does not know '{request.Verb}'.");
        }
    }

    private Lab Running => _lab ?? throw new InvalidOperationException("The lab has not been started.");

    private void Start(LabSpec spec)
    {
        spec.Validate();
        var topology = new LabTopology(spec);
        // Known to exist, before anything is built.
        _ = Dataplane.For(spec.ProxyMode);
        // The namespaces' names and the tools' locks live in a /run of our own: nothing of the host's is touched, or seen.
        Mounts.Memory("/run");
        var network = new LabNetwork(topology);
        network.Build();
        var rules = new LabRules(topology);
        rules.Apply(new LabState(topology));
        var servers = new LabServers(topology);
        servers.Start();
        var control = new LabControl(topology, network, rules, servers);
        _lab = new Lab(topology, rules, control, servers, new LabTraffic(topology, network, control, servers));
    }

    private async Task<ConnectResult> Connect(AgentRequest request, IProgress<AgentResponse> progress, CancellationToken cancel)
    {
        ConnectPlan plan = request.Plan ?? throw new InvalidOperationException("A connect test needs a plan.");
        var conntrack = new LabConntrack(Running.Topology);
        ImmutableArray<string> room = conntrack.Room(plan.Count);
        var tell = new Telling<ConnectProgress>(report => progress.Report(new AgentResponse { Progress = report }));
        ConnectResult result = await ConnectRun.RunAsync(plan, LabNetwork.Namespace(request.From!), tell, cancel: cancel).ConfigureAwait(false);
        return result with { Warnings = [.. result.Warnings, .. room, .. conntrack.Full()] };
    }

    public void Dispose() => _lab?.Servers.Dispose();
}
