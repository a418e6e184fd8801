namespace LbTest.Engine.Sockets;

/// <summary>The transport a test uses.</summary>
public enum TransportProtocol
{
    /// <summary>TCP (RFC 9293).</summary>
    Tcp,

    /// <summary>UDP (RFC 768).</summary>
    Udp,
}
