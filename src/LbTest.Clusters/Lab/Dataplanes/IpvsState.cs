using System.Net.Sockets;

namespace LbTest.Clusters.Lab.Dataplanes;

/// <summary>All that a node in mode IPVS has to have, as its tools take it: a pure function of the desired state.</summary>
internal sealed class IpvsState
{
    private readonly Dictionary<AddressFamily, Dictionary<string, IpSet>> _sets;
    private readonly Lazy<ImmutableArray<string>> _rules;

    /// <summary>Works it out.</summary>
    /// <exception cref="ArgumentException">A name that cannot be a service's or a port's.</exception>
    internal IpvsState(DesiredState state)
    {
        Servers = IpvsServer.Of(state);
        // An address that the node has anyway is not bound a second time.
        Addresses = [.. state.Services.SelectMany(service => service.ClusterAddresses.Concat(service.LoadBalancerAddresses)).Distinct().Except(state.NodeAddresses)];
        _sets = NodeView.Families.ToDictionary(family => family, family => IpSet.Of(new NodeView(state, family), Addresses.Where(address => address.AddressFamily == family)));
        _rules = new(() => [.. NodeView.Families.Select(family => IpvsRules.Render(new NodeView(state, family), _sets[family]))]);
    }

    /// <summary>The virtual servers, both families together.</summary>
    internal ImmutableArray<IpvsServer> Servers { get; }

    /// <summary>The service addresses that the node holds.</summary>
    internal ImmutableArray<IPAddress> Addresses { get; }

    /// <summary>The sets, both families together.</summary>
    internal IEnumerable<IpSet> Sets => _sets.Values.SelectMany(family => family.Values);

    /// <summary>The input of <c>iptables-restore</c>, and that of <c>ip6tables-restore</c>.</summary>
    internal ImmutableArray<string> Rules => _rules.Value;
}
