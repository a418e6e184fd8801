using System.Net.Sockets;
using Microsoft.Win32.SafeHandles;

namespace LbTest.Clusters.Lab.Netlink;

/// <summary>Changes to the network namespace that the calling thread is in: collected, then made in their order, many at a time.</summary>
/// <remarks>
/// What ip(8) would do, without a process. Layouts and numbers are those of linux/rtnetlink.h, if_link.h, if_addr.h, veth.h, neighbour.h, nexthop.h and
/// fib_rules.h; each message is described in words of ip(8). When one fails, those that were sent along with it may have been made or not.
/// </remarks>
internal sealed partial class NetworkChange : IDisposable
{
    // Whatever the kernel has to say to so many at once finds room where it waits for us (net.core.rmem_default).
    private const int AtOnce = 64;

    private const ushort Create = 0x400, Exclusive = 0x200, Replace = 0x100;

    private readonly RouteSocket _kernel = new();
    private readonly NetlinkMessages _messages = new();
    // Loopback has the same number in every namespace.
    private readonly Dictionary<string, int> _devices = new(StringComparer.Ordinal) { ["lo"] = 1 };
    private readonly List<SafeFileHandle> _open = [];

    /// <summary>Makes changes in the network namespace of the calling thread.</summary>
    /// <exception cref="NetlinkException">One of them was refused.</exception>
    internal static void Make(Action<NetworkChange> changes)
    {
        using var change = new NetworkChange();
        changes(change);
        change.Commit();
    }

    /// <summary>A pair of devices, one here and one in another namespace.</summary>
    internal void AddVeth(string device, byte[] address, string peer, byte[] peerAddress, NetworkNamespace peerNamespace)
    {
        SafeFileHandle there = peerNamespace.Open();
        Begin($"link add {device} type veth peer name {peer} netns {peerNamespace.Path}", LinkNew, Create | Exclusive, default(LinkHeader));
        // Open until it has been sent.
        _open.Add(there);
        _messages.Attribute(LinkAddress, address);
        _messages.Attribute(LinkName, device);
        int info = _messages.Open(LinkInfo);
        _messages.Attribute(LinkKind, "veth");
        int data = _messages.Open(LinkData), other = _messages.Open(VethPeer);
        _messages.Fixed(default(LinkHeader));
        _messages.Attribute(LinkAddress, peerAddress);
        _messages.Attribute(LinkName, peer);
        _messages.Attribute(LinkNamespace, (int)there.DangerousGetHandle());
        _messages.Close(other);
        _messages.Close(data);
        _messages.Close(info);
    }

    internal void SetUp(string device) =>
        Begin($"link set {device} up", LinkNew, 0, new LinkHeader(0, 0, Index(device), LinkIsUp, LinkIsUp));

    /// <summary>Takes a device away, and with it the other one of a pair. One that is not there is passed over.</summary>
    internal void DeleteLink(string device)
    {
        Commit();
        if (_kernel.IndexOf(device) is not (> 0 and int index)) return;
        Begin($"link del {device}", LinkDelete, 0, new LinkHeader(0, 0, index, 0, 0));
        Commit();
        _ = _devices.Remove(device);
    }

    /// <summary>An address of a device, and of no network. An IPv6 address is of use at once: nobody looks whether another has it (RFC 4862 would take a second).</summary>
    internal void AddAddress(string device, IPAddress address)
    {
        byte[] bytes = address.GetAddressBytes();
        Begin($"addr add {address} dev {device}", AddressNew, Create | Exclusive,
            new AddressHeader(Number(address.AddressFamily), (byte)(8 * bytes.Length), IsV6(address.AddressFamily) ? NoDuplicateDetection : (byte)0, 0, Index(device)));
        _messages.Attribute(AddressLocal, bytes);
        _messages.Attribute(AddressPeer, bytes);
    }

    /// <summary>Who has an address, for ever: nobody is asked.</summary>
    internal void AddNeighbour(string device, IPAddress address, byte[] linkAddress)
    {
        Begin($"neigh add {address} dev {device} nud permanent", NeighbourNew, Create | Exclusive, new NeighbourHeader(Number(address.AddressFamily), Index(device), Permanent, 0, 0));
        _messages.Attribute(NeighbourAddress, address.GetAddressBytes());
        _messages.Attribute(NeighbourLinkAddress, linkAddress);
    }

    /// <summary>Makes all changes that were asked for and are not made yet.</summary>
    /// <exception cref="NetlinkException">One of them was refused.</exception>
    internal void Commit()
    {
        try
        {
            _kernel.Send(_messages);
        }
        finally
        {
            _messages.Clear();
            _open.ForEach(handle => handle.Dispose());
            _open.Clear();
        }
    }

    public void Dispose()
    {
        _open.ForEach(handle => handle.Dispose());
        _kernel.Dispose();
    }

    private void Begin<T>(string asked, ushort type, int flags, T header) where T : unmanaged
    {
        if (_messages.Asked.Count == AtOnce) Commit();
        _messages.Begin(asked, type, (ushort)flags, header);
    }

    // A device may be one that was only just asked for.
    private int Index(string device)
    {
        if (_devices.TryGetValue(device, out int index)) return index;
        index = _kernel.IndexOf(device);
        if (index == 0)
        {
            Commit();
            index = _kernel.IndexOf(device);
        }

        return index > 0 ? _devices[device] = index : throw new NetlinkException($"link show {device}", RouteSocket.NoDevice);
    }

    private static bool IsV6(AddressFamily family) => family == AddressFamily.InterNetworkV6;

    // AF_INET6, AF_INET.
    private static byte Number(AddressFamily family) => (byte)(IsV6(family) ? 10 : 2);

    private const ushort LinkNew = 16, LinkDelete = 17, AddressNew = 20, NeighbourNew = 28;
    private const ushort LinkAddress = 1, LinkName = 3, LinkInfo = 18, LinkNamespace = 28, LinkKind = 1, LinkData = 2, VethPeer = 1;
    private const ushort AddressPeer = 1, AddressLocal = 2, NeighbourAddress = 1, NeighbourLinkAddress = 2, Permanent = 0x80;
    private const byte NoDuplicateDetection = 2;
    private const uint LinkIsUp = 1;

    // struct ifinfomsg, ifaddrmsg, ndmsg.
    private readonly record struct LinkHeader(byte Family, ushort Type, int Index, uint Flags, uint Change);

    private readonly record struct AddressHeader(byte Family, byte PrefixLength, byte Flags, byte Scope, int Index);

    private readonly record struct NeighbourHeader(byte Family, int Index, ushort State, byte Flags, byte Type);
}
