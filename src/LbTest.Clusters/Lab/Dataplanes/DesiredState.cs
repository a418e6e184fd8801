namespace LbTest.Clusters.Lab.Dataplanes;

/// <summary>How a node's kernel balances service traffic.</summary>
public enum ProxyMode
{
    /// <summary>kube-proxy's iptables mode: chains with <c>statistic</c> probabilities.</summary>
    Iptables,

    /// <summary>kube-proxy's nftables mode: verdict maps behind <c>numgen random</c>.</summary>
    Nftables,

    /// <summary>kube-proxy's IPVS mode: virtual servers of the kernel's own load balancer, with a scheduler. Upstream has deprecated it.</summary>
    Ipvs,
}

/// <summary>A service's traffic policy: which endpoints a node may choose from.</summary>
public enum TrafficPolicy
{
    /// <summary>All endpoints; a client from outside the cluster is masqueraded.</summary>
    Cluster,

    /// <summary>Only endpoints on the node that the traffic entered; the client's address is kept.</summary>
    Local,
}

/// <summary>Everything that one node's dataplane must do: the input of <see cref="IDataplane.Apply"/>.</summary>
/// <param name="NodeName">The node's name; an endpoint with this node name is local.</param>
/// <param name="NodeAddresses">The node's own addresses (both families) that accept node-port traffic.</param>
/// <param name="PodNetworks">The pod networks, one per address family: traffic from elsewhere to a cluster address is masqueraded.</param>
/// <param name="ServiceNetworks">The networks that cluster addresses are taken from, one per family; empty when not known.</param>
/// <param name="Services">The service ports, both families together.</param>
public sealed record DesiredState(
    string NodeName,
    ImmutableArray<IPAddress> NodeAddresses,
    ImmutableArray<IPNetwork> PodNetworks,
    ImmutableArray<IPNetwork> ServiceNetworks,
    ImmutableArray<ServicePort> Services)
{
    /// <summary>In mode IPVS: how its virtual servers choose.</summary>
    public IpvsScheduler Scheduler { get; init; }
}

/// <summary>One port of one service, as kube-proxy sees it.</summary>
public sealed record ServicePort
{
    /// <summary>The service's namespace.</summary>
    public string Namespace { get; init; } = "default";

    /// <summary>The service's name.</summary>
    public required string Name { get; init; }

    /// <summary>The port's name; empty when the only port has none.</summary>
    public string PortName { get; init; } = "";

    /// <summary>TCP or UDP.</summary>
    public TransportProtocol Protocol { get; init; } = TransportProtocol.Tcp;

    /// <summary>The port of the virtual addresses, 1–65535.</summary>
    public required int Port { get; init; }

    /// <summary>The node port, or 0 for none.</summary>
    public int NodePort { get; init; }

    /// <summary>Cluster addresses, at most one per address family.</summary>
    public ImmutableArray<IPAddress> ClusterAddresses { get; init; } = [];

    /// <summary>Load balancer addresses, any number per address family.</summary>
    public ImmutableArray<IPAddress> LoadBalancerAddresses { get; init; } = [];

    /// <summary>ClientIP session affinity with this timeout; null for none.</summary>
    public TimeSpan? ClientIPAffinity { get; init; }

    /// <summary>Policy for traffic from outside: load balancer addresses and node ports.</summary>
    public TrafficPolicy ExternalTrafficPolicy { get; init; }

    /// <summary>Policy for traffic to the cluster address.</summary>
    public TrafficPolicy InternalTrafficPolicy { get; init; }

    /// <summary>The endpoints, both families together.</summary>
    public ImmutableArray<EndpointAddress> Endpoints { get; init; } = [];

    /// <summary>kube-proxy's name of a service port: <c>namespace/name:port</c>, without the colon when the port has no name.</summary>
    public string FullName => PortName.Length == 0 ? $"{Namespace}/{Name}" : $"{Namespace}/{Name}:{PortName}";
}

/// <summary>One address of one endpoint. A dual-stack endpoint has two, with the same name.</summary>
/// <param name="Name">The endpoint's (pod's) name.</param>
/// <param name="Address">Its address.</param>
/// <param name="Port">The target port.</param>
/// <param name="NodeName">The node it lives on; null when not known (never local, then).</param>
public sealed record EndpointAddress(string Name, IPAddress Address, int Port, string? NodeName);
