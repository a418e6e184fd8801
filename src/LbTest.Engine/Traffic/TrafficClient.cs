using LbTest.Engine.Connect;

namespace LbTest.Engine.Traffic;

/// <summary>Where a client is between its connections.</summary>
internal enum ClientPhase : byte
{
    /// <summary>Its time has not come (ramp-up).</summary>
    Planned,

    /// <summary>Without a connection, waiting for the next attempt.</summary>
    Waiting,

    /// <summary>An attempt is under way.</summary>
    Connecting,

    /// <summary>Connected.</summary>
    Active,

    /// <summary>It will have no further connection.</summary>
    Done,
}

/// <summary>The state of one client: its current connection, and what outlasts that. One array holds those of a worker, so it is kept small.</summary>
internal struct TrafficClient
{
    internal const int Nobody = -1;

    // Generation: how many sockets it has had. Fruitless: how many connections in a row were lost before anything came back.
    internal int Fd, Number, Reconnects, FailedConnects, Endpoint, EndpointChanges, Retransmits, Fruitless, Generation;
    internal ClientPhase Phase;
    internal FailureClass LastFailure;
    internal string? LastError;
    internal IPEndPoint? Local;

    // Timestamps. StateSince: when the attempt began. Pending: the planned time of a send that waits for the last echo, 0 for none. SentDue: the planned time of the
    // packet that is out, 0 for none. Progress: when it was sent, or the last byte came.
    internal long Started, StateSince, Connected, Pending, SentDue, Progress, LastEcho, LongestGap;
    internal long Sent, Received, Dropped;

    // Which of the source addresses the current connection has; −1 before it was given one.
    internal long Source;

    // TCP: bytes of the current packet that are still to go out, and to come back.
    internal int ToSend, ToReceive;

    // UDP: the highest sequence number that came (−1 for none), and of the 64 below it which came (bit 0: the highest itself).
    internal long Highest;
    internal ulong Window;
    internal long Reordered, Duplicated;

    /// <summary>Forgets the last connection, for a new one.</summary>
    internal void Begin(long now)
    {
        (FailedConnects, Endpoint, EndpointChanges, Retransmits) = (0, Nobody, 0, 0);
        (LastError, Local) = (null, null);
        (Started, Connected, Pending, SentDue) = (now, 0, 0, 0);
        (Sent, Received, Dropped, Reordered, Duplicated) = (0, 0, 0, 0, 0);
        (ToSend, ToReceive, Highest, Window, Source) = (0, 0, -1, 0, -1);
    }
}
