using LbTest.Clusters.Ipvs;
using LbTest.Engine.Sockets;

namespace LbTest.Clusters.Lab.Dataplanes;

/// <summary>The virtual servers that the kernel has, by what it knows them by.</summary>
internal sealed class IpvsTable : Dictionary<IpvsName, Dictionary<IPEndPoint, RealServer>>
{
    /// <summary>Takes the virtual servers of an output of ipvsadm; those of firewall marks and of other protocols than TCP and UDP are passed over.</summary>
    internal IpvsTable(ImmutableArray<VirtualServer> servers)
        : base(from server in servers
               where server.Protocol is "TCP" or "UDP"
               let name = new IpvsName(server.Protocol == "TCP" ? TransportProtocol.Tcp : TransportProtocol.Udp, Address(server.Address, server.Port))
               select KeyValuePair.Create(name, server.RealServers.ToDictionary(real => Address(real.Address, real.Port))))
    {
    }

    /// <summary>What the kernel has where it has what was wanted, and nobody has left or come since.</summary>
    internal IpvsTable(ImmutableArray<IpvsServer> servers)
        : base(servers.Select(server => KeyValuePair.Create(server.Name, server.Targets.ToDictionary(
            IpvsChange.AddressOf, target => new RealServer { Address = target.Endpoint.Address.ToString(), Weight = 1 }))))
    {
    }

    /// <summary>True where the network namespace of the calling thread has no virtual server. Needs no process.</summary>
    /// <remarks>
    /// <c>/proc/net/ip_vs</c> cannot tell which there are: what it says after its first page may leave some out, where other namespaces have some too (the kernel's
    /// ip_vs_info_array counts its own, ip_vs_info_seq_next all).
    /// </remarks>
    internal static bool IsEmpty()
    {
        const string path = "/proc/thread-self/net/ip_vs";
        // Three lines of titles.
        return !File.Exists(path) || !File.ReadLines(path).Skip(3).Any();
    }

    private static IPEndPoint Address(string address, int? port) => new(IPAddress.Parse(address), port ?? 0);
}
