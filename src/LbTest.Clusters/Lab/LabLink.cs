using LbTest.Clusters.Lab.Netlink;

namespace LbTest.Clusters.Lab;

/// <summary>A point-to-point link of a lab: a pair of devices, one in the namespace upstream, the other the only one of the place that it leads to.</summary>
/// <remarks>Neighbours are permanent: the kernel's neighbour table is shared by all namespaces of a machine and holds 1,024 others by default.</remarks>
/// <param name="Device">The upstream end.</param>
/// <param name="Place">The namespace that it leads to.</param>
/// <param name="Upstream">The IPv4 address of the upstream end; several links may share it. It has its twin too.</param>
/// <param name="Address">The IPv4 address of the place. It has its twin too.</param>
internal sealed record LabLink(string Device, string Place, IPAddress Upstream, IPAddress Address)
{
    /// <summary>The other end.</summary>
    internal const string PlaceDevice = "eth0";

    private static readonly IPNetwork[] s_everywhere = [IPNetwork.Parse("0.0.0.0/0"), IPNetwork.Parse("::/0")];

    /// <summary>Makes both ends, from upstream.</summary>
    internal void Add(NetworkChange upstream) => upstream.AddVeth(Device, Mac(Upstream), PlaceDevice, Mac(Address), LabNetwork.Namespace(Place));

    /// <summary>Sets the upstream end up: the place can be reached.</summary>
    internal void SetUp(NetworkChange upstream)
    {
        End(upstream, Device, Upstream, Address);
        foreach (IPAddress address in Both(Address)) upstream.AddRoute(new IPNetwork(address, 8 * address.GetAddressBytes().Length), Device);
    }

    /// <summary>Sets the end in the place up, and its loopback: everything else can be reached.</summary>
    internal void SetUpPlace(NetworkChange place)
    {
        place.SetUp("lo");
        End(place, PlaceDevice, Address, Upstream);
        foreach ((IPNetwork network, IPAddress gateway) in s_everywhere.Zip(Both(Upstream))) place.AddRoute(network, gateway, PlaceDevice);
    }

    private static void End(NetworkChange change, string device, IPAddress here, IPAddress there)
    {
        foreach (IPAddress address in Both(here)) change.AddAddress(device, address);
        change.SetUp(device);
        foreach (IPAddress address in Both(there)) change.AddNeighbour(device, address, Mac(there));
    }

    private static IPAddress[] Both(IPAddress address) => [address, LabTopology.Twin(address)];

    // 0a:58 and the IPv4 address, as container network plugins make them.
    private static byte[] Mac(IPAddress address) => [0x0a, 0x58, .. address.GetAddressBytes()];
}
