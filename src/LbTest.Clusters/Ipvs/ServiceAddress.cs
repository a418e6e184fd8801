namespace LbTest.Clusters.Ipvs;

/// <summary>Whether packets to an address come to a virtual server.</summary>
public enum ServiceAddressState
{
    /// <summary>The address is bound, and a virtual server answers for it.</summary>
    Ok,

    /// <summary>The address is bound on the service device, and no virtual server answers for it: the node itself takes what is sent there, and refuses it.</summary>
    NoVirtualServer,

    /// <summary>A virtual server has the address, and no device of the node has: what is sent there passes the node by.</summary>
    NotBound,
}

/// <summary>An address that services are reached by on a node in mode IPVS: where it is bound, and which virtual servers answer for it.</summary>
public sealed record ServiceAddress
{
    /// <summary>The device that kube-proxy binds service addresses on.</summary>
    public const string ServiceDevice = "kube-ipvs0";

    /// <summary>The node; null where the text does not say.</summary>
    public string? NodeName { get; init; }

    /// <summary>The address.</summary>
    public required string Address { get; init; }

    /// <summary>The device that it is bound on: <c>kube-ipvs0</c>, or for the node's own addresses, which serve node ports, another. Null where it is bound on none.</summary>
    public string? Device { get; init; }

    /// <summary>The virtual servers that answer for it: <c>TCP 10.96.0.10:53</c>.</summary>
    public ImmutableArray<string> VirtualServers { get; init; } = [];

    /// <summary>Whether the two belong together.</summary>
    public ServiceAddressState State { get; init; }
}
