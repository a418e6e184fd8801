using System.Net.Sockets;
using System.Text.Json.Serialization;
using LbTest.Engine.Results;
using LbTest.Engine.Sockets;

namespace LbTest.Engine.Connect;

/// <summary>A connect test, described: many short connections to one address, each of which learns the name of the endpoint that answered.</summary>
public sealed record ConnectPlan
{
    private const long MostConnections = 1_000_000_000;

    // Timers of .NET end at 49 days.
    private static readonly TimeSpan LongestWait = TimeSpan.FromDays(30);

    /// <summary>Where to connect, an IP address and port as <c>10.0.0.1:5001</c> or <c>[::1]:5001</c>.</summary>
    [JsonConverter(typeof(EndPointConverter))]
    public required IPEndPoint Target { get; init; }

    /// <summary>How many connections to make, 1 or more.</summary>
    public required long Count { get; init; }

    /// <summary>TCP or UDP. With UDP a connection is one datagram and its answer.</summary>
    public TransportProtocol Protocol { get; init; }

    /// <summary>How many connections may be on their way at once, 1–65535; default 64.</summary>
    public int Concurrency { get; init; } = 64;

    /// <summary>How long one connection may take from its start to the endpoint's name; default 5 s.</summary>
    [JsonConverter(typeof(SecondsConverter)), JsonPropertyName("connectTimeoutSeconds")]
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long the whole test may take; default 30 s and one more for every 1,000 connections. What is left then is reported as unfinished.</summary>
    [JsonConverter(typeof(SecondsConverter)), JsonPropertyName("timeoutSeconds")]
    public TimeSpan? Timeout { get; init; }

    /// <summary>Seed of the choice of source addresses; the same seed gives the same addresses. Null takes one at random and reports it.</summary>
    public int? Seed { get; init; }

    /// <summary>Source address or CIDR; each connection binds an address chosen from it. Null lets the kernel choose.</summary>
    public string? Source { get; init; }

    /// <summary>Source port of every connection, 1–65535; 0 lets the kernel choose. A fixed port allows one connection per source address.</summary>
    public int SourcePort { get; init; }

    /// <summary>Keeps every connection open until the test ends, as load balancers that count connections need it.</summary>
    public bool KeepOpen { get; init; }

    /// <summary>Worker threads; 0 (the default) takes one per processor, half as many towards loopback, where the server needs the others.</summary>
    public int Threads { get; init; }

    /// <summary>Checks that each source address always reaches the same endpoint, and counts sources per endpoint.</summary>
    public bool TrackSources { get; init; }

    /// <summary>The endpoints that the cluster says exist; empty when nobody knows.</summary>
    public ImmutableArray<ExpectedEndpoint> Endpoints { get; init; } = [];

    /// <summary>The user's name for the result.</summary>
    public string? Label { get; init; }

    /// <summary>What is under test and from where; copied to the result.</summary>
    public TestContext? Context { get; init; }

    /// <summary>The overall time limit in force.</summary>
    [JsonIgnore]
    public TimeSpan EffectiveTimeout => Timeout ?? TimeSpan.FromSeconds(30 + (Count / 1000.0));

    /// <summary>Checks every value that can be checked without touching the machine.</summary>
    /// <exception cref="PlanException">A value is out of its range, or two values contradict each other.</exception>
    public void Validate()
    {
        PlanException.Require(Count is >= 1 and <= MostConnections, nameof(Count), Count, "is not a number of connections", "Give 1 to 1,000,000,000");
        PlanException.Require(Concurrency is >= 1 and <= 65535, nameof(Concurrency), Concurrency, "is out of range", "Give 1 to 65535");
        PlanException.Require(ConnectTimeout > TimeSpan.Zero && ConnectTimeout <= LongestWait, nameof(ConnectTimeout), ConnectTimeout, "is not a time span to wait", "Give more than 0 s and at most 30 days");
        PlanException.Require(Timeout is null || (Timeout > TimeSpan.Zero && Timeout <= LongestWait), nameof(Timeout), Timeout, "is not a time span to wait", "Give more than 0 s and at most 30 days");
        PlanException.Require(SourcePort is >= 0 and <= 65535, nameof(SourcePort), SourcePort, "is not a port", "Give 1 to 65535, or 0 for any");
        PlanException.Require(Threads is >= 0 and <= 256, nameof(Threads), Threads, "is out of range", "Give 1 to 256, or 0 for one per processor");
        if (Source is null) return;
        AddressFamily family = SourceRange.Parse(Source, 0).Network.BaseAddress.AddressFamily;
        PlanException.Require(family == Target.AddressFamily, nameof(Source), Source,
            $"is {Name(family)} but the target {Target} is {Name(Target.AddressFamily)}", "Give source and target of the same address family");
    }

    private static string Name(AddressFamily family) => family == AddressFamily.InterNetwork ? "IPv4" : "IPv6";
}

/// <summary>An endpoint that a cluster says exists.</summary>
/// <param name="Name">The name it answers with.</param>
/// <param name="Share">The share of connections it should get, 0 to 1; null for an equal share.</param>
/// <param name="Node">The node it lives on, if known.</param>
public sealed record ExpectedEndpoint(string Name, double? Share = null, string? Node = null);

/// <summary>What is under test and from where, for the reader of a result.</summary>
/// <param name="Cluster">The cluster's name.</param>
/// <param name="ProxyMode">How its nodes balance.</param>
/// <param name="From">The vantage point.</param>
/// <param name="To">Which address of the service: <c>LoadBalancer</c>, <c>ClusterIP</c>, <c>NodePort</c>, <c>Endpoint</c>.</param>
/// <param name="Ecmp">True when a router spreads over all nodes in front of them.</param>
/// <param name="Affinity">True when the service has ClientIP session affinity: connections of one source are not independent then.</param>
/// <param name="RoundRobinEntries">Where the scheduler promises round robin: through how many nodes it is entered; null elsewhere.</param>
/// <param name="Scheduler">In mode IPVS: the scheduler, e.g. <c>rr</c>; null elsewhere.</param>
public sealed record TestContext(
    string? Cluster = null, string? ProxyMode = null, string? From = null, string? To = null,
    bool Ecmp = false, bool Affinity = false, int? RoundRobinEntries = null, string? Scheduler = null);
