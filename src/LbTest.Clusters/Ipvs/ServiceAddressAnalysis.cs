using LbTest.Engine;

namespace LbTest.Clusters.Ipvs;

/// <summary>Which addresses are bound, and which virtual servers answer for them.</summary>
public static class ServiceAddressAnalysis
{
    /// <summary>Compares the addresses of a node with its virtual servers.</summary>
    /// <remarks>Virtual servers of firewall marks have no address, and are not in the answer.</remarks>
    /// <param name="bound">What is bound on the node's devices, all of them.</param>
    /// <param name="servers">The node's virtual servers.</param>
    /// <param name="nodeName">The node; null where it is not known.</param>
    /// <returns>The addresses on <c>kube-ipvs0</c> in the order in which they are bound, then those of virtual servers that are bound elsewhere or nowhere.</returns>
    /// <exception cref="PlanException">A virtual server has a name where its address should be, or the addresses are those of one device only.</exception>
    public static ImmutableArray<ServiceAddress> Of(IReadOnlyCollection<BoundAddress> bound, IEnumerable<VirtualServer> servers, string? nodeName = null)
    {
        ArgumentNullException.ThrowIfNull(bound);
        ArgumentNullException.ThrowIfNull(servers);
        // Every network namespace has a loopback device; an address is on it as soon as it is up.
        PlanException.Require(
            bound.Any(one => one.Device != ServiceAddress.ServiceDevice), "AddressText", ServiceAddress.ServiceDevice, "is the only device in it: nobody can tell whether the addresses of node ports are bound",
            "Give the addresses of all devices: the output of 'ip addr'");
        var byAddress = new Dictionary<IPAddress, List<string>>();
        var order = new List<IPAddress>();
        foreach (VirtualServer server in servers.Where(server => server.FirewallMark is null))
        {
            IPAddress address = Address(server);
            if (!byAddress.TryGetValue(address, out List<string>? names))
            {
                byAddress[address] = names = [];
                order.Add(address);
            }

            names.Add(server.Name);
        }

        // Of the device itself, as every device that is up gets one: no service's.
        BoundAddress[] ours = [.. bound.Where(one => one.Device == ServiceAddress.ServiceDevice && !one.Address.IsIPv6LinkLocal).DistinctBy(one => one.Address)];
        ILookup<IPAddress, BoundAddress> others = bound.Where(one => one.Device != ServiceAddress.ServiceDevice).ToLookup(one => one.Address);
        BoundAddress[] loopback = [.. bound.Where(one => one.Device == "lo")];
        var bind = ours.Select(one => one.Address).ToHashSet();
        return
        [
            .. ours.Select(one => Row(one.Address, one.Device, byAddress.GetValueOrDefault(one.Address))),
            .. order.Where(address => !bind.Contains(address)).Select(address =>
                Row(address, (others[address].FirstOrDefault() ?? Array.Find(loopback, one => one.Takes(address)))?.Device, byAddress[address])),
        ];

        ServiceAddress Row(IPAddress address, string? device, List<string>? names) => new()
        {
            NodeName = nodeName,
            Address = address.ToString(),
            Device = device,
            VirtualServers = names is null ? [] : [.. names],
            State = names is null ? ServiceAddressState.NoVirtualServer : device is null ? ServiceAddressState.NotBound : ServiceAddressState.Ok,
        };
    }

    private static IPAddress Address(VirtualServer server) => IPAddress.TryParse(server.Address, out IPAddress? address)
        ? address
        : throw new PlanException("VirtualServer", server.Name, "has a name where its address should be", "Let ipvsadm print numbers: ipvsadm -ln");
}
