using System.Net;
using LbTest.Engine.Connect;
using LbTest.Engine.Sockets;
using LbTest.Engine.Traffic;

namespace LbTest.Engine.Tests.Traffic;

public class TrafficFailureTests
{
    private static TrafficPlan Plan(IPEndPoint target) => TrafficRunTests.Plan(target);

    [Fact]
    public async Task A_connection_that_the_server_closes_is_lost_and_made_anew()
    {
        using EchoPeer peer = EchoPeer.Echo(256, packets: 5);
        TrafficResult result = await TrafficRun.RunAsync(Plan(peer.Address));
        TrafficRunTests.Consistent(result);
        Assert.True(result.LostConnections >= 8 * 2, $"{result.LostConnections}");
        Assert.All(result.Connections.Where(c => c.WasLost), c =>
        {
            Assert.Equal(5, c.Received);
            Assert.Equal(FailureClass.ReadFailed, c.Failure);
        });
        Assert.Equal(result.LostConnections, result.Failures.Single(f => f.Class == FailureClass.ReadFailed).Count);
    }

    [Fact]
    public async Task Without_reconnect_a_lost_connection_stays_lost()
    {
        using EchoPeer peer = EchoPeer.Echo(256, packets: 2);
        TrafficResult result = await TrafficRun.RunAsync(Plan(peer.Address) with { Reconnect = false });
        TrafficRunTests.Consistent(result);
        Assert.Equal((8, 8, 0), (result.LostConnections, result.Connections.Length, result.Samples[^1].Active));
        Assert.Equal(16, result.Received);
    }

    [Fact]
    public async Task A_reset_is_told_from_an_orderly_end()
    {
        using EchoPeer peer = EchoPeer.Tcp(async (stream, cancel) =>
        {
            await stream.ReadExactlyAsync(new byte[256], cancel);
            stream.Socket.LingerState = new System.Net.Sockets.LingerOption(true, 0);
            // Not through the stream, which would end it in order first.
            stream.Socket.Dispose();
        });
        TrafficResult result = await TrafficRun.RunAsync(Plan(peer.Address));
        TrafficRunTests.Consistent(result);
        Assert.All(result.Connections.Where(c => c.WasLost), c => Assert.Equal(FailureClass.Reset, c.Failure));
        Assert.Equal(result.Sent, result.Lost);
        // Nothing ever came back, so the waits grow: 100, 200, 300, 400 ms, after the first connection and the first packets' wait.
        Assert.All(result.Connections.GroupBy(c => c.Client), client => Assert.InRange(client.Count(), 2, 6));
    }

    [Fact]
    public async Task Nobody_there_is_failed_attempts_with_growing_waits_and_no_lost_connection()
    {
        int port;
        using (EchoPeer peer = EchoPeer.Echo(256)) port = peer.Address.Port;
        TrafficResult result = await TrafficRun.RunAsync(Plan(new IPEndPoint(IPAddress.Loopback, port)));
        TrafficRunTests.Consistent(result);
        Assert.Equal((0, 0, 8), (result.LostConnections, result.Sent, result.Samples[^1].Connecting));
        // Waits of 100, 200, 300, 400 ms fit in 1.3 s, and no more than that.
        Assert.All(result.Connections, c => Assert.InRange(c.FailedConnects, 1, 5));
        Assert.All(result.Connections, c => Assert.Equal((null, FailureClass.Refused, 0L), (c.Connected, c.Failure!.Value, c.Sent)));
    }

    [Fact]
    public async Task A_server_that_never_answers_loses_connections_by_time_out()
    {
        using EchoPeer peer = EchoPeer.Tcp((_, cancel) => Task.Delay(Timeout.Infinite, cancel));
        TrafficResult result = await TrafficRun.RunAsync(Plan(peer.Address) with { ResponseTimeout = TimeSpan.FromMilliseconds(200) });
        TrafficRunTests.Consistent(result);
        Assert.True(result.LostConnections >= 8);
        Assert.All(result.Connections.Where(c => c.WasLost), c => Assert.Equal((FailureClass.TimedOut, 0L), (c.Failure!.Value, c.Received)));
        Assert.True(result.Dropped > 0);
    }

    [Fact]
    public async Task A_server_that_says_more_than_it_got_is_no_echo()
    {
        using EchoPeer peer = EchoPeer.Tcp(async (stream, cancel) => await stream.WriteAsync(new byte[300], cancel));
        TrafficResult result = await TrafficRun.RunAsync(Plan(peer.Address));
        TrafficRunTests.Consistent(result);
        Assert.Contains(result.Failures, f => f is { Class: FailureClass.ReadFailed } && f.Example.Contains("not an echo", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(13)]
    [InlineData(63)]
    [InlineData(65)]
    public async Task The_name_is_found_in_a_first_packet_that_comes_in_pieces(int piece)
    {
        using EchoPeer peer = EchoPeer.Tcp(async (stream, cancel) =>
        {
            byte[] packet = new byte[256];
            for (int number = 0; ; number++)
            {
                await stream.ReadExactlyAsync(packet, cancel);
                if (number == 0) _ = System.Text.Encoding.UTF8.GetBytes(EchoPeer.Name, packet);
                for (int at = 0; at < packet.Length; at += piece)
                {
                    await stream.WriteAsync(packet.AsMemory(at, Math.Min(piece, packet.Length - at)), cancel);
                    if (number == 0 && at < 65) await Task.Delay(1, cancel);
                }
            }
        });
        TrafficResult result = await TrafficRun.RunAsync(Plan(peer.Address) with { Connections = 2, PacketsPerSecond = 10 });
        TrafficRunTests.Consistent(result);
        Assert.All(result.Connections, c => Assert.Equal(EchoPeer.Name, c.Endpoint));
        Assert.Equal(0, result.LostConnections);
    }
}
