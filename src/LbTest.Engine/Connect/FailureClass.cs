using LbTest.Engine.Sockets;

namespace LbTest.Engine.Connect;

/// <summary>Why a connection failed. A fault of the generator is never reported as the load balancer's.</summary>
public enum FailureClass
{
    /// <summary>A reset answered the SYN (ECONNREFUSED), or an ICMP port unreachable the datagram.</summary>
    Refused,

    /// <summary>The established connection was reset (ECONNRESET) before the endpoint's name came.</summary>
    Reset,

    /// <summary>Nothing answered the SYN or the datagram in time.</summary>
    TimedOut,

    /// <summary>A router or this host said that there is no way there, or that it is prohibited.</summary>
    Unreachable,

    /// <summary>The connection was made but no whole name came: silence, an early end, or half a name.</summary>
    ReadFailed,

    /// <summary>This machine ran out of ports, descriptors or memory, or cannot bind the source address.</summary>
    ClientExhausted,

    /// <summary>An imported result says only that it failed.</summary>
    Unclassified,
}

internal static class FailureClasses
{
    /// <summary>The class of an error number while connecting (connect(2), tcp(7)).</summary>
    internal static FailureClass OfConnect(int error) => error switch
    {
        Linux.ECONNREFUSED => FailureClass.Refused,
        // EPIPE: the reset came after the end of the stream.
        Linux.ECONNRESET or Linux.EPIPE => FailureClass.Reset,
        Linux.ETIMEDOUT => FailureClass.TimedOut,
        Linux.EMFILE or Linux.ENFILE or Linux.ENOBUFS or Linux.ENOMEM or Linux.EADDRNOTAVAIL or Linux.EADDRINUSE or Linux.EAGAIN
            => FailureClass.ClientExhausted,
        // EPERM: this host's own packet filter dropped it. EACCES and the rest: no route, or an ICMP "prohibited".
        _ => FailureClass.Unreachable,
    };

    /// <summary>The class of an error number after the connection was made.</summary>
    internal static FailureClass OfRead(int error) => error switch
    {
        Linux.ECONNRESET or Linux.EPIPE => FailureClass.Reset,
        Linux.ENOBUFS or Linux.ENOMEM => FailureClass.ClientExhausted,
        _ => FailureClass.ReadFailed,
    };
}
