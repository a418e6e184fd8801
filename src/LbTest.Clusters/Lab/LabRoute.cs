using LbTest.Clusters.Lab.Dataplanes;
using LbTest.Engine;
using LbTest.Engine.Connect;
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
        Way way = Find(Spec.Port, LabTopology.NodePort);
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
        Way way = Find(Spec.TrafficPort, LabTopology.TrafficNodePort);
        return (plan with
        {
            Target = way.Target, Source = plan.Source ?? (plan.Sources.IsDefaultOrEmpty ? way.Source : null), Endpoints = way.Endpoints,
            Label = plan.Label ?? DefaultLabel, Context = way.Context,
        }, way.From);
    }

    private string DefaultLabel => Spec.ProxyMode.ToString().ToLowerInvariant();

    private sealed record Way(string From, IPEndPoint Target, string? Source, ImmutableArray<ExpectedEndpoint> Endpoints, TestContext Context);

    private Way Find(int servicePort, int nodePort)
    {
        (string from, LabNode? fromNode) = Start();
        (IPAddress address, int port, ImmutableArray<ExpectedEndpoint> endpoints) = Target(fromNode, servicePort, nodePort);
        return new Way(
            from, new IPEndPoint(request.IPv6 ? LabTopology.Twin(address) : address, port),
            fromNode is null ? request.IPv6 ? LabTopology.TesterRange6 : LabTopology.TesterRange4 : null, endpoints,
            new TestContext(Spec.Name, Spec.ProxyMode.ToString(), from, request.To.ToString(), Spec.Ecmp, Affinity: Spec.SessionAffinity is not null && request.To != ServiceTarget.Endpoint));
    }

    private (string Namespace, LabNode? Node) Start()
    {
        switch (request.From)
        {
            case VantagePoint.External:
                return (LabTopology.Tester, null);
            case VantagePoint.Node:
                LabNode node = Node(request.FromName, "FromName");
                return (node.Name, node);
            case VantagePoint.Pod:
                LabEndpoint pod = Endpoint(request.FromName, "FromName");
                return (pod.Name, topology.Nodes.Single(n => n.Name == pod.Node));
            default:
                throw new PlanException("From", request.From, "is no way into a lab: its addresses exist only inside it", "Use External, Node or Pod");
        }
    }

    private (IPAddress Address, int Port, ImmutableArray<ExpectedEndpoint> Endpoints) Target(LabNode? fromNode, int port, int nodePort)
    {
        switch (request.To)
        {
            case ServiceTarget.LoadBalancer:
                return (LabTopology.LoadBalancer, port, Shares(Spec.ExternalTrafficPolicy, fromNode is null ? topology.EntryNodes : null));
            case ServiceTarget.ClusterIP:
                return (LabTopology.ClusterIP, port, Shares(Spec.InternalTrafficPolicy, fromNode is null ? topology.EntryNodes : [fromNode]));
            case ServiceTarget.NodePort:
                LabNode node = Node(request.ToName, "ToName");
                return (node.Address, nodePort, Shares(Spec.ExternalTrafficPolicy, fromNode is null ? [node] : NodePortFromInside(fromNode, node)));
            default:
                LabEndpoint endpoint = Endpoint(request.ToName, "ToName");
                return (endpoint.Address, port, [new ExpectedEndpoint(endpoint.Name, 1, endpoint.Node)]);
        }
    }

    // kube-proxy short-circuits traffic of pods and of the node itself to an external address or port of that node: all endpoints. A node port
    // of another node is reached from a node's own address, which is nobody's pod: the policy holds there.
    private ImmutableArray<LabNode>? NodePortFromInside(LabNode from, LabNode node) =>
        request.From == VantagePoint.Pod || from.Name == node.Name ? null : [node];

    /// <summary>The share of each endpoint when traffic enters evenly through <paramref name="entries"/>; null: whatever the policy, all endpoints.</summary>
    private ImmutableArray<ExpectedEndpoint> Shares(TrafficPolicy policy, ImmutableArray<LabNode>? entries)
    {
        if (policy == TrafficPolicy.Cluster || entries is null) return [.. topology.Endpoints.Select(e => new ExpectedEndpoint(e.Name, null, e.Node))];
        var local = entries.Value.Where(n => n.Endpoints.Length > 0).ToDictionary(n => n.Name, n => 1.0 / entries.Value.Length / n.Endpoints.Length);
        // An entry without endpoints drops what comes; of what gets through, the others have the whole.
        double through = entries.Value.Count(n => n.Endpoints.Length > 0) / (double)entries.Value.Length;
        return [.. topology.Endpoints.Select(e => new ExpectedEndpoint(e.Name, through == 0 ? null : local.GetValueOrDefault(e.Node) / through, e.Node))];
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
