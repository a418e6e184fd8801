using System.Net.Sockets;

namespace LbTest.Clusters.Lab.Dataplanes;

/// <summary>A desired state in one address family: the input of both renderers.</summary>
internal sealed class NodeView(DesiredState state, AddressFamily family)
{
    internal static readonly ImmutableArray<AddressFamily> Families = [AddressFamily.InterNetwork, AddressFamily.InterNetworkV6];

    internal bool IsIPv4 => family == AddressFamily.InterNetwork;

    /// <summary>Where pods live; null when not known, and then nothing depends on where traffic comes from.</summary>
    internal IPNetwork? PodNetwork { get; } = Of(state.PodNetworks, family);

    internal IPNetwork? ServiceNetwork { get; } = Of(state.ServiceNetworks, family);

    internal IEnumerable<IPAddress> NodeAddresses => state.NodeAddresses.Where(a => a.AddressFamily == family);

    internal IEnumerable<NodeService> Services =>
        from port in state.Services
        let service = FamilyService.Of(port, family)
        where service is not null
        select new NodeService(service, state.NodeName);

    /// <summary>What each endpoint's rule counted, zero for one that has no rule on this node.</summary>
    /// <param name="state">The state that was applied.</param>
    /// <param name="read">Counters by chain, read from the kernel for one family.</param>
    /// <param name="chain">The chain that holds an endpoint's rule.</param>
    internal static ImmutableArray<EndpointCounter> Count(
        DesiredState state, Func<AddressFamily, IReadOnlyDictionary<string, RuleCounter>> read, Func<FamilyEndpoint, string> chain)
    {
        ImmutableArray<EndpointCounter>.Builder all = ImmutableArray.CreateBuilder<EndpointCounter>();
        foreach (AddressFamily family in Families)
        {
            IReadOnlyDictionary<string, RuleCounter> counters = read(family);
            foreach (NodeService node in new NodeView(state, family).Services)
                foreach (FamilyEndpoint endpoint in node.Service.Endpoints)
                {
                    RuleCounter counter = counters.GetValueOrDefault(chain(endpoint));
                    all.Add(new EndpointCounter(state.NodeName, node.Service.Port.FullName, endpoint.Endpoint.Name,
                        endpoint.Endpoint.Address, counter.Packets, counter.Bytes));
                }
        }
        return all.ToImmutable();
    }

    private static IPNetwork? Of(ImmutableArray<IPNetwork> networks, AddressFamily family)
    {
        foreach (IPNetwork network in networks)
            if (network.BaseAddress.AddressFamily == family) return network;
        return null;
    }
}

/// <summary>A service port as one node sees it: which endpoints its traffic policies let the node choose from.</summary>
internal sealed class NodeService(FamilyService service, string nodeName)
{
    internal FamilyService Service => service;

    internal ImmutableArray<FamilyEndpoint> Local { get; } = [.. service.Endpoints.Where(e => e.Endpoint.NodeName == nodeName)];

    /// <summary>For traffic to the cluster address.</summary>
    internal ImmutableArray<FamilyEndpoint> Internal => IsInternalLocal ? Local : service.Endpoints;

    /// <summary>For traffic to load balancer addresses and node ports.</summary>
    internal ImmutableArray<FamilyEndpoint> External => IsExternalLocal ? Local : service.Endpoints;

    /// <summary>All that any traffic can reach from this node.</summary>
    internal ImmutableArray<FamilyEndpoint> Reachable => UsesCluster ? service.Endpoints : Local;

    internal bool IsInternalLocal => service.Port.InternalTrafficPolicy == TrafficPolicy.Local;

    internal bool IsExternalLocal => service.Port.ExternalTrafficPolicy == TrafficPolicy.Local;

    internal bool HasExternalTraffic => service.Port.NodePort != 0 || !service.LoadBalancerAddresses.IsEmpty;

    // External policy Local needs all endpoints too: traffic from pods and from the node itself is not subject to it.
    internal bool UsesCluster => !service.Endpoints.IsEmpty && (!IsInternalLocal || HasExternalTraffic);
}

/// <summary>Packets and bytes of one rule.</summary>
internal readonly record struct RuleCounter(long Packets, long Bytes);
