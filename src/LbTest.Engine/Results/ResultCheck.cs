using System.Text.Json;
using LbTest.Engine.Connect;
using LbTest.Engine.Disturbances;
using LbTest.Engine.Traffic;

namespace LbTest.Engine.Results;

/// <summary>What a result that was read must be like, so that analysis need not look again.</summary>
internal static class ResultCheck
{
    /// <exception cref="JsonException">It is not.</exception>
    internal static void Require(ITestResult result)
    {
        switch (result)
        {
            case ConnectResult connect:
                Require(connect.Entries.All(entry => entry is { Entries.IsEmpty: true }), "The result of a place is missing, or has places of its own.");
                foreach (ConnectResult entry in connect.Entries) Require(entry);
                Require(connect.Endpoints.All(e => e is { Connections: >= 0, Sources: null or >= 0 }) && Counted(connect.Failures), "A number of connections is missing or negative.");
                break;
            case TrafficResult traffic:
                Require(traffic);
                break;
        }
    }

    private static void Require(TrafficResult result)
    {
        Require(Counted(result.Failures), "A number of failures is missing or negative.");
        Require(
            result is { Clients: >= 0, PacketSize: >= 0, Sent: >= 0, Received: >= 0, Dropped: >= 0, Late: >= 0, Lost: >= 0, LostConnections: >= 0, FailedConnects: >= 0, Reordered: >= 0, Duplicated: >= 0, Retransmits: >= 0 }
                && double.IsFinite(result.PacketsPerSecond) && result.PacketsPerSecond >= 0 && result.Duration >= TimeSpan.Zero, "A total is negative.");
        Require(result.Samples.All(Sound), "A sample is missing, or has a negative number.");
        Require(result.Samples.Zip(result.Samples.Skip(1)).All(pair => pair.First.Time < pair.Second.Time), "The times of the samples do not ascend.");
        Require(result.Connections.All(Sound), "A connection is missing, has a negative number, or ended before it began.");
        Require(result.Disturbances.All(Sound), "A disturbance is missing, or has no time or endpoint where it needs one.");
        Require(result.Programming.All(p => p is { Endpoint: not null }), "An endpoint that came or went is missing.");
        Require(result.Endpoints.All(e => e is { Name: not null, Share: null or >= 0 }), "An endpoint is missing, or its share is negative.");
    }

    private static bool Sound(TrafficSample? sample) =>
        sample is { Active: >= 0, New: >= 0, Failed: >= 0, Connecting: >= 0, FailedConnects: >= 0, Sent: >= 0, Received: >= 0, Dropped: >= 0, Late: >= 0, BytesSent: >= 0, BytesReceived: >= 0, Retransmits: >= 0 }
        && sample.Time >= TimeSpan.Zero && sample.Latency.Count >= 0;

    private static bool Sound(TrafficConnection? connection) =>
        connection is { Client: >= 0, Reconnects: >= 0, EndpointChanges: >= 0, FailedConnects: >= 0, Sent: >= 0, Received: >= 0, Dropped: >= 0, Reordered: >= 0, Duplicated: >= 0, Retransmits: >= 0 }
        && connection.Started <= (connection.Connected ?? connection.Ended) && (connection.Connected is not { } connected || connected <= connection.Ended);

    private static bool Sound(DisturbanceEvent? disturbance) =>
        disturbance is { EndpointsAfter: >= 0, EcmpTargetsBefore: null or >= 0, EcmpTargetsAfter: null or >= 0 }
        && disturbance.Removed.Concat(disturbance.Added).Concat(disturbance.Broken).All(name => name is not null);

    private static bool Counted(ImmutableArray<FailureCount> failures) => failures.All(f => f is { Count: >= 0 });

    private static void Require(bool condition, string problem)
    {
        if (!condition) throw new JsonException(problem);
    }
}
