using System.Text.Json.Serialization;
using LbTest.Engine.Results;
using LbTest.Engine.Traffic;

namespace LbTest.Engine.Disturbances;

/// <summary>Network programming latency of one endpoint: how long the proxies took to learn that it came, or went (Kubernetes' SLO of that name).</summary>
/// <remarks>
/// Seen through the connections that the test made in that time, so it is an upper bound for the coming and a lower bound for the going: nobody can see a rule that no connection meets.
/// </remarks>
public sealed record EndpointProgramming
{
    // Proxies may hear of an endpoint a little before we do; a connection from before it went and came back is further off.
    private static readonly TimeSpan Ahead = TimeSpan.FromSeconds(1);

    /// <summary>Its name.</summary>
    public required string Endpoint { get; init; }

    /// <summary>When it became ready, from the start of traffic; null for one that was ready before.</summary>
    [JsonConverter(typeof(SecondsConverter)), JsonPropertyName("readySeconds")]
    public TimeSpan? Ready { get; init; }

    /// <summary>When the first connection to it was established; null when none was.</summary>
    [JsonConverter(typeof(SecondsConverter)), JsonPropertyName("firstConnectionSeconds")]
    public TimeSpan? FirstConnection { get; init; }

    /// <summary>When it was told to go; null for one that stayed.</summary>
    [JsonConverter(typeof(SecondsConverter)), JsonPropertyName("goneSeconds")]
    public TimeSpan? Gone { get; init; }

    /// <summary>When the last new connection to it was established; null when none was after it was told to go.</summary>
    [JsonConverter(typeof(SecondsConverter)), JsonPropertyName("lastConnectionSeconds")]
    public TimeSpan? LastConnection { get; init; }

    /// <summary>From ready to the first connection.</summary>
    [JsonIgnore]
    public TimeSpan? ComingLatency => FirstConnection - Ready;

    /// <summary>From being told to go to the last new connection.</summary>
    [JsonIgnore]
    public TimeSpan? GoingLatency => LastConnection - Gone;

    /// <summary>Puts the times at which endpoints came and went beside the connections of a test.</summary>
    /// <param name="changes">The endpoints that came or went, with the times.</param>
    /// <param name="connections">The test's connections.</param>
    public static ImmutableArray<EndpointProgramming> Of(IEnumerable<(string Endpoint, TimeSpan? Ready, TimeSpan? Gone)> changes, IEnumerable<TrafficConnection> connections)
    {
        ArgumentNullException.ThrowIfNull(changes);
        ILookup<string, TimeSpan> made = connections.Where(one => one is { Endpoint: not null, Connected: not null }).ToLookup(one => one.Endpoint!, one => one.Connected!.Value, StringComparer.Ordinal);
        return
        [
            .. changes.Select(one => new EndpointProgramming
            {
                Endpoint = one.Endpoint, Ready = one.Ready, Gone = one.Gone,
                FirstConnection = made[one.Endpoint].Where(time => time > one.Ready - Ahead).Select(time => (TimeSpan?)time).Min(),
                LastConnection = made[one.Endpoint].Where(time => time > one.Gone).Select(time => (TimeSpan?)time).Max(),
            }).OrderBy(one => one.Ready ?? one.Gone).ThenBy(one => one.Endpoint, StringComparer.Ordinal),
        ];
    }
}
