using System.Text.Json.Serialization;
using LbTest.Engine.Results;

namespace LbTest.Engine.Disturbances;

/// <summary>What can happen to a cluster at a planned time during a traffic test.</summary>
public enum DisturbanceKind
{
    /// <summary>Endpoints leave: see <see cref="EndpointDownMode"/>.</summary>
    EndpointDown,

    /// <summary>Endpoints that left come back.</summary>
    EndpointUp,

    /// <summary>Nodes fall silent, with everything on them.</summary>
    NodeDown,

    /// <summary>Nodes that fell silent come back.</summary>
    NodeUp,

    /// <summary>The router stops sending to nodes.</summary>
    EcmpTargetRemove,

    /// <summary>The router sends to them again.</summary>
    EcmpTargetAdd,

    /// <summary>A hop loses packets at random.</summary>
    PacketLoss,

    /// <summary>A hop delays packets.</summary>
    Delay,

    /// <summary>On a hop some packets overtake others.</summary>
    Reorder,

    /// <summary>A hop limits the rate.</summary>
    RateLimit,

    /// <summary>All endpoints are replaced, as a Kubernetes Deployment does it.</summary>
    RollingUpdate,

    /// <summary>The number of endpoints changes.</summary>
    ScaleTo,

    /// <summary>The nodes change over to another proxy mode.</summary>
    ProxyModeSwitch,

    /// <summary>The nodes' connection tracking forgets everything.</summary>
    ConntrackFlush,

    /// <summary>A script of the user's.</summary>
    Script,

    /// <summary>Nodes take no new endpoints, and those on them are evicted, as <c>kubectl drain</c> does it. Kubernetes.</summary>
    NodeDrain,

    /// <summary>kube-proxy is started anew on every node. Kubernetes.</summary>
    ProxyRestart,
}

/// <summary>How an endpoint leaves.</summary>
public enum EndpointDownMode
{
    /// <summary>Out of the rules first; connections go on for the drain time, then the endpoint closes them (FIN).</summary>
    Drain,

    /// <summary>It resets its connections (RST) and refuses new ones.</summary>
    Reset,

    /// <summary>It falls silent: everything to and from it is dropped.</summary>
    Drop,
}

/// <summary>Which way of a hop is meant, seen from the place that names it.</summary>
public enum HopDirection
{
    /// <summary>Both ways.</summary>
    Both,

    /// <summary>Towards the place.</summary>
    To,

    /// <summary>From the place.</summary>
    From,
}

/// <summary>Something that is to happen at a planned time. Which properties count depends on <see cref="Kind"/>.</summary>
public record Disturbance
{
    /// <summary>What happens.</summary>
    public required DisturbanceKind Kind { get; init; }

    /// <summary>When, from the start of traffic.</summary>
    [JsonConverter(typeof(SecondsConverter)), JsonPropertyName("atSeconds")]
    public required TimeSpan At { get; init; }

    /// <summary>After how long it is undone; null: at the end of the test. EndpointDown, NodeDown, EcmpTargetRemove, PacketLoss, Delay, Reorder, RateLimit, ScaleTo, ProxyModeSwitch, NodeDrain.</summary>
    [JsonConverter(typeof(SecondsConverter)), JsonPropertyName("durationSeconds")]
    public TimeSpan? Duration { get; init; }

    /// <summary>Endpoints, nodes, or the one end of a hop (<c>tester</c>, a node or an endpoint), by name; wildcards match. Empty: see <see cref="Count"/> and <see cref="Share"/>.</summary>
    public ImmutableArray<string> Name { get; init; } = [];

    /// <summary>How many, chosen at random by the test's seed; null with <see cref="Name"/> or <see cref="Share"/>. For the kinds that undo another null means: all of them.</summary>
    public int? Count { get; init; }

    /// <summary>The share of all of them, above 0 and up to 1, rounded to the nearest, at least one.</summary>
    public double? Share { get; init; }

    /// <summary>EndpointDown: how.</summary>
    public EndpointDownMode Mode { get; init; }

    /// <summary>EndpointDown (Reset, Drop), NodeDown: how long until the rules of the (other) nodes and the router leave it out; default 0.</summary>
    [JsonConverter(typeof(SecondsConverter)), JsonPropertyName("detectAfterSeconds")]
    public TimeSpan DetectAfter { get; init; }

    /// <summary>EndpointDown (Drain), RollingUpdate, ScaleTo: how long a leaving endpoint goes on with its connections before it closes them; default 0.</summary>
    [JsonConverter(typeof(SecondsConverter)), JsonPropertyName("drainTimeSeconds")]
    public TimeSpan DrainTime { get; init; }

    /// <summary>RollingUpdate, ScaleTo: how long a new endpoint takes from its creation until it is ready; default 0.</summary>
    [JsonConverter(typeof(SecondsConverter)), JsonPropertyName("readinessDelaySeconds")]
    public TimeSpan ReadinessDelay { get; init; }

    /// <summary>RollingUpdate: endpoints beyond the wanted number, absolute (<c>1</c>) or in per cent, rounded up (<c>25%</c>); default 25%.</summary>
    public string MaxSurge { get; init; } = "25%";

    /// <summary>RollingUpdate: endpoints that may be missing, absolute or in per cent, rounded down; default 25%.</summary>
    public string MaxUnavailable { get; init; } = "25%";

    /// <summary>RollingUpdate on Kubernetes: the image to change over to; null restarts the endpoints as they are.</summary>
    public string? Image { get; init; }

    /// <summary>ScaleTo: the wanted number of endpoints.</summary>
    public int? Replicas { get; init; }

    /// <summary>PacketLoss, Delay, Reorder, RateLimit: which way.</summary>
    public HopDirection Direction { get; init; }

    /// <summary>PacketLoss: per cent of packets that are lost, above 0 and up to 100. Reorder: per cent that overtake the others, above 0 and below 100.</summary>
    public double? Percent { get; init; }

    /// <summary>Delay: how much. Reorder: how long the packets are held back that do not overtake; null for <see cref="DefaultHoldBack"/>.</summary>
    [JsonConverter(typeof(SecondsConverter)), JsonPropertyName("latencySeconds")]
    public TimeSpan? Latency { get; init; }

    /// <summary>Delay: how much it varies, up and down, evenly and for each packet by itself: packets that follow each other sooner may change places. Default 0.</summary>
    [JsonConverter(typeof(SecondsConverter)), JsonPropertyName("jitterSeconds")]
    public TimeSpan Jitter { get; init; }

    /// <summary>RateLimit: bytes/s.</summary>
    public double? BytesPerSecond { get; init; }

    /// <summary>ProxyModeSwitch: the mode to change to; null leaves it.</summary>
    public string? ProxyMode { get; init; }

    /// <summary>ProxyModeSwitch: the scheduler of mode IPVS to change to; null leaves it, or takes round robin where the mode changes to IPVS.</summary>
    public string? IpvsScheduler { get; init; }

    /// <summary>How long a reordering hop holds packets back unless told otherwise.</summary>
    public static TimeSpan DefaultHoldBack { get; } = TimeSpan.FromMilliseconds(10);

    /// <summary>Checks every value that can be checked without a cluster.</summary>
    /// <param name="testDuration">How long the test lasts.</param>
    /// <exception cref="PlanException">A value is missing, out of its range, or means nothing for this kind.</exception>
    public void Validate(TimeSpan testDuration) => DisturbanceCheck.Validate(this, testDuration);
}

/// <summary>Something that did happen to the cluster during a traffic test.</summary>
/// <remarks>A disturbance of several steps (a rolling update, one that is detected later) has an event for each; so has its undoing.</remarks>
public sealed record DisturbanceEvent
{
    /// <summary>What kind of disturbance it belonged to.</summary>
    public required DisturbanceKind Kind { get; init; }

    /// <summary>In words: <c>endpoint tserver-001 resets its connections</c>.</summary>
    public required string Description { get; init; }

    /// <summary>Which of the planned disturbances it belonged to, from 0, in the order given.</summary>
    public int Index { get; init; }

    /// <summary>Which step of it, from 1; 0 for one of a single step.</summary>
    public int Step { get; init; }

    /// <summary>True when it undid a disturbance.</summary>
    public bool Undo { get; init; }

    /// <summary>When it was planned.</summary>
    [JsonConverter(typeof(SecondsConverter)), JsonPropertyName("plannedSeconds")]
    public TimeSpan Planned { get; init; }

    /// <summary>When it really began.</summary>
    [JsonConverter(typeof(SecondsConverter)), JsonPropertyName("appliedSeconds")]
    public TimeSpan Applied { get; init; }

    /// <summary>How long it took until it was in force everywhere.</summary>
    [JsonConverter(typeof(SecondsConverter)), JsonPropertyName("tookSeconds")]
    public TimeSpan Took { get; init; }

    /// <summary>Endpoints that left the rules.</summary>
    public ImmutableArray<string> Removed { get; init; } = [];

    /// <summary>Endpoints that came into the rules.</summary>
    public ImmutableArray<string> Added { get; init; } = [];

    /// <summary>Endpoints whose connections this had to break.</summary>
    public ImmutableArray<string> Broken { get; init; } = [];

    /// <summary>Endpoints in the rules after it.</summary>
    public int EndpointsAfter { get; init; }

    /// <summary>Where the number of ECMP targets changed: how many there were before; else null.</summary>
    public int? EcmpTargetsBefore { get; init; }

    /// <summary>Where the number of ECMP targets changed: how many there were after; else null.</summary>
    public int? EcmpTargetsAfter { get; init; }

    /// <summary>What went wrong; null when it was applied.</summary>
    public string? Error { get; init; }
}
