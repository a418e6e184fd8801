using System.Globalization;
using LbTest.Clusters.Lab.Dataplanes;

namespace LbTest.Clusters.Lab;

/// <summary>A lab's nodes, endpoints and addresses: a pure function of its <see cref="LabSpec"/>, the same inside the sandbox and outside.</summary>
/// <remarks>
/// A star: a router in the middle, a link to the tester and one to each node; behind each node a link to each of its endpoints.
/// Every IPv4 address a.b.c.d has an IPv6 twin, fd00::a.b.c.d.
/// <code>
/// tester 20.0.0.0/16 ── router ─┬─ node-1 192.168.1.1 ─┬─ tserver-001 11.0.1.2
///                               │                      └─ tserver-002 11.0.1.3
///                               └─ node-2 192.168.1.2 ─── …
/// </code>
/// </remarks>
public sealed class LabTopology
{
    /// <summary>Where the tester's connections come from.</summary>
    public const string TesterRange4 = "20.0.0.0/16", TesterRange6 = "fd00::1400:0/112";

    /// <summary>The names of the tester's and the router's namespaces.</summary>
    public const string Tester = "tester", Router = "router";

    /// <summary>The port that every node forwards to the service.</summary>
    public const int NodePort = 30001;

    /// <summary>The port that every node forwards to the service's port for traffic tests.</summary>
    public const int TrafficNodePort = 30003;

    /// <summary>Works out the lab of a spec.</summary>
    public LabTopology(LabSpec spec)
    {
        ArgumentNullException.ThrowIfNull(spec);
        Spec = spec;
        var nodes = ImmutableArray.CreateBuilder<LabNode>();
        _digits = Math.Max(3, spec.Placement.Sum().ToString(CultureInfo.InvariantCulture).Length);
        int number = 0;
        for (int i = 1; i <= spec.Placement.Length; i++)
        {
            byte node = (byte)i;
            ImmutableArray<LabEndpoint> endpoints =
            [
                .. Enumerable.Range(FirstHost, spec.Placement[i - 1]).Select(host => new LabEndpoint(EndpointName(++number), $"node-{node}", new IPAddress([11, 0, node, (byte)host]))),
            ];
            nodes.Add(new LabNode($"node-{i}", new IPAddress([192, 168, 1, node]), new IPAddress([11, 0, node, 1]), endpoints));
        }

        Nodes = nodes.ToImmutable();
        Endpoints = [.. Nodes.SelectMany(node => node.Endpoints)];
        _services = new Lazy<ImmutableArray<ServicePort>>(() => Services(Endpoints, traffic: false));
    }

    /// <summary>The host numbers of a node's network that endpoints have; the first one is its gateway.</summary>
    internal const int FirstHost = 2, LastHost = FirstHost + LabSpec.MaxEndpointsPerNode - 1;

    private readonly int _digits;

    /// <summary>The highest number that a name has room for.</summary>
    internal int LastEndpointNumber => (int)Math.Pow(10, _digits) - 1;

    /// <summary>An endpoint's name. All are of one width: none is the beginning of another, so that one read tells them apart.</summary>
    internal string EndpointName(int number) => $"tserver-{number.ToString($"D{_digits}", CultureInfo.InvariantCulture)}";

    /// <summary>What it was made from.</summary>
    public LabSpec Spec { get; }

    /// <summary>The nodes.</summary>
    public ImmutableArray<LabNode> Nodes { get; }

    /// <summary>The endpoints of all nodes.</summary>
    public ImmutableArray<LabEndpoint> Endpoints { get; }

    /// <summary>The load balancer's address and the cluster address.</summary>
    public static IPAddress LoadBalancer { get; } = new([10, 0, 0, 1]);

    /// <summary>The service's cluster address.</summary>
    public static IPAddress ClusterIP { get; } = new([10, 96, 0, 100]);

    /// <summary>The networks that cluster addresses are taken from.</summary>
    internal static IPNetwork ServiceNetwork4 { get; } = IPNetwork.Parse("10.96.0.0/16");

    /// <summary>The IPv6 twin of <see cref="ServiceNetwork4"/>.</summary>
    internal static IPNetwork ServiceNetwork6 { get; } = IPNetwork.Parse("fd00::a60:0/112");

    /// <summary>The nodes that traffic from outside enters through.</summary>
    /// <remarks>With policy Local a node without endpoints would drop it; a real load balancer's health check takes such nodes out.</remarks>
    public ImmutableArray<LabNode> EntryNodes
    {
        get
        {
            ImmutableArray<LabNode> able = Spec.ExternalTrafficPolicy == TrafficPolicy.Local && Endpoints.Length > 0 ? [.. Nodes.Where(n => n.Endpoints.Length > 0)] : Nodes;
            return Spec.Ecmp ? able : [able[0]];
        }
    }

    /// <summary>The IPv6 twin of an IPv4 address: fd00::a.b.c.d.</summary>
    public static IPAddress Twin(IPAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        byte[] v4 = address.GetAddressBytes();
        return new IPAddress([0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, .. v4]);
    }

    /// <summary>What a node's dataplane must do as the lab starts.</summary>
    public DesiredState DesiredState(LabNode node) => DesiredState(node, _services.Value);

    /// <summary>What a node's dataplane must do for these service ports.</summary>
    /// <remarks>Made once for all nodes, which are set up side by side: what is worked out for a service port is kept with the very object.</remarks>
    internal static DesiredState DesiredState(LabNode node, ImmutableArray<ServicePort> services)
    {
        ArgumentNullException.ThrowIfNull(node);
        return new DesiredState(
            node.Name, [node.Address, Twin(node.Address)], [IPNetwork.Parse("11.0.0.0/8"), IPNetwork.Parse("fd00::b00:0/104")],
            [ServiceNetwork4, ServiceNetwork6], services);
    }

    private readonly Lazy<ImmutableArray<ServicePort>> _services;

    /// <summary>The service's ports over some endpoints: those of connect tests, and with <paramref name="traffic"/> those of traffic tests too.</summary>
    internal ImmutableArray<ServicePort> Services(ImmutableArray<LabEndpoint> endpoints, bool traffic)
    {
        (string Name, int Port, int NodePort)[] ports = traffic ? [("connect", Spec.Port, NodePort), ("traffic", Spec.TrafficPort, TrafficNodePort)] : [("connect", Spec.Port, NodePort)];
        return
        [
            .. from port in ports
               from protocol in new[] { TransportProtocol.Tcp, TransportProtocol.Udp }
               select new ServicePort
               {
                   Name = "tserver", PortName = protocol == TransportProtocol.Tcp ? port.Name : port.Name + "-udp", Protocol = protocol, Port = port.Port, NodePort = port.NodePort,
                   ClusterAddresses = [ClusterIP, Twin(ClusterIP)], LoadBalancerAddresses = [LoadBalancer, Twin(LoadBalancer)],
                   ClientIPAffinity = Spec.SessionAffinity, ExternalTrafficPolicy = Spec.ExternalTrafficPolicy, InternalTrafficPolicy = Spec.InternalTrafficPolicy,
                   Endpoints = [.. endpoints.SelectMany(e => e.Addresses.Select(a => new EndpointAddress(e.Name, a, port.Port, e.Node)))],
               },
        ];
    }
}

/// <summary>A node of a lab.</summary>
/// <param name="Name">Its name, and that of its network namespace.</param>
/// <param name="Address">Its IPv4 address.</param>
/// <param name="Gateway">The address that its endpoints route through.</param>
/// <param name="Endpoints">The endpoints that live on it.</param>
public sealed record LabNode(string Name, IPAddress Address, IPAddress Gateway, ImmutableArray<LabEndpoint> Endpoints);

/// <summary>An endpoint of a lab.</summary>
/// <param name="Name">Its name, what it answers with, and its network namespace.</param>
/// <param name="Node">The node it lives on.</param>
/// <param name="Address">Its IPv4 address.</param>
public sealed record LabEndpoint(string Name, string Node, IPAddress Address)
{
    /// <summary>Both its addresses, IPv4 first.</summary>
    internal ImmutableArray<IPAddress> Addresses => [Address, LabTopology.Twin(Address)];
}
