namespace LbTest.Clusters.Lab.Dataplanes;

/// <summary>How a node turns a virtual address into an endpoint. One instance may serve many nodes: it keeps no state.</summary>
/// <remarks>
/// Every method works on the network namespace of the calling thread, so the lab enters a node's namespace before it calls.
/// </remarks>
public interface IDataplane
{
    /// <summary>The proxy mode that this dataplane implements.</summary>
    ProxyMode Mode { get; }

    /// <summary>Makes the whole of the node's service rules what <paramref name="state"/> says, without a moment in which there are none.</summary>
    /// <param name="state">All that is wanted.</param>
    /// <param name="inForce">What this dataplane put in force here last; null when there was nothing, or nobody knows.</param>
    /// <param name="keep">
    /// Told what <see cref="Observe"/> will not say any more, when <paramref name="inForce"/> is known: what rules that are replaced had counted until a moment before. Numbers
    /// below zero are what it will say of rules that are new without having counted it for them.
    /// </param>
    /// <exception cref="Tools.ToolException">The system's tool is missing or refused the rules.</exception>
    /// <exception cref="InvalidOperationException">The kernel lacks something.</exception>
    void Apply(DesiredState state, DesiredState? inForce = null, Action<ImmutableArray<EndpointCounter>>? keep = null);

    /// <summary>Takes all of the node's service rules away, as kube-proxy does when it is started in another mode. Nothing to take away is no error.</summary>
    /// <exception cref="Tools.ToolException">The system's tool is missing or failed.</exception>
    void Remove();

    /// <summary>Reads back what the kernel has: per endpoint, the connections and bytes that its rules have counted.</summary>
    /// <exception cref="Tools.ToolException">The system's tool is missing or failed.</exception>
    ImmutableArray<EndpointCounter> Observe(DesiredState state);
}

/// <summary>What the kernel counted for one endpoint of one service port on one node.</summary>
/// <param name="NodeName">The node whose rules counted.</param>
/// <param name="Service">The service port, as <c>namespace/name:port</c>.</param>
/// <param name="EndpointName">The endpoint's name.</param>
/// <param name="Address">The endpoint's address: IPv4 and IPv6 are counted apart.</param>
/// <param name="Packets">Connections: in mode IPVS as the kernel counts them for real servers, in others packets through the DNAT rule, of which NAT chains see only the first one of each connection.</param>
/// <param name="Bytes">Bytes of those first packets; in mode IPVS of all packets from clients.</param>
public sealed record EndpointCounter(string NodeName, string Service, string EndpointName, IPAddress Address, long Packets, long Bytes);
