using LbTest.Engine.Sockets;

namespace LbTest.Engine.Serve;

/// <summary>One endpoint of a server: a name that answers on an address.</summary>
/// <param name="Name">What it answers with; not empty, at most 255 bytes of UTF-8, of which a traffic endpoint tells the first 63.</param>
/// <param name="Address">Where it listens; port 0 lets the kernel choose.</param>
/// <param name="Namespace">The network namespace it listens in; null for the process's own.</param>
/// <param name="Protocols">TCP, UDP or both.</param>
public sealed record ServedEndpoint(
    string Name, IPEndPoint Address, NetworkNamespace? Namespace = null, ServedProtocols Protocols = ServedProtocols.Both)
{
    /// <summary>What it speaks.</summary>
    public ServedService Service { get; init; }

    /// <summary>The port that servers and clients of a service use unless told otherwise: 5001 for connects, 5003 for traffic, as the public tools have it.</summary>
    public static int DefaultPort(ServedService service) => service == ServedService.Traffic ? 5003 : 5001;

    /// <summary>How it behaves from the start.</summary>
    public EndpointBehavior Behavior { get; init; }
}

/// <summary>What an endpoint speaks.</summary>
public enum ServedService
{
    /// <summary>The protocol of the public <c>mconnect</c> tool: its name, at once and after every read.</summary>
    Connect,

    /// <summary>The protocol of the public <c>ctraffic</c> tool: an echo, with its name at the start of the first packet (UDP: of each).</summary>
    Traffic,
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

    /// <summary>Drops every SYN and datagram in silence; so does a traffic endpoint with every packet of its connections, which go on when it serves again.</summary>
    Drop,

    /// <summary>Accepts and never says a word. A traffic endpoint does as a stopped process: the kernel takes what fits, and all is echoed when it serves again.</summary>
    Hang,

    /// <summary>Accepts and resets.</summary>
    Reset,

    /// <summary>Sends only the first half of its name, and nothing more. Not for traffic endpoints.</summary>
    Partial,
}
