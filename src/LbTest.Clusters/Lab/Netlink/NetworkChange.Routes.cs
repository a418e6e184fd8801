using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace LbTest.Clusters.Lab.Netlink;

/// <summary>Routes, next hops and rules.</summary>
internal sealed partial class NetworkChange
{
    /// <summary>A route to whoever is at the other end of a device.</summary>
    internal void AddRoute(IPNetwork to, string device) => Route($"route add {to} dev {device}", new RouteHeader(to, LinkScope), to, device);

    /// <summary>A route through a gateway, which is at the other end of the device whatever the addresses say.</summary>
    internal void AddRoute(IPNetwork to, IPAddress via, string device)
    {
        Route($"route add {to} via {via} dev {device} onlink", new RouteHeader(to) { Flags = OnLink }, to, device);
        _messages.Attribute(RouteGateway, via.GetAddressBytes());
    }

    /// <summary>All addresses of a network are our own (AnyIP).</summary>
    internal void AddLocalRoute(IPNetwork to) =>
        Route($"route add local {to} dev lo", new RouteHeader(to, HostScope) { Table = LocalTable, Type = LocalType }, to, "lo");

    /// <summary>Who sends there is told that nobody is.</summary>
    internal void AddUnreachableRoute(IPNetwork to) => Route($"route add unreachable {to}", new RouteHeader(to) { Type = UnreachableType }, to);

    /// <summary>A route through a next hop or a group of them.</summary>
    internal void AddRoute(IPNetwork to, int nextHop, byte table)
    {
        Route($"route add {to} table {table} nhid {nextHop}", new RouteHeader(to) { Table = table }, to);
        _messages.Attribute(RouteNextHop, nextHop);
    }

    /// <summary>What comes in by a device has a routing table of its own.</summary>
    internal void AddRule(AddressFamily family, string device, byte table)
    {
        Begin($"{(IsV6(family) ? "-6 " : "")}rule add iif {device} lookup {table}", RuleNew, Create | Exclusive, new RuleHeader(Number(family), 0, 0, 0, table, 0, 0, LookUp, 0));
        _messages.Attribute(RuleDevice, device);
    }

    /// <summary>A next hop (kernel 5.3): a gateway at the other end of a device, whatever the addresses say.</summary>
    internal void AddNextHop(int id, IPAddress via, string device)
    {
        int index = Index(device);
        Begin($"nexthop add id {id} via {via} dev {device} onlink", NextHopNew, Create | Exclusive, new NextHopHeader(Number(via.AddressFamily), 0, 0, 0, OnLink));
        _messages.Attribute(NextHopId, id);
        _messages.Attribute(NextHopGateway, via.GetAddressBytes());
        _messages.Attribute(NextHopDevice, index);
    }

    /// <summary>Makes a group of next hops what this says, whether or not it is there.</summary>
    /// <param name="id">Its number.</param>
    /// <param name="members">Its members, which packets are shared out to evenly, by their hash.</param>
    /// <param name="resilient">Null for none: then a change of members moves flows of those that stay.</param>
    internal void SetNextHopGroup(int id, ReadOnlySpan<int> members, ResilientBuckets? resilient = null)
    {
        string kind = resilient is null ? "" : $" type resilient buckets {resilient.Count} idle_timer {resilient.IdleSeconds}";
        Begin($"nexthop replace id {id} group {string.Join('/', members.ToArray())}{kind}", NextHopNew, Create | Replace, default(NextHopHeader));
        _messages.Attribute(NextHopId, id);
        var group = new GroupMember[members.Length];
        // A weight of 1, which is written as one less.
        for (int i = 0; i < members.Length; i++) group[i] = new GroupMember(members[i], 0, 0, 0);
        _messages.Attribute(NextHopGroup, MemoryMarshal.AsBytes(group.AsSpan()));
        if (resilient is null) return;
        int buckets = _messages.Open(NextHopBuckets);
        _messages.Attribute(BucketCount, resilient.Count);
        // In hundredths of a second (USER_HZ).
        _messages.Attribute(BucketIdleTimer, 100 * resilient.IdleSeconds);
        _messages.Close(buckets);
        _messages.Attribute(NextHopGroupType, ResilientGroup);
    }

    private void Route(string asked, RouteHeader header, IPNetwork to, string? device = null)
    {
        int index = device is null ? 0 : Index(device);
        Begin(asked, RouteNew, Create | Exclusive, header);
        if (to.PrefixLength > 0) _messages.Attribute(RouteTo, to.BaseAddress.GetAddressBytes());
        if (device is not null) _messages.Attribute(RouteDevice, index);
    }

    private const ushort RouteNew = 24, RuleNew = 32, NextHopNew = 104;
    private const ushort RouteTo = 1, RouteDevice = 4, RouteGateway = 5, RouteNextHop = 30, RuleDevice = 3;
    private const ushort NextHopId = 1, NextHopGroup = 2, NextHopGroupType = 3, NextHopDevice = 5, NextHopGateway = 6, NextHopBuckets = 12, BucketCount = 1, BucketIdleTimer = 2, ResilientGroup = 1;
    private const byte MainTable = 254, LocalTable = 255, LinkScope = 253, HostScope = 254, Unicast = 1, LocalType = 2, UnreachableType = 7, Boot = 3, LookUp = 1;
    private const uint OnLink = 4;

    // struct rtmsg, fib_rule_hdr, nhmsg, nexthop_grp.
    private readonly record struct RouteHeader(byte Family, byte ToLength, byte FromLength, byte Service, byte Table, byte Protocol, byte Scope, byte Type, uint Flags)
    {
        /// <summary>An ordinary route of the main table, made by an administrator. Routes of IPv6 have no scope.</summary>
        internal RouteHeader(IPNetwork to, byte scope = 0)
            : this(Number(to.BaseAddress.AddressFamily), (byte)to.PrefixLength, 0, 0, MainTable, Boot, IsV6(to.BaseAddress.AddressFamily) ? (byte)0 : scope, Unicast, 0)
        {
        }
    }

    private readonly record struct RuleHeader(byte Family, byte ToLength, byte FromLength, byte Service, byte Table, byte Reserved1, byte Reserved2, byte Action, uint Flags);

    private readonly record struct NextHopHeader(byte Family, byte Scope, byte Protocol, byte Reserved, uint Flags);

    private readonly record struct GroupMember(int Id, byte Weight, byte Reserved1, ushort Reserved2);
}

/// <summary>The buckets of a resilient group (nexthop-group-resilient.rst, kernel 5.13): flows share buckets, and a bucket moves to another member only when it is idle or its member has gone.</summary>
/// <param name="Count">How many, 1–65535.</param>
/// <param name="IdleSeconds">How long one has to have seen no packet to be idle.</param>
internal sealed record ResilientBuckets(ushort Count, int IdleSeconds);
