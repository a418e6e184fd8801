using System.Text.Json.Serialization;
using LbTest.Engine.Latency;
using LbTest.Engine.Results;
using LbTest.Engine.Sockets;

namespace LbTest.Engine.Connect;

/// <summary>What happened in a connect test. Immutable; one JSON schema (<c>schemas/connect-result.schema.json</c>).</summary>
/// <remarks><c>Connections + Failed + Unfinished = Requested</c>, always.</remarks>
public sealed record ConnectResult : ITestResult
{
    /// <inheritdoc/>
    public string Kind { get; init; } = ResultKind;

    /// <inheritdoc/>
    public int SchemaVersion { get; init; } = 1;

    /// <inheritdoc/>
    public string? Label { get; init; }

    /// <summary>When the first connection started, UTC.</summary>
    public DateTimeOffset Started { get; init; }

    /// <summary>From the first connection's start to the last one's end.</summary>
    [JsonConverter(typeof(SecondsConverter)), JsonPropertyName("durationSeconds")]
    public TimeSpan Duration { get; init; }

    /// <summary>False when the test was stopped before all connections had been made; <see cref="Reason"/> says why.</summary>
    public bool Completed { get; init; }

    /// <inheritdoc/>
    public string? Reason { get; init; }

    /// <inheritdoc/>
    public string Target { get; init; } = "";

    /// <inheritdoc/>
    public TransportProtocol Protocol { get; init; }

    /// <summary>How many connections the plan asked for.</summary>
    public long Requested { get; init; }

    /// <summary>How many connections got an endpoint's name.</summary>
    public long Connections { get; init; }

    /// <summary>How many failed, all classes together.</summary>
    public long Failed { get; init; }

    /// <summary>How many had not started or had not ended when the test was stopped.</summary>
    public long Unfinished { get; init; }

    /// <summary>The failures by class; only classes that occurred.</summary>
    public ImmutableArray<FailureCount> Failures { get; init; } = [];

    /// <summary>Every endpoint that exists or answered, and what it got; those that exist come first, in the cluster's order.</summary>
    public ImmutableArray<EndpointResult> Endpoints { get; init; } = [];

    /// <summary>Connect latency: TCP from SYN to SYN-ACK as the client sees it, UDP from datagram to answer.</summary>
    public LatencySummary Latency { get; init; } = LatencySummary.Empty;

    /// <summary>SYN segments that had to be sent again, where the kernel tells (Linux; others 0).</summary>
    public long SynRetransmits { get; init; }

    /// <summary>Session affinity as seen by the client; null when it was not tracked.</summary>
    public AffinityResult? Affinity { get; init; }

    /// <summary>The seed of the choice of source addresses.</summary>
    public int Seed { get; init; }

    /// <summary>The source range; null when the kernel chose.</summary>
    public string? Source { get; init; }

    /// <summary>How many connections could be on their way at once.</summary>
    public int Concurrency { get; init; }

    /// <summary>Where the test ran from several places at once: the result of each, in the order of their names. Empty for one place.</summary>
    public ImmutableArray<ConnectResult> Entries { get; init; } = [];

    /// <inheritdoc/>
    public TestContext? Context { get; init; }

    /// <inheritdoc/>
    public ImmutableArray<string> Warnings { get; init; } = [];

    /// <inheritdoc/>
    public string? Generator { get; init; }

    /// <summary>The value of <see cref="Kind"/> in connect results.</summary>
    public const string ResultKind = "connect";
}

/// <summary>What one endpoint got.</summary>
public sealed record EndpointResult
{
    /// <summary>The name it answers with.</summary>
    public required string Name { get; init; }

    /// <summary>Connections that it answered.</summary>
    public long Connections { get; init; }

    /// <summary>The share it should get, 0 to 1; null for an equal share.</summary>
    public double? ExpectedShare { get; init; }

    /// <summary>The node it lives on, if known.</summary>
    public string? Node { get; init; }

    /// <summary>Source addresses most of whose connections reached it; null when sources were not tracked.</summary>
    public long? Sources { get; init; }

    /// <summary>True when it answered though the cluster did not list it.</summary>
    public bool Unexpected { get; init; }
}

/// <summary>Failures of one class.</summary>
/// <param name="Class">The class.</param>
/// <param name="Count">How many.</param>
/// <param name="Example">What the kernel said of one of them.</param>
public sealed record FailureCount(FailureClass Class, long Count, string Example);

/// <summary>Session affinity as the client saw it.</summary>
/// <param name="Sources">Distinct source addresses that got an answer.</param>
/// <param name="Moved">Connections that reached another endpoint than most of their source's; 0 when affinity holds.</param>
public sealed record AffinityResult(long Sources, long Moved);

/// <summary>Percentiles of connect latency, and the histogram they come from.</summary>
/// <remarks>Percentiles are at most 1.6 % above the true value; <see cref="Maximum"/> and <see cref="Mean"/> are exact.</remarks>
public sealed record LatencySummary
{
    /// <summary>No values.</summary>
    public static LatencySummary Empty { get; } = new();

    /// <summary>How many connections it covers.</summary>
    public long Count { get; init; }

    /// <summary>The mean.</summary>
    [JsonConverter(typeof(SecondsConverter)), JsonPropertyName("meanSeconds")]
    public TimeSpan Mean { get; init; }

    /// <summary>The median.</summary>
    [JsonConverter(typeof(SecondsConverter)), JsonPropertyName("p50Seconds")]
    public TimeSpan P50 { get; init; }

    /// <summary>90 % took no longer.</summary>
    [JsonConverter(typeof(SecondsConverter)), JsonPropertyName("p90Seconds")]
    public TimeSpan P90 { get; init; }

    /// <summary>99 % took no longer.</summary>
    [JsonConverter(typeof(SecondsConverter)), JsonPropertyName("p99Seconds")]
    public TimeSpan P99 { get; init; }

    /// <summary>99.9 % took no longer.</summary>
    [JsonConverter(typeof(SecondsConverter)), JsonPropertyName("p999Seconds")]
    public TimeSpan P999 { get; init; }

    /// <summary>The longest.</summary>
    [JsonConverter(typeof(SecondsConverter)), JsonPropertyName("maximumSeconds")]
    public TimeSpan Maximum { get; init; }

    /// <summary>The filled buckets of the histogram, so that results of several generators can be merged.</summary>
    public ImmutableArray<HistogramBucket> Buckets { get; init; } = [];

    /// <summary>Sums a histogram up.</summary>
    public static LatencySummary From(Histogram histogram)
    {
        ArgumentNullException.ThrowIfNull(histogram);
        return new LatencySummary
        {
            Count = histogram.Count, Mean = histogram.Mean, P50 = histogram.Percentile(50), P90 = histogram.Percentile(90),
            P99 = histogram.Percentile(99), P999 = histogram.Percentile(99.9), Maximum = histogram.Maximum, Buckets = histogram.Buckets,
        };
    }
}

/// <summary>How far a running connect test is.</summary>
/// <param name="Connections">Connections that got a name.</param>
/// <param name="Failed">Connections that failed.</param>
/// <param name="Requested">Connections planned.</param>
/// <param name="Elapsed">Time since the start.</param>
/// <param name="Endpoints">What each endpoint got so far: what is left of a run whose agent is lost.</param>
public sealed record ConnectProgress(
    long Connections, long Failed, long Requested,
    [property: JsonConverter(typeof(SecondsConverter)), JsonPropertyName("elapsedSeconds")] TimeSpan Elapsed,
    ImmutableArray<EndpointResult> Endpoints);
