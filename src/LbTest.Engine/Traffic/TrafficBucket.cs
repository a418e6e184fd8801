using LbTest.Engine.Latency;

namespace LbTest.Engine.Traffic;

/// <summary>What one worker counts within one second; handed over as a whole at its end, so that nothing is shared while it counts.</summary>
internal sealed class TrafficBucket
{
    internal int Index, Active, New, Failed, Connecting, FailedConnects;
    internal long Sent, Received, Dropped, Late, Retransmits;
    internal List<TrafficConnection> Ended = [];

    internal Histogram Latency { get; } = new();

    /// <summary>Adds another worker's same second.</summary>
    internal void Merge(TrafficBucket other)
    {
        Active += other.Active;
        New += other.New;
        Failed += other.Failed;
        Connecting += other.Connecting;
        FailedConnects += other.FailedConnects;
        Sent += other.Sent;
        Received += other.Received;
        Dropped += other.Dropped;
        Late += other.Late;
        Retransmits += other.Retransmits;
        Ended.AddRange(other.Ended);
        Latency.Merge(other.Latency);
    }

    internal void Clear()
    {
        (Active, New, Failed, Connecting, FailedConnects) = (0, 0, 0, 0, 0);
        (Sent, Received, Dropped, Late, Retransmits) = (0, 0, 0, 0, 0);
        Ended = [];
        Latency.Clear();
    }

    internal TrafficSample ToSample(TimeSpan time, int packetSize)
    {
        Connect.LatencySummary latency = Connect.LatencySummary.From(Latency) with { Buckets = [] };
        return new TrafficSample
        {
            Time = time, Active = Active, New = New, Failed = Failed, Connecting = Connecting, FailedConnects = FailedConnects, Sent = Sent, Received = Received,
            Dropped = Dropped, Late = Late, BytesSent = Sent * packetSize, BytesReceived = Received * packetSize, Retransmits = Retransmits, Latency = latency,
        };
    }
}
