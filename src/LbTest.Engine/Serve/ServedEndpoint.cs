using LbTest.Engine.Sockets;

namespace LbTest.Engine.Serve;

/// <summary>One endpoint of a server: a name that answers on an address.</summary>
/// <param name="Name">What it answers with; not empty, at most 255 bytes of UTF-8.</param>
/// <param name="Address">Where it listens; port 0 lets the kernel choose.</param>
/// <param name="Namespace">The network namespace it listens in; null for the process's own.</param>
/// <param name="Protocols">TCP, UDP or both.</param>
public sealed record ServedEndpoint(
    string Name, IPEndPoint Address, NetworkNamespace? Namespace = null, ServedProtocols Protocols = ServedProtocols.Both)
{
    /// <summary>How it behaves from the start.</summary>
    public EndpointBehavior Behavior { get; init; }
}

/// <summary>Which transports an endpoint serves.</summary>
[Flags]
public enum ServedProtocols
{
    /// <summary>TCP only.</summary>
    Tcp = 1,

    /// <summary>UDP only.</summary>
    Udp = 2,

    /// <summary>Both, on the same port.</summary>
    Both = Tcp | Udp,
}

/// <summary>How an endpoint treats new connections and datagrams. Everything but <see cref="Serve"/> is a fault on demand.</summary>
public enum EndpointBehavior
{
    /// <summary>Answers with its name.</summary>
    Serve,

    /// <summary>Does not listen: the kernel answers a SYN with RST. UDP datagrams are dropped.</summary>
    Refuse,

    /// <summary>Drops every SYN and datagram in silence.</summary>
    Drop,

    /// <summary>Accepts and never says a word.</summary>
    Hang,

    /// <summary>Accepts and resets.</summary>
    Reset,

    /// <summary>Sends only the first half of its name, and nothing more.</summary>
    Partial,
}
