using System.Net.Sockets;
using LbTest.Clusters.Kubernetes.Api;
using LbTest.Clusters.Kubernetes.Deploy;
using LbTest.Clusters.Lab.Dataplanes;
using LbTest.Engine;
using LbTest.Engine.Connect;

namespace LbTest.Clusters.Kubernetes;

/// <summary>A place that a test starts from: this machine, or the agent in a pod.</summary>
/// <param name="Kind">What kind of place.</param>
/// <param name="Name">Its name, as users know it; null for this machine.</param>
/// <param name="Node">The node that it is on; null for this machine.</param>
internal sealed record KubernetesPlace(VantagePoint Kind, string? Name, string? Node);

/// <summary>Where a test from one place goes, and what the cluster's rules promise on that way.</summary>
/// <param name="Target">The address; of a name only the family counts.</param>
/// <param name="Name">The name to resolve at the place; null where the target is the address.</param>
/// <param name="EachLookup">True where every connection asks for the name anew.</param>
/// <param name="Endpoints">The endpoints and their shares.</param>
/// <param name="Entries">Through how many nodes traffic gets there; 0 past the service.</param>
internal sealed record KubernetesWay(IPEndPoint Target, string? Name, bool EachLookup, ImmutableArray<ExpectedEndpoint> Endpoints, int Entries);

/// <summary>Turns "from there to that" into addresses, and into the shares that kube-proxy's rules promise on that way.</summary>
internal sealed class KubernetesRoute(ClusterView view, TestRequest request, string ns)
{
    private KubeServiceSpec Service => view.Service.Spec ?? new();

    /// <summary>Where tests go unless the user says.</summary>
    internal ServiceTarget To => request.To ?? (Service.Type == "LoadBalancer" ? ServiceTarget.LoadBalancer : From == VantagePoint.Local ? ServiceTarget.NodePort : ServiceTarget.ClusterIP);

    /// <summary>Where tests start unless the user says.</summary>
    internal VantagePoint From => request.From ?? (Service.Type == "LoadBalancer" && request.To is null or ServiceTarget.LoadBalancer ? VantagePoint.Local : VantagePoint.ClientPod);

    /// <summary>True where the service keeps connections of one client together, and the way leads through it.</summary>
    internal bool Affinity => Service.SessionAffinity == "ClientIP" && To is not (ServiceTarget.Endpoint or ServiceTarget.Headless);

    /// <summary>The places that a request names.</summary>
    /// <exception cref="PlanException">There is none such.</exception>
    internal ImmutableArray<KubernetesPlace> Places()
    {
        switch (From)
        {
            case VantagePoint.Local:
                PlanException.Require(request.FromName.IsEmpty, "FromName", string.Join(", ", request.FromName), "means nothing for this machine", "Leave it out, or give -From ClientPod");
                return [new KubernetesPlace(VantagePoint.Local, null, null)];
            case VantagePoint.Pod:
                KubernetesPlace[] pods = [.. view.Endpoints.Select(one => new KubernetesPlace(VantagePoint.Pod, one.Name, one.Node))];
                return Named(pods, "endpoint", pods.Length == 0 ? "This cluster has no endpoint that is ready" : $"Use one of {Some(pods)}");
            case VantagePoint.ClientPod or VantagePoint.Node:
                KubernetesPlace[] nodes = [.. UsableNodes().Select(node => new KubernetesPlace(From, node, node))];
                return Named(nodes, "node", nodes.Length == 0 ? "The cluster has no node that is ready" : $"Use one of {Some(nodes)}");
            default:
                throw new PlanException("From", From, "is a lab's alone: it has a tester of its own outside", "Use Local, Pod, ClientPod or Node");
        }
    }

    /// <summary>The way from a place.</summary>
    /// <param name="place">The place.</param>
    /// <param name="port">The service's port.</param>
    /// <param name="protocol">TCP or UDP.</param>
    /// <param name="ipvs">True in mode IPVS, whose rules know no short cuts.</param>
    /// <exception cref="PlanException">There is none.</exception>
    internal KubernetesWay Way(KubernetesPlace place, int port, TransportProtocol protocol, bool ipvs)
    {
        KubeServicePort servicePort = view.Port(port, protocol == TransportProtocol.Tcp ? "TCP" : "UDP");
        bool inside = place.Kind != VantagePoint.Local;
        switch (To)
        {
            case ServiceTarget.ClusterIP:
                IPAddress address = ClusterView.OfFamily(view.ClusterAddresses, request.IPv6) ?? throw NoFamily("the cluster address");
                return new(new IPEndPoint(address, port), null, false, Internal(place), 1);
            case ServiceTarget.Dns:
                PlanException.Require(inside, "To", To, "is a name that only the cluster's DNS knows, and this machine does not ask that", "Start from a pod: -From ClientPod");
                RequireFamily(view.ClusterAddresses, "the service");
                return new(Any(port), $"{ClusterObjects.Name}.{ns}.svc:{port}", false, Internal(place), 1);
            case ServiceTarget.Headless:
                PlanException.Require(inside, "To", To, "is a name that only the cluster's DNS knows, and this machine does not ask that", "Start from a pod: -From ClientPod");
                RequireFamily(view.Endpoints.SelectMany(one => one.Addresses), $"endpoint {view.Endpoints.FirstOrDefault()?.Name}");
                return new(Any(port), $"{ClusterObjects.Headless}.{ns}.svc:{port}", true, ExpectedShares.Equal(All), 0);
            case ServiceTarget.NodePort:
                return ToNode(place, servicePort, ipvs);
            case ServiceTarget.LoadBalancer:
                string given = view.LoadBalancer(request.IPv6) ?? throw (view.LoadBalancers.Any() ? NoFamily("the load balancer")
                    : new PlanException("To", To, Service.Type == "LoadBalancer" ? "cannot be: no load balancer has given this service an address" : $"cannot be: the service is of type {Service.Type}", "Use ClusterIP or NodePort, or start the cluster with -ServiceType LoadBalancer where there are load balancers"));
                // kube-proxy catches an external address inside the cluster already.
                ImmutableArray<ExpectedEndpoint> shares = inside ? Behind(place.Node, external: true, shortcut: !ipvs) : Through(view.Nodes.Select(one => one.Name));
                return new(HostPort.Resolve(given.Contains(':', StringComparison.Ordinal) ? $"[{given}]:{port}" : $"{given}:{port}", "To", request.IPv6 ? AddressFamily.InterNetworkV6 : AddressFamily.InterNetwork), null, false, shares, inside ? 1 : Math.Max(1, view.Nodes.Length));
            default:
                KubernetesEndpoint endpoint = request.ToName is null ? view.Endpoints.FirstOrDefault() ?? throw new PlanException("To", To, "cannot be: this cluster has no endpoint that is ready", "Start it with endpoints")
                    : view.Endpoints.FirstOrDefault(one => one.Name == request.ToName) ?? throw new PlanException("ToName", request.ToName, "is not an endpoint that is ready", "See Get-LbCluster");
                return new(new IPEndPoint(ClusterView.OfFamily(endpoint.Addresses, request.IPv6) ?? throw NoFamily($"endpoint {endpoint.Name}"), port), null, false, [new ExpectedEndpoint(endpoint.Name, 1, endpoint.Node)], 0);
        }
    }

    private IEnumerable<(string Name, string? Node)> All => view.Endpoints.Select(one => (one.Name, one.Node));

    private KubernetesWay ToNode(KubernetesPlace place, KubeServicePort port, bool ipvs)
    {
        PlanException.Require(port.NodePort is > 0, "To", To, $"cannot be: a service of type {Service.Type} has no port on the nodes", "Use ClusterIP, or start the cluster with -ServiceType NodePort");
        PlanException.Require(view.Nodes.Length > 0, "To", To, "needs a node's address, and you may not list nodes", "Ask for that right (manifests/rights.yaml), or use -To ClusterIP");
        KubeNode node = request.ToName is null ? view.Nodes[0]
            : view.Nodes.FirstOrDefault(one => one.Name == request.ToName) ?? throw new PlanException("ToName", request.ToName, "is not a node of this cluster", $"Use one of {string.Join(", ", view.Nodes.Select(one => one.Name).Take(10))}");
        RequireFamily(view.ClusterAddresses, "the service");
        // From outside a node's public address is the one that may be reached; most have none.
        IPAddress address = (place.Kind == VantagePoint.Local ? ClusterView.OfFamily(node.Addresses("ExternalIP"), request.IPv6) : null)
            ?? ClusterView.OfFamily(node.Addresses("InternalIP"), request.IPv6) ?? throw NoFamily($"node {node.Name}");
        // The rules take the node itself and its pods for inside, to whom the policy does not apply. So they do with pods of other nodes, but what those send comes either with their node's
        // address, or, where the network leaves them their own, with endpoints elsewhere that answer past the node that translated: the node's own endpoints alone can ever be reached.
        bool shortcut = !ipvs && place.Node == node.Name;
        return new(new IPEndPoint(address, port.NodePort!.Value), null, false, Behind(node.Name, external: true, shortcut), 1);
    }

    private ImmutableArray<ExpectedEndpoint> Internal(KubernetesPlace place) =>
        place.Node is { } node ? Behind(node, external: false, shortcut: false) : Through(view.Nodes.Select(one => one.Name), external: false);

    private ImmutableArray<ExpectedEndpoint> Behind(string? node, bool external, bool shortcut) => ExpectedShares.Of(All, [Usable(node, external, shortcut)]);

    private ImmutableArray<ExpectedEndpoint> Through(IEnumerable<string> nodes, bool external = true) => ExpectedShares.Of(All, nodes.Select(node => Usable(node, external, shortcut: false)));

    private IReadOnlyCollection<string> Usable(string? node, bool external, bool shortcut) =>
        !shortcut && (external ? Service.ExternalTrafficPolicy : Service.InternalTrafficPolicy) == nameof(TrafficPolicy.Local) ? view.LocalTo(node) : view.Choices(node);

    private IEnumerable<string> UsableNodes()
    {
        string[] ready = [.. view.Nodes.Where(one => one.Status?.Conditions?.Any(condition => condition is { Type: "Ready", Status: "True" }) ?? true).Select(one => one.Name)];
        // Who may not list nodes still knows those that have endpoints.
        return ready.Length > 0 ? ready : view.Endpoints.Select(one => one.Node).OfType<string>().Distinct().Order(StringComparer.Ordinal);
    }

    private ImmutableArray<KubernetesPlace> Named(KubernetesPlace[] all, string what, string remedy)
    {
        if (request.FromName.IsEmpty) return all.Length > 0 ? [all[0]] : throw new PlanException("From", From, $"cannot be: there is no {what}", remedy);
        var chosen = new List<KubernetesPlace>();
        foreach (string pattern in request.FromName)
        {
            KubernetesPlace[] found = [.. all.Where(place => System.IO.Enumeration.FileSystemName.MatchesSimpleExpression(pattern, place.Name))];
            chosen.AddRange(found.Length > 0 ? found.Except(chosen) : throw new PlanException("FromName", pattern, $"is no {what} of this cluster", remedy));
        }

        return [.. chosen];
    }

    private static string Some(KubernetesPlace[] places) => string.Join(", ", places.Select(place => place.Name).Take(10)) + (places.Length > 10 ? ", …" : "");

    private IPEndPoint Any(int port) => new(request.IPv6 ? IPAddress.IPv6Any : IPAddress.Any, port);

    // Where the address is not taken from these, but cannot be of a family that they do not have.
    private void RequireFamily(IEnumerable<IPAddress> addresses, string what)
    {
        if (addresses.ToArray() is { Length: > 0 } known && ClusterView.OfFamily(known, request.IPv6) is null) throw NoFamily(what);
    }

    private PlanException NoFamily(string what) => new("IPv6", request.IPv6, $"cannot be: {what} has no IPv{(request.IPv6 ? 6 : 4)} address", request.IPv6 ? "Start the cluster with -IPFamilyPolicy RequireDualStack, or leave IPv6 out" : "Add -IPv6");
}
