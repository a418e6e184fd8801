using System.Text.Json.Serialization;
using LbTest.Engine.Connect;
using LbTest.Engine.Disturbances;
using LbTest.Engine.Results;
using LbTest.Engine.Sockets;

namespace LbTest.Engine.Traffic;

/// <summary>What happened in a traffic test. Immutable; one JSON schema (<c>schemas/traffic-result.schema.json</c>).</summary>
/// <remarks>
/// A <b>client</b> is one of the planned connections, from the test's start to its end; it has one <see cref="TrafficConnection"/> after
/// another as connections are lost and made anew. Times are offsets from <see cref="Started"/>.
/// </remarks>
public sealed record TrafficResult : ITestResult
{
    /// <summary>The value of <see cref="Kind"/> in traffic results.</summary>
    public const string ResultKind = "traffic";

    /// <inheritdoc/>
    public string Kind { get; init; } = ResultKind;

    /// <inheritdoc/>
    public int SchemaVersion { get; init; } = 1;

    /// <inheritdoc/>
    public string? Label { get; init; }

    /// <inheritdoc/>
    public DateTimeOffset Started { get; init; }

    /// <summary>How long traffic lasted.</summary>
    [JsonConverter(typeof(SecondsConverter)), JsonPropertyName("durationSeconds")]
    public TimeSpan Duration { get; init; }

    /// <summary>How long it was planned to last.</summary>
    [JsonConverter(typeof(SecondsConverter)), JsonPropertyName("plannedDurationSeconds")]
    public TimeSpan PlannedDuration { get; init; }

    /// <inheritdoc/>
    public bool Completed { get; init; }

    /// <inheritdoc/>
    public string? Reason { get; init; }

    /// <inheritdoc/>
    public string Target { get; init; } = "";

    /// <inheritdoc/>
    public TransportProtocol Protocol { get; init; }

    /// <summary>How many clients there were: connections held at a time.</summary>
    public int Clients { get; init; }

    /// <summary>The planned rate of all clients together, packets/s.</summary>
    public double PacketsPerSecond { get; init; }

    /// <summary>Bytes of payload per packet.</summary>
    public int PacketSize { get; init; }

    /// <summary>True when lost connections were made anew.</summary>
    public bool Reconnect { get; init; }

    /// <summary>Packets sent.</summary>
    public long Sent { get; init; }

    /// <summary>Packets that came back.</summary>
    public long Received { get; init; }

    /// <summary>Planned sends that could not go out in their slot, before the next one was due.</summary>
    public long Dropped { get; init; }

    /// <summary>Those of the dropped sends whose slot passed while this machine's generator was busy elsewhere: not the load balancer's doing.</summary>
    public long Late { get; init; }

    /// <summary>Packets sent that never came back.</summary>
    public long Lost { get; init; }

    /// <summary>UDP: datagrams that came after one with a higher sequence number (RFC 4737, section 3); TCP 0.</summary>
    public long Reordered { get; init; }

    /// <summary>UDP: datagrams that came more than once; TCP 0.</summary>
    public long Duplicated { get; init; }

    /// <summary>TCP segments that this side sent again (TCP_INFO, <c>tcpi_total_retrans</c>), SYNs included.</summary>
    public long Retransmits { get; init; }

    /// <summary>Established connections that were lost.</summary>
    public long LostConnections { get; init; }

    /// <summary>Attempts to connect that failed.</summary>
    public long FailedConnects { get; init; }

    /// <summary>Failed attempts and lost connections by class (UDP: errors that came by ICMP); only classes that occurred.</summary>
    public ImmutableArray<FailureCount> Failures { get; init; } = [];

    /// <summary>Latency from a packet's planned time to the whole echo, all packets.</summary>
    public LatencySummary Latency { get; init; } = LatencySummary.Empty;

    /// <summary>The longest time in which no client received anything, resolution 10 ms.</summary>
    [JsonConverter(typeof(SecondsConverter)), JsonPropertyName("longestSilenceSeconds")]
    public TimeSpan LongestSilence { get; init; }

    /// <summary>When the longest silence began.</summary>
    [JsonConverter(typeof(SecondsConverter)), JsonPropertyName("longestSilenceAtSeconds")]
    public TimeSpan LongestSilenceAt { get; init; }

    /// <summary>One sample per second, ascending.</summary>
    public ImmutableArray<TrafficSample> Samples { get; init; } = [];

    /// <summary>Every connection, in the order in which they were started.</summary>
    public ImmutableArray<TrafficConnection> Connections { get; init; } = [];

    /// <summary>What was done to the cluster meanwhile, in the order of time.</summary>
    public ImmutableArray<DisturbanceEvent> Disturbances { get; init; } = [];

    /// <summary>The endpoints that the cluster said existed at the start; empty when nobody knew.</summary>
    public ImmutableArray<ExpectedEndpoint> Endpoints { get; init; } = [];

    /// <summary>The seed of the run.</summary>
    public int Seed { get; init; }

    /// <summary>The source range; null when the kernel chose or a list was given.</summary>
    public string? Source { get; init; }

    /// <summary>On Kubernetes: how long after an endpoint became ready the first connection reached it, and after it was to go the last one. Those that came or went during the test.</summary>
    public ImmutableArray<EndpointProgramming> Programming { get; init; } = [];

    /// <inheritdoc/>
    public TestContext? Context { get; init; }

    /// <inheritdoc/>
    public ImmutableArray<string> Warnings { get; init; } = [];

    /// <inheritdoc/>
    public string? Generator { get; init; }
}

/// <summary>What happened in one second of a traffic test. Counts are of that second; states are as at its end.</summary>
public sealed record TrafficSample
{
    /// <summary>The end of the second (the last one may be shorter, a stalled one longer).</summary>
    [JsonConverter(typeof(SecondsConverter)), JsonPropertyName("timeSeconds")]
    public TimeSpan Time { get; init; }

    /// <summary>Connections established at its end.</summary>
    public int Active { get; init; }

    /// <summary>Connections established within it.</summary>
    public int New { get; init; }

    /// <summary>Established connections lost within it.</summary>
    public int Failed { get; init; }

    /// <summary>Clients without a connection at its end that try to get one.</summary>
    public int Connecting { get; init; }

    /// <summary>Attempts to connect that failed within it.</summary>
    public int FailedConnects { get; init; }

    /// <summary>Packets sent.</summary>
    public long Sent { get; init; }

    /// <summary>Packets that came back.</summary>
    public long Received { get; init; }

    /// <summary>Planned sends that could not go out in their slot.</summary>
    public long Dropped { get; init; }

    /// <summary>Those of the dropped sends that the generator was too late for.</summary>
    public long Late { get; init; }

    /// <summary>Bytes of payload sent.</summary>
    public long BytesSent { get; init; }

    /// <summary>Bytes of payload that came back.</summary>
    public long BytesReceived { get; init; }

    /// <summary>TCP segments sent again.</summary>
    public long Retransmits { get; init; }

    /// <summary>Latency of the packets that came back, from their planned time; without buckets.</summary>
    public LatencySummary Latency { get; init; } = LatencySummary.Empty;
}

/// <summary>One connection of a traffic test, from the first attempt to its end.</summary>
public sealed record TrafficConnection
{
    /// <summary>Which client it belonged to, from 0.</summary>
    public int Client { get; init; }

    /// <summary>How many connections that client had had before.</summary>
    public int Reconnects { get; init; }

    /// <summary>Our address; null while there never was a connection.</summary>
    public string? Local { get; init; }

    /// <summary>The other side's address.</summary>
    public string Remote { get; init; } = "";

    /// <summary>The name of the endpoint that answered; null when none did.</summary>
    public string? Endpoint { get; init; }

    /// <summary>UDP: how often another endpoint answered than before. A TCP connection cannot change endpoints.</summary>
    public int EndpointChanges { get; init; }

    /// <summary>When the first attempt to connect began.</summary>
    [JsonConverter(typeof(SecondsConverter)), JsonPropertyName("startedSeconds")]
    public TimeSpan Started { get; init; }

    /// <summary>When it was established; null when it never was.</summary>
    [JsonConverter(typeof(SecondsConverter)), JsonPropertyName("connectedSeconds")]
    public TimeSpan? Connected { get; init; }

    /// <summary>When it ended; the test's end for one that lasted.</summary>
    [JsonConverter(typeof(SecondsConverter)), JsonPropertyName("endedSeconds")]
    public TimeSpan Ended { get; init; }

    /// <summary>Why it ended or, never established, why the last attempt failed; null when it lasted to the test's end.</summary>
    public FailureClass? Failure { get; init; }

    /// <summary>The same in words; null when it lasted.</summary>
    public string? Error { get; init; }

    /// <summary>Attempts to connect that failed before it was established.</summary>
    public int FailedConnects { get; init; }

    /// <summary>Packets sent.</summary>
    public long Sent { get; init; }

    /// <summary>Packets that came back.</summary>
    public long Received { get; init; }

    /// <summary>Planned sends that could not go out in their slot.</summary>
    public long Dropped { get; init; }

    /// <summary>UDP: datagrams that overtook others on the way, counted at the one overtaken (RFC 4737).</summary>
    public long Reordered { get; init; }

    /// <summary>UDP: datagrams that came more than once.</summary>
    public long Duplicated { get; init; }

    /// <summary>TCP segments sent again (TCP_INFO).</summary>
    public int Retransmits { get; init; }

    /// <summary>The kernel's smoothed round-trip time at the end (TCP_INFO, <c>tcpi_rtt</c>); null for UDP and for one never established.</summary>
    [JsonConverter(typeof(SecondsConverter)), JsonPropertyName("roundTripSeconds")]
    public TimeSpan? RoundTrip { get; init; }

    /// <summary>The longest time between two echoes of this client up to this connection's end, reconnects included.</summary>
    [JsonConverter(typeof(SecondsConverter)), JsonPropertyName("longestGapSeconds")]
    public TimeSpan LongestGap { get; init; }

    /// <summary>True when it was established and then lost.</summary>
    [JsonIgnore]
    public bool WasLost => Connected is not null && Failure is not null;
}

/// <summary>What a running traffic test has to tell: any of its parts may be there.</summary>
public sealed record TrafficProgress
{
    /// <summary>When traffic started, UTC: said once, at that moment. Offsets count from there.</summary>
    public DateTimeOffset? Started { get; init; }

    /// <summary>The second that has just ended.</summary>
    public TrafficSample? Sample { get; init; }

    /// <summary>Connections that ended since the last report: what is left of them if the agent is lost.</summary>
    public ImmutableArray<TrafficConnection> Ended { get; init; } = [];

    /// <summary>A disturbance that has just been applied, or undone.</summary>
    public DisturbanceEvent? Disturbance { get; init; }
}
