namespace LbTest.Clusters.Ipvs;

/// <summary>An IPVS virtual server, as <c>ipvsadm -ln</c> shows it.</summary>
public sealed record VirtualServer
{
    /// <summary>The node whose kernel has it; null where the text does not say.</summary>
    public string? NodeName { get; init; }

    /// <summary>What tells it from others of its node: <c>TCP 10.96.0.10:53</c>, <c>FWM 7</c>, <c>FWM 7 IPv6</c>.</summary>
    public string Name => IpvsadmLayout.Name(this);

    /// <summary><c>TCP</c>, <c>UDP</c>, <c>SCTP</c>, or <c>FWM</c> for one that serves whatever packets have a firewall mark.</summary>
    public required string Protocol { get; init; }

    /// <summary>Its address, without brackets, or its name where names were printed instead of numbers; empty for a firewall mark.</summary>
    public string Address { get; init; } = "";

    /// <summary>Its port, 0–65535; 0 is any port. Null for a firewall mark, or where a name was printed.</summary>
    public int? Port { get; init; }

    /// <summary>The name of its port where names were printed; else null.</summary>
    public string? PortName { get; init; }

    /// <summary>Its firewall mark; null for one that has an address.</summary>
    public long? FirewallMark { get; init; }

    /// <summary>True for IPv6.</summary>
    public bool IPv6 { get; init; }

    /// <summary>How it chooses a real server: <c>rr</c>, <c>lc</c>, …; empty where the text does not say (<c>--stats</c>).</summary>
    public string Scheduler { get; init; } = "";

    /// <summary>The scheduler's flags as they were printed: <c>ops</c>, <c>mh-port</c>, <c>flag-2</c>, …</summary>
    public ImmutableArray<string> Flags { get; init; } = [];

    /// <summary>How long a client stays with its real server; null where it is not persistent.</summary>
    public TimeSpan? PersistenceTimeout { get; init; }

    /// <summary>Which clients count as one for persistence: a netmask (<c>255.255.255.0</c>), for IPv6 a prefix length (<c>64</c>); null for each its own.</summary>
    public string? PersistenceMask { get; init; }

    /// <summary>What tells clients apart in place of their address, <c>sip</c>; null for the address.</summary>
    public string? PersistenceEngine { get; init; }

    /// <summary>Its counters; null where the text has none.</summary>
    public IpvsCounters? Counters { get; init; }

    /// <summary>Its rates; null where the text has none.</summary>
    public IpvsRates? Rates { get; init; }

    /// <summary>Its real servers, in the order in which they were printed.</summary>
    public ImmutableArray<RealServer> RealServers { get; init; } = [];

    /// <summary>Its line in the output of <c>ipvsadm -ln</c>.</summary>
    public override string ToString() => IpvsadmLayout.Line(this);
}

/// <summary>A real server of a virtual server: an endpoint.</summary>
public sealed record RealServer
{
    /// <summary>Its address and port in one: <c>11.0.0.1:53</c>, <c>[fd00::1]:53</c>.</summary>
    public string Name => IpvsadmLayout.Name(this);

    /// <summary>Its address, without brackets, or its name where names were printed.</summary>
    public required string Address { get; init; }

    /// <summary>Its port; null where a name was printed.</summary>
    public int? Port { get; init; }

    /// <summary>The name of its port where names were printed; else null.</summary>
    public string? PortName { get; init; }

    /// <summary>How packets get there: <c>Masq</c>, <c>Route</c>, <c>Tunnel</c> or <c>Local</c>; empty where the text does not say.</summary>
    public string Forward { get; init; } = "";

    /// <summary>Its weight, 0 or more; at 0 it gets no new connections. Null where the text does not say.</summary>
    public int? Weight { get; init; }

    /// <summary>Established connections; null where the text does not say.</summary>
    public long? ActiveConnections { get; init; }

    /// <summary>Connections in any other state, mostly closing ones; null where the text does not say.</summary>
    public long? InactiveConnections { get; init; }

    /// <summary>Persistence entries of clients that belong to it; null where the text does not say.</summary>
    public long? PersistentConnections { get; init; }

    /// <summary>With this many connections it gets no new ones, 0 for no limit; null where the text does not say.</summary>
    public long? UpperThreshold { get; init; }

    /// <summary>Below this many it gets new ones again, 0 for three quarters of the upper; null where the text does not say.</summary>
    public long? LowerThreshold { get; init; }

    /// <summary>How packets are wrapped on their way through a tunnel: <c>ipip</c>, <c>gue:6078:-c</c>, <c>gre:+c</c>; null where it is none, or the text does not say.</summary>
    public string? Tunnel { get; init; }

    /// <summary>Its counters; null where the text has none.</summary>
    public IpvsCounters? Counters { get; init; }

    /// <summary>Its rates; null where the text has none.</summary>
    public IpvsRates? Rates { get; init; }

    /// <summary>Its <see cref="Name"/>.</summary>
    public override string ToString() => Name;
}

/// <summary>What IPVS counted for a virtual or a real server since it was added.</summary>
/// <remarks>The kernel adds up what its processors counted every two seconds only (net/netfilter/ipvs/ip_vs_est.c): what came since the last time is not in it yet.</remarks>
/// <param name="Connections">Connections that were scheduled to it.</param>
/// <param name="IncomingPackets">Packets from clients.</param>
/// <param name="OutgoingPackets">Packets to clients.</param>
/// <param name="IncomingBytes">Bytes from clients.</param>
/// <param name="OutgoingBytes">Bytes to clients.</param>
public sealed record IpvsCounters(long Connections, long IncomingPackets, long OutgoingPackets, long IncomingBytes, long OutgoingBytes);

/// <summary>What goes through a virtual or a real server at present: the kernel's moving average, taken every two seconds.</summary>
/// <param name="ConnectionsPerSecond">Connections scheduled to it, per second.</param>
/// <param name="IncomingPacketsPerSecond">Packets from clients, per second.</param>
/// <param name="OutgoingPacketsPerSecond">Packets to clients, per second.</param>
/// <param name="IncomingBytesPerSecond">Bytes from clients, per second.</param>
/// <param name="OutgoingBytesPerSecond">Bytes to clients, per second.</param>
public sealed record IpvsRates(long ConnectionsPerSecond, long IncomingPacketsPerSecond, long OutgoingPacketsPerSecond, long IncomingBytesPerSecond, long OutgoingBytesPerSecond);
