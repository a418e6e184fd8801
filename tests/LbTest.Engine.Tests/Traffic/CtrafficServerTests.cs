using System.Diagnostics;
using System.Net;
using LbTest.Engine.Sockets;
using LbTest.Engine.Traffic;

namespace LbTest.Engine.Tests.Traffic;

/// <summary>Our client understands servers of the public ctraffic tool.</summary>
public sealed class CtrafficServerTests
{
    [SkippableTheory]
    [InlineData(TransportProtocol.Tcp, 64)]
    [InlineData(TransportProtocol.Tcp, 65536)]
    [InlineData(TransportProtocol.Udp, 72)]
    [InlineData(TransportProtocol.Udp, 1400)]
    public async Task A_ctraffic_server_echoes_and_is_known_by_its_name(TransportProtocol protocol, int packetSize)
    {
        IPEndPoint address = FreeAddress.On(IPAddress.Loopback);
        using Process server = PublicTool.Start("ctraffic", "-server", "-udp", "-address", address.ToString());
        try
        {
            // It says so once for each of its two sockets, when they listen.
            for (int line = 0; line < 2; line++) _ = await server.StandardError.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(30));
            var plan = new TrafficPlan { Target = address, Connections = 5, PacketsPerSecond = 100, PacketSize = packetSize, Protocol = protocol, Duration = TimeSpan.FromSeconds(1) };
            TrafficResult result = await TrafficRun.RunAsync(plan);
            TrafficRunTests.Consistent(result);
            Assert.All(result.Connections, connection => Assert.Equal(Environment.MachineName, connection.Endpoint));
            Assert.Equal((result.Sent, 0L), (result.Received, result.LostConnections));
            Assert.True(result.Sent > 0);
        }
        finally
        {
            server.Kill();
        }
    }
}
