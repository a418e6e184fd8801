using LbTest.Clusters.Lab.Dataplanes;
using LbTest.Engine;
using LbTest.Engine.Connect;
using LbTest.Engine.Sockets;
using LbTest.Engine.Traffic;

namespace LbTest.Clusters.Lab;

/// <summary>Turns "from there to that" into addresses, and into the shares that kube-proxy's rules promise on that way.</summary>
internal sealed class LabRoute(LabTopology topology, TestRequest request)
{
    private LabSpec Spec => topology.Spec;

    /// <summary>A connect test's plan with target, source, endpoints and context filled in, and the namespace it starts from.</summary>
    /// <exception cref="PlanException">There is no such place, or no way from it.</exception>
    internal (ConnectPlan Plan, string From) Resolve(ConnectPlan plan)
    {
        Way way = Find(Spec.Port, LabTopology.NodePort, plan.Protocol);
        return (plan with
        {
            Target = way.Target, Source = plan.Source ?? way.Source, Endpoints = way.Endpoints, TrackSources = plan.TrackSources || Spec.SessionAffinity is not null,
            Label = plan.Label ?? DefaultLabel, Context = way.Context,
        }, way.From);
    }

    /// <summary>The same of a traffic test.</summary>
    /// <exception cref="PlanException">There is no such place, or no way from it.</exception>
    internal (TrafficPlan Plan, string From) Resolve(TrafficPlan plan)
    {
        Way way = Find(Spec.TrafficPort, LabTopology.TrafficNodePort, plan.Protocol);
        return (plan with
        {
            Target = way.Target, Source = plan.Source ?? (plan.Sources.IsDefaultOrEmpty ? way.Source : null), Endpoints = way.Endpoints,
            Label = plan.Label ?? DefaultLabel, Context = way.Context,
        }, way.From);
    }

    private string DefaultLabel => Spec.ProxyMode.ToString().ToLowerInvariant() + (Scheduler is null ? "" : $"-{Scheduler}");

    private ServiceTarget To => request.To ?? ServiceTarget.LoadBalancer;

    private bool Ipvs => Spec.ProxyMode == ProxyMode.Ipvs;

    private string? Scheduler => Ipvs ? Spec.IpvsScheduler.Word() : null;

    private sealed record Way(string From, IPEndPoint Target, string? Source, ImmutableArray<ExpectedEndpoint> Endpoints, TestContext Context);

    private Way Find(int servicePort, int nodePort, TransportProtocol protocol)
    {
        (string from, LabNode? fromNode) = Start();
        Goal goal = Target(fromNode, servicePort, nodePort);
        IPAddress address = request.IPv6 ? LabTopology.Twin(goal.Address) : goal.Address;
        bool affinity = Spec.SessionAffinity is not null && To != ServiceTarget.Endpoint;
        return new Way(
            from, new IPEndPoint(address, goal.Port), fromNode is null ? request.IPv6 ? LabTopology.TesterRange6 : LabTopology.TesterRange4 : null, goal.Endpoints,
            new TestContext(Spec.Name, Spec.ProxyMode.ToString(), from, To.ToString(), Spec.Ecmp, affinity, affinity || protocol != TransportProtocol.Tcp ? null : RoundRobin(goal), Scheduler));
    }

    // A datagram whose source was used in the last five minutes belongs to a flow that is known, and chooses nothing: with them nobody can promise anything. Nor where each entry has
    // endpoints of its own, and gets its part of the connections by chance.
    private int? RoundRobin(Goal goal) =>
        Ipvs && Spec.IpvsScheduler is IpvsScheduler.Rr or IpvsScheduler.Wrr && goal.Entries > 0 && (goal.Entries == 1 || goal.Endpoints.All(e => e.Share is null)) ? goal.Entries : null;

    private (string Namespace, LabNode? Node) Start()
    {
        PlanException.Require(request.FromName.Length <= 1, "FromName", string.Join(", ", request.FromName), "names several places, and a test in a lab starts from one", "Give one");
        string? name = request.FromName.FirstOrDefault();
        switch (request.From ?? VantagePoint.External)
        {
            case VantagePoint.External:
                return (LabTopology.Tester, null);
            case VantagePoint.Node:
                LabNode node = Node(name, "FromName");
                return (node.Name, node);
            case VantagePoint.Pod:
                LabEndpoint pod = Endpoint(name, "FromName");
                return (pod.Name, topology.Nodes.Single(n => n.Name == pod.Node));
            default:
                throw new PlanException("From", request.From, "is no way into a lab: its addresses exist only inside it", "Use External, Node or Pod");
        }
    }

    /// <summary>An address, what answers there, and through how many nodes traffic gets there; 0 where it goes past the service.</summary>
    private sealed record Goal(IPAddress Address, int Port, int Entries, ImmutableArray<ExpectedEndpoint> Endpoints);

    private Goal Target(LabNode? fromNode, int port, int nodePort)
    {
        ImmutableArray<LabNode> entries = fromNode is null ? topology.EntryNodes : [fromNode];
        switch (To)
        {
            case ServiceTarget.LoadBalancer:
                return new(LabTopology.LoadBalancer, port, entries.Length, Shares(Spec.ExternalTrafficPolicy, ShortCircuit(fromNode is not null) ? null : entries, fromNode is not null));
            case ServiceTarget.ClusterIP:
                return new(LabTopology.ClusterIP, port, entries.Length, Shares(Spec.InternalTrafficPolicy, entries, answered: true));
            case ServiceTarget.NodePort:
                LabNode node = Node(request.ToName, "ToName");
                bool itself = request.From == VantagePoint.Node && fromNode?.Name == node.Name;
                return new(node.Address, nodePort, 1, Shares(Spec.ExternalTrafficPolicy, ShortCircuit(request.From == VantagePoint.Pod || itself) ? null : [node], itself));
            case ServiceTarget.Endpoint:
                LabEndpoint endpoint = Endpoint(request.ToName, "ToName");
                return new(endpoint.Address, port, 0, [new ExpectedEndpoint(endpoint.Name, 1, endpoint.Node)]);
            default:
                throw new PlanException("To", To, "is a name, and a lab has no DNS", "Use LoadBalancer, ClusterIP, NodePort or Endpoint");
        }
    }

    // kube-proxy short-circuits traffic of pods and of the node itself to an external address or port of that node: all endpoints. A node port
    // of another node is reached from a node's own address, which is nobody's pod: the policy holds there. In mode IPVS it always does.
    private bool ShortCircuit(bool fromInside) => fromInside && !Ipvs;

    /// <summary>The share of each endpoint when traffic enters evenly through <paramref name="entries"/>; null: whatever the policy, all endpoints.</summary>
    /// <param name="policy">The policy.</param>
    /// <param name="entries">The nodes.</param>
    /// <param name="answered">In mode IPVS a node without endpoints of its own sends to all of them. True where their answers get back through it.</param>
    private ImmutableArray<ExpectedEndpoint> Shares(TrafficPolicy policy, ImmutableArray<LabNode>? entries, bool answered)
    {
        if (policy == TrafficPolicy.Cluster || entries is null) return ExpectedShares.Equal(topology.Endpoints.Select(e => (e.Name, (string?)e.Node)));
        // An entry without endpoints drops what comes; of what gets through, the others have the whole.
        string[] all = [.. topology.Endpoints.Select(e => e.Name)];
        IEnumerable<string[]> choices = entries.Value.Select(n => n.Endpoints.Length > 0 || !Ipvs || !answered ? [.. n.Endpoints.Select(e => e.Name)] : all);
        return ExpectedShares.Of(topology.Endpoints.Select(e => (e.Name, (string?)e.Node)), choices);
    }

    private LabNode Node(string? name, string parameter) => name is null ? topology.EntryNodes[0] :
        topology.Nodes.FirstOrDefault(n => string.Equals(n.Name, name, StringComparison.OrdinalIgnoreCase))
        ?? throw new PlanException(parameter, name, "is not a node of this lab", $"Use node-1 to node-{topology.Nodes.Length}");

    private LabEndpoint Endpoint(string? name, string parameter)
    {
        if (topology.Endpoints.Length == 0) throw new PlanException(parameter, name, "cannot be: this lab has no endpoints", "Start one with endpoints");
        return name is null ? topology.Endpoints[0] :
            topology.Endpoints.FirstOrDefault(e => string.Equals(e.Name, name, StringComparison.OrdinalIgnoreCase))
            ?? throw new PlanException(parameter, name, "is not an endpoint of this lab", $"Use {topology.Endpoints[0].Name} to {topology.Endpoints[^1].Name}");
    }
}
