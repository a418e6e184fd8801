namespace LbTest.Clusters.Lab.Dataplanes;

/// <summary>How a node turns a virtual address into an endpoint. One instance may serve many nodes: it keeps no state.</summary>
/// <remarks>
/// Every method works on the network namespace of the calling thread, so the lab enters a node's namespace before it calls.
/// </remarks>
public interface IDataplane
{
    /// <summary>The proxy mode that this dataplane implements.</summary>
    ProxyMode Mode { get; }

    /// <summary>Replaces the whole of the node's service rules with <paramref name="state"/>, atomically per table.</summary>
    /// <exception cref="Tools.ToolException">The system's tool is missing or refused the rules; nothing of the new state is in force.</exception>
    void Apply(DesiredState state);

    /// <summary>Takes all of the node's service rules away, as kube-proxy does when it is started in another mode. Nothing to take away is no error.</summary>
    /// <exception cref="Tools.ToolException">The system's tool is missing or failed.</exception>
    void Remove();

    /// <summary>Reads back what the kernel has: per endpoint, the connections and bytes that its rules counted since the last <see cref="Apply"/>.</summary>
    /// <exception cref="Tools.ToolException">The system's tool is missing or failed.</exception>
    ImmutableArray<EndpointCounter> Observe(DesiredState state);
}

/// <summary>What the kernel counted for one endpoint of one service port on one node.</summary>
/// <param name="NodeName">The node whose rules counted.</param>
/// <param name="Service">The service port, as <c>namespace/name:port</c>.</param>
/// <param name="EndpointName">The endpoint's name.</param>
/// <param name="Address">The endpoint's address: IPv4 and IPv6 are counted apart.</param>
/// <param name="Packets">Packets through the DNAT rule. NAT chains see only the first packet of a connection, so this counts connections.</param>
/// <param name="Bytes">Bytes of those first packets.</param>
public sealed record EndpointCounter(string NodeName, string Service, string EndpointName, IPAddress Address, long Packets, long Bytes);
