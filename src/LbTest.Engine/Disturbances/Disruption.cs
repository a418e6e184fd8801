using System.Text.Json.Serialization;
using LbTest.Engine.Analysis;
using LbTest.Engine.Results;
using LbTest.Engine.Traffic;

namespace LbTest.Engine.Disturbances;

/// <summary>What the disturbances of a traffic test cost.</summary>
public sealed record Disruption
{
    /// <summary>The result's label.</summary>
    public string? Label { get; init; }

    /// <summary>How many clients there were.</summary>
    public int Clients { get; init; }

    /// <summary>Established connections that were lost.</summary>
    public long LostConnections { get; init; }

    /// <summary>The least that had to be lost, all steps together; null when there was no disturbance that breaks connections.</summary>
    public double? LeastLost { get; init; }

    /// <summary>Lost connections over the least; null when that is 0 or not known.</summary>
    public double? Ratio { get; init; }

    /// <summary>Attempts to connect that failed.</summary>
    public long FailedConnects { get; init; }

    /// <summary>Packets sent that never came back.</summary>
    public long LostPackets { get; init; }

    /// <summary>Planned sends that could not go out in their slot, without those that the generator itself was too late for.</summary>
    public long DroppedPackets { get; init; }

    /// <summary>From the first disturbance to the first failure (a lost connection, a failed attempt, a dropped or lost packet); null when there was none.</summary>
    [JsonConverter(typeof(SecondsConverter)), JsonPropertyName("firstFailureSeconds")]
    public TimeSpan? FirstFailure { get; init; }

    /// <summary>From the first disturbance until every client had a connection again and nothing was dropped any more; null when nothing failed, or when it never recovered.</summary>
    [JsonConverter(typeof(SecondsConverter)), JsonPropertyName("recoverySeconds")]
    public TimeSpan? Recovery { get; init; }

    /// <summary>True when, at the end, every client had a connection and the last whole second dropped nothing.</summary>
    public bool Recovered { get; init; }

    /// <summary>The longest time that one client went without an echo.</summary>
    [JsonConverter(typeof(SecondsConverter)), JsonPropertyName("longestGapSeconds")]
    public TimeSpan LongestGap { get; init; }

    /// <summary>The median over clients of their longest time without an echo.</summary>
    [JsonConverter(typeof(SecondsConverter)), JsonPropertyName("medianGapSeconds")]
    public TimeSpan MedianGap { get; init; }

    /// <summary>The longest time in which no client received anything: the outage.</summary>
    [JsonConverter(typeof(SecondsConverter)), JsonPropertyName("outageSeconds")]
    public TimeSpan Outage { get; init; }

    /// <summary>Reconnects per client, the mean.</summary>
    public double ReconnectsPerClient { get; init; }

    /// <summary>The most reconnects of one client.</summary>
    public int MostReconnects { get; init; }

    /// <summary>Which endpoints lost connections and whose lasted.</summary>
    public ImmutableArray<HostsRow> Endpoints { get; init; } = [];

    /// <summary>Step by step: what each event of each disturbance cost.</summary>
    public ImmutableArray<DisruptionStep> Steps { get; init; } = [];

    /// <summary>How evenly connections lay over the endpoints just before the first disturbance; null without one.</summary>
    public Balance? Before { get; init; }

    /// <summary>The same half-way between the first disturbance and the end of the last one.</summary>
    public Balance? During { get; init; }

    /// <summary>The same at the end.</summary>
    public Balance? After { get; init; }

    /// <summary>All that in two or three sentences.</summary>
    public string Explanation { get; init; } = "";
}

/// <summary>What one step of a disturbance cost: what happened from it to the next step. Samples tell to the second only.</summary>
public sealed record DisruptionStep
{
    /// <summary>When it was applied, seconds from the start of traffic.</summary>
    [JsonConverter(typeof(SecondsConverter)), JsonPropertyName("timeSeconds")]
    public TimeSpan Time { get; init; }

    /// <summary>What kind of disturbance.</summary>
    public DisturbanceKind Kind { get; init; }

    /// <summary>In words.</summary>
    public string Description { get; init; } = "";

    /// <summary>Connections lost to it: those on the endpoints that it broke, whenever their loss showed, and all others lost from then to the next step.</summary>
    public int Lost { get; init; }

    /// <summary>The least that had to be lost: connections that were on the endpoints it broke, or their share of the ECMP targets removed; 0 where endpoints or targets only came or drained; null for kinds that break nothing by themselves, and for UDP.</summary>
    public double? Least { get; init; }

    /// <summary>True where <see cref="Least"/> is a share of the router's targets: which connections went there nobody has seen, so it is what to expect.</summary>
    [JsonIgnore]
    public bool LeastIsExpectation => Kind is DisturbanceKind.EcmpTargetRemove or DisturbanceKind.NodeDown && Least > 0;

    /// <summary>What to expect of an even spread, worked out from the plan alone; null where nothing had to be lost.</summary>
    public double? Expected { get; init; }

    /// <summary>Connections established from then to the next step.</summary>
    public int Reconnected { get; init; }

    /// <summary>The same, of the samples from then to the next step.</summary>
    public long Dropped { get; init; }

    /// <summary>TCP segments sent again, of the same samples.</summary>
    public long Retransmits { get; init; }

    /// <summary>How long until the first of its connections was lost; null when none was.</summary>
    [JsonConverter(typeof(SecondsConverter)), JsonPropertyName("firstFailureSeconds")]
    public TimeSpan? FirstFailure { get; init; }

    /// <summary>How long until the last client that lost its connection had one again; null when none was lost, or one never had.</summary>
    [JsonConverter(typeof(SecondsConverter)), JsonPropertyName("recoverySeconds")]
    public TimeSpan? Recovery { get; init; }
}
