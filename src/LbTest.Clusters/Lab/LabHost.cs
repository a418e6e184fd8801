using LbTest.Clusters.Lab.Dataplanes;
using LbTest.Clusters.Protocol;
using LbTest.Clusters.Tools;
using LbTest.Engine.Connect;
using LbTest.Engine.Serve;

namespace LbTest.Clusters.Lab;

/// <summary>The lab from inside its sandbox: builds it, serves its endpoints, runs plans from its namespaces.</summary>
internal sealed class LabHost : IAgentHost, IDisposable
{
    private readonly TaskCompletionSource _stopped = new();
    private LabTopology? _topology;
    private IDataplane? _dataplane;
    private Server? _server;

    /// <summary>Ends when somebody asked the lab to stop.</summary>
    internal Task Stopped => _stopped.Task;

    /// <summary>True once the lab is up.</summary>
    internal bool Started => _server is not null || _topology?.Endpoints.Length == 0;

    public async Task<AgentResponse> HandleAsync(AgentRequest request, IProgress<ConnectProgress> progress, CancellationToken cancel)
    {
        switch (request.Verb)
        {
            case AgentVerb.Start:
                Start(request.Lab ?? throw new InvalidOperationException("A start needs the description of a lab."));
                return new AgentResponse { Done = true };
            case AgentVerb.Describe:
                return new AgentResponse { Done = true, Lab = Topology.Spec };
            case AgentVerb.Connect:
                return new AgentResponse { Done = true, Result = await Connect(request, progress, cancel).ConfigureAwait(false) };
            case AgentVerb.Observe:
                return new AgentResponse { Done = true, Counters = [.. Topology.Nodes.SelectMany(node => Observe(node).AsEnumerable())] };
            case AgentVerb.Behave:
                int index = Topology.Endpoints.Select(e => e.Name).ToList().IndexOf(request.Endpoint!);
                if (index < 0) throw new InvalidOperationException($"There is no endpoint '{request.Endpoint}'.");
                // Every endpoint listens on its IPv4 address and on its twin.
                foreach (int listener in new[] { 2 * index, (2 * index) + 1 }) _server!.SetBehavior(listener, request.Behavior);
                return new AgentResponse { Done = true };
            case AgentVerb.Stop:
                _ = _stopped.TrySetResult();
                return new AgentResponse { Done = true };
            default:
                throw new InvalidOperationException($"The agent of a lab does not know '{request.Verb}'.");
        }
    }

    private LabTopology Topology => _topology ?? throw new InvalidOperationException("The lab has not been started.");

    private void Start(LabSpec spec)
    {
        spec.Validate();
        var topology = new LabTopology(spec);
        IDataplane dataplane = Dataplane.For(spec.ProxyMode);
        // The namespaces' names and the tools' locks live in a /run of our own: nothing of the host's is touched, or seen.
        _ = Tool.Run("mount", ["-t", "tmpfs", "-o", "mode=0755", "lbtest", "/run"]);
        new LabNetwork(topology).Build();
        var options = new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount };
        _ = Parallel.ForEach(topology.Nodes, options, node => InNode(node, () =>
        {
            dataplane.Apply(topology.DesiredState(node));
            return true;
        }));
        if (topology.Endpoints.Length > 0) _server = Server.Start([.. topology.Endpoints.SelectMany(Serve)], Environment.ProcessorCount);
        (_topology, _dataplane) = (topology, dataplane);

        IEnumerable<ServedEndpoint> Serve(LabEndpoint endpoint) => new[] { endpoint.Address, LabTopology.Twin(endpoint.Address) }
            .Select(address => new ServedEndpoint(endpoint.Name, new IPEndPoint(address, spec.Port), LabNetwork.Namespace(endpoint.Name)));
    }

    private async Task<ConnectResult> Connect(AgentRequest request, IProgress<ConnectProgress> progress, CancellationToken cancel)
    {
        ConnectPlan plan = request.Plan ?? throw new InvalidOperationException("A connect test needs a plan.");
        ImmutableArray<string> room = ConntrackWarnings(plan);
        long dropsBefore = ConntrackDrops();
        ConnectResult result = await ConnectRun.RunAsync(plan, LabNetwork.Namespace(request.From!), progress, cancel: cancel).ConfigureAwait(false);
        long drops = ConntrackDrops() - dropsBefore;
        ImmutableArray<string> full = drops == 0 ? [] :
            [$"The nodes' connection tracking dropped {drops} packets during the test: its table is full. Failures may come from there."];
        return result with { Warnings = [.. result.Warnings, .. room, .. full] };
    }

    private ImmutableArray<EndpointCounter> Observe(LabNode node) => InNode(node, () => _dataplane!.Observe(Topology.DesiredState(node)));

    private ImmutableArray<string> ConntrackWarnings(ConnectPlan plan)
    {
        long share = plan.Count / Math.Max(1, Topology.EntryNodes.Length);
        return
        [
            .. Topology.EntryNodes.Select(node => (node.Name, Room: InNode(node, Preflight.ConntrackRoom))).Where(node => node.Room < share)
                .Select(node => $"The connection-tracking table of {node.Name} has room for {node.Room} more entries, fewer than the connections planned: it may fill up and drop them."),
        ];
    }

    // Columns "drop" and "early_drop" of the per-processor statistics (hexadecimal), of this namespace alone.
    private long ConntrackDrops() => Topology.EntryNodes.Sum(node => InNode(node, () =>
    {
        const string path = "/proc/thread-self/net/stat/nf_conntrack";
        string[] lines = File.Exists(path) ? File.ReadAllLines(path) : [];
        if (lines.Length == 0) return 0;
        string[] names = lines[0].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        int[] columns = [Array.IndexOf(names, "drop"), Array.IndexOf(names, "early_drop")];
        return lines.Skip(1).Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Sum(values => columns.Where(c => c >= 0).Sum(c => Convert.ToInt64(values[c], 16)));
    }));

    private static T InNode<T>(LabNode node, Func<T> work) => LabNetwork.Namespace(node.Name).Run(work);

    public void Dispose() => _server?.Dispose();
}
