using System.Net;
using LbTest.Engine.Connect;
using LbTest.Engine.Sockets;
using LbTest.Engine.Traffic;

namespace LbTest.Engine.Tests.Traffic;

public class DatagramTests
{
    private static TrafficPlan Plan(IPEndPoint target) => TrafficRunTests.Plan(target);

    [Fact]
    public async Task Datagrams_lost_repeated_and_overtaken_are_counted_by_sequence()
    {
        int lost = 0, repeated = 0, overtaken = 0;
        byte[]? held = null;
        using EchoPeer peer = EchoPeer.Udp((number, datagram) =>
        {
            switch (number % 10)
            {
                case 3:
                    lost++;
                    return [];
                case 5:
                    repeated++;
                    return [datagram, datagram];
                case 7:
                    held = datagram;
                    return [];
                case 8 when held is not null:
                    overtaken++;
                    return [datagram, held];
                default:
                    return [datagram];
            }
        });
        // 25 whole turns of ten and half of one, which ends before something is held.
        TrafficResult result = await TrafficRun.RunAsync(Plan(peer.Address) with { Protocol = TransportProtocol.Udp, Connections = 1, PacketsPerSecond = 255, Duration = TimeSpan.FromSeconds(1) });
        TrafficRunTests.Consistent(result);
        TrafficConnection connection = Assert.Single(result.Connections);
        bool holding = result.Sent % 10 == 7;
        Assert.Equal((lost + (holding ? 1 : 0), repeated, overtaken), ((int)result.Lost, (int)connection.Duplicated, (int)connection.Reordered));
        Assert.Equal((EchoPeer.Name, 0), (connection.Endpoint, connection.EndpointChanges));
        Assert.True(lost > 10 && overtaken > 10);
    }

    [Fact]
    public async Task A_datagram_to_nobody_is_lost_and_says_why_but_ends_no_connection()
    {
        int port;
        using (EchoPeer peer = EchoPeer.Udp((_, _) => [])) port = peer.Address.Port;
        TrafficResult result = await TrafficRun.RunAsync(Plan(new IPEndPoint(IPAddress.Loopback, port)) with { Protocol = TransportProtocol.Udp });
        TrafficRunTests.Consistent(result);
        Assert.Equal((result.Sent, 0L), (result.Lost, result.LostConnections));
        Assert.Equal(FailureClass.Refused, Assert.Single(result.Failures).Class);
    }
}
