using System.Net.Sockets;
using System.Text.Json.Serialization;
using LbTest.Engine.Connect;
using LbTest.Engine.Results;
using LbTest.Engine.Sockets;

namespace LbTest.Engine.Traffic;

/// <summary>A traffic test, described: many long-lived connections to one address, each of which sends packets at planned times and gets them back.</summary>
/// <remarks>
/// The protocol is that of the public <c>ctraffic</c> tool: the server echoes what it gets and puts its name at the start of the first
/// packet (TCP) or of every packet (UDP), at most 64 bytes of it.
/// </remarks>
public sealed record TrafficPlan
{
    /// <summary>The server's name must fit in every first packet (<c>ctraffic</c>, 64 bytes).</summary>
    public const int LeastPacketSize = 64;

    /// <summary>A datagram carries its sequence number behind the name: 8 bytes more.</summary>
    public const int LeastDatagramSize = LeastPacketSize + 8;

    /// <summary>64 KiB; a datagram is limited by its length field (RFC 768) to less, see <see cref="MostDatagramSize"/>.</summary>
    public const int MostPacketSize = 64 * 1024;

    /// <summary>The largest datagram over IPv4: 65,535 less 20 bytes of IP and 8 of UDP header.</summary>
    public const int MostDatagramSize = 65507;

    // Timers of .NET end at 49 days.
    private static readonly TimeSpan Longest = TimeSpan.FromDays(30);

    /// <summary>Where to connect.</summary>
    [JsonConverter(typeof(EndPointConverter))]
    public required IPEndPoint Target { get; init; }

    /// <summary>How many connections are held at a time, 1–1,000,000; default 100.</summary>
    public int Connections { get; init; } = 100;

    /// <summary>The rate of all connections together in packets/s; exclusive with <see cref="BytesPerSecond"/>. Default: one packet a second on each connection.</summary>
    public double? PacketsPerSecond { get; init; }

    /// <summary>The rate of all connections together in bytes/s, in each direction.</summary>
    public double? BytesPerSecond { get; init; }

    /// <summary>Bytes of payload per packet, 64–65,536 (UDP 72–65,507); default 1,024.</summary>
    public int PacketSize { get; init; } = 1024;

    /// <summary>How long traffic lasts; default 10 s.</summary>
    /// <remarks>Packets are planned from 50 ms after every client has tried to connect, at the latest from the end of the first second; with a ramp-up from the start.</remarks>
    [JsonConverter(typeof(SecondsConverter)), JsonPropertyName("durationSeconds")]
    public TimeSpan Duration { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>TCP or UDP.</summary>
    public TransportProtocol Protocol { get; init; }

    /// <summary>False leaves a lost connection lost instead of making it anew.</summary>
    public bool Reconnect { get; init; } = true;

    /// <summary>The wait before the second attempt to connect; it grows by as much with every further one, up to ten times; default 100 ms, as <c>ctraffic</c> does.</summary>
    /// <remarks>A lost connection is made anew at once; one that was lost before anything came back counts as a failed attempt here.</remarks>
    [JsonConverter(typeof(SecondsConverter)), JsonPropertyName("backOffSeconds")]
    public TimeSpan BackOff { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>How long one attempt to connect may take; default 1.5 s, as <c>ctraffic</c> has it.</summary>
    [JsonConverter(typeof(SecondsConverter)), JsonPropertyName("connectTimeoutSeconds")]
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(1.5);

    /// <summary>How long a TCP connection may wait for an echo before it counts as lost; default 5 s.</summary>
    [JsonConverter(typeof(SecondsConverter)), JsonPropertyName("responseTimeoutSeconds")]
    public TimeSpan ResponseTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Connections are started evenly over this time; default 0, all at once.</summary>
    [JsonConverter(typeof(SecondsConverter)), JsonPropertyName("rampUpSeconds")]
    public TimeSpan RampUp { get; init; }

    /// <summary>Source address or CIDR, chosen from for every connection made; null lets the kernel choose. Exclusive with <see cref="Sources"/>.</summary>
    public string? Source { get; init; }

    /// <summary>Source addresses, each used once, in their order; with port 0 the kernel chooses the port. Empty for none.</summary>
    /// <remarks>When they run out, the client that needs one stays without a connection, and the result says so.</remarks>
    public ImmutableArray<string> Sources { get; init; } = [];

    /// <summary>Seed of the choice of source addresses; the same seed gives the same. Null takes one at random and reports it.</summary>
    public int? Seed { get; init; }

    /// <summary>Worker threads; 0 (the default) takes one per processor, half as many towards loopback, where the server needs the others.</summary>
    public int Threads { get; init; }

    /// <summary>The endpoints that the cluster says exist at the start; empty when nobody knows.</summary>
    public ImmutableArray<ExpectedEndpoint> Endpoints { get; init; } = [];

    /// <summary>The user's name for the result.</summary>
    public string? Label { get; init; }

    /// <summary>What is under test and from where; copied to the result.</summary>
    public TestContext? Context { get; init; }

    /// <summary>The planned rate of all connections together, packets/s.</summary>
    [JsonIgnore]
    public double EffectivePacketsPerSecond => PacketsPerSecond ?? (BytesPerSecond / PacketSize) ?? Connections;

    /// <summary>Checks every value that can be checked without touching the machine.</summary>
    /// <exception cref="PlanException">A value is out of its range, or two values contradict each other.</exception>
    public void Validate()
    {
        bool udp = Protocol == TransportProtocol.Udp;
        (int least, int most) = udp ? (LeastDatagramSize, MostDatagramSize) : (LeastPacketSize, MostPacketSize);
        PlanException.Require(Connections is >= 1 and <= 1_000_000, nameof(Connections), Connections, "is not a number of connections", "Give 1 to 1,000,000");
        PlanException.Require(PacketSize >= least && PacketSize <= most, nameof(PacketSize), PacketSize, $"is not a packet size of {(udp ? "UDP" : "TCP")} traffic", $"Give {least} to {most} bytes");
        PlanException.Require(PacketsPerSecond is null || BytesPerSecond is null, nameof(BytesPerSecond), BytesPerSecond, "and PacketsPerSecond exclude each other", "Give one of them");
        PlanException.Require(PacketsPerSecond is null or (> 0 and <= 1e8), nameof(PacketsPerSecond), PacketsPerSecond, "is not a rate", "Give more than 0 and at most 100,000,000 packets/s");
        PlanException.Require(BytesPerSecond is null or (> 0 and <= 1e12), nameof(BytesPerSecond), BytesPerSecond, "is not a rate", "Give more than 0 and at most 10^12 bytes/s");
        RequireWait(nameof(Duration), Duration);
        RequireWait(nameof(BackOff), BackOff);
        RequireWait(nameof(ConnectTimeout), ConnectTimeout);
        RequireWait(nameof(ResponseTimeout), ResponseTimeout);
        PlanException.Require(RampUp >= TimeSpan.Zero && RampUp < Duration, nameof(RampUp), RampUp, $"does not end before the test, which lasts {Duration.TotalSeconds} s", "Give 0 or more, and less than Duration");
        PlanException.Require(Threads is >= 0 and <= 256, nameof(Threads), Threads, "is out of range", "Give 1 to 256, or 0 for one per processor");
        PlanException.Require(Source is null || Sources.IsDefaultOrEmpty, nameof(Source), Source, "and a list of source addresses exclude each other", "Give one of them");
        if (Source is not null) RequireFamily(nameof(Source), Source, SourceRange.Parse(Source, 0).Network.BaseAddress.AddressFamily);
        if (Sources.IsDefaultOrEmpty) return;
        foreach (string source in Sources) RequireFamily("SourceFile", source, SourceList.ParseOne(source).AddressFamily);
        PlanException.Require(Sources.Length >= Connections, "SourceFile", $"{Sources.Length} addresses", $"has fewer addresses than the {Connections} connections need", "Give one address for each connection, and more where connections may be lost");
    }

    private static void RequireWait(string name, TimeSpan value) =>
        PlanException.Require(value > TimeSpan.Zero && value <= Longest, name, value, "is not a time span", "Give more than 0 s and at most 30 days");

    private void RequireFamily(string name, string value, AddressFamily family) => PlanException.Require(
        family == Target.AddressFamily, name, value, $"is not of the address family of the target {Target}", "Give source and target of the same address family");
}
