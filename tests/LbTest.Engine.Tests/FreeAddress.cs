using System.Net;
using System.Net.Sockets;

namespace LbTest.Engine.Tests;

/// <summary>Addresses for those who cannot ask the kernel for a free port themselves.</summary>
internal static class FreeAddress
{
    /// <summary>An address with a TCP port on which nobody listens at the moment.</summary>
    internal static IPEndPoint On(IPAddress address)
    {
        using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        probe.Bind(new IPEndPoint(address, 0));
        return (IPEndPoint)probe.LocalEndPoint!;
    }
}
