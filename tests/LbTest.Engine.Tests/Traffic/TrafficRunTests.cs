using System.Net;
using LbTest.Engine.Connect;
using LbTest.Engine.Sockets;
using LbTest.Engine.Traffic;

namespace LbTest.Engine.Tests.Traffic;

public class TrafficRunTests
{
    internal static TrafficPlan Plan(IPEndPoint target) => new()
    {
        Target = target, Connections = 8, PacketsPerSecond = 160, PacketSize = 256, Duration = TimeSpan.FromSeconds(1.3), Seed = 1,
    };

    // What must hold in every result, whatever happened.
    internal static void Consistent(TrafficResult result)
    {
        Assert.Equal(result.Sent, result.Samples.Sum(s => s.Sent));
        Assert.Equal(result.Received, result.Samples.Sum(s => s.Received));
        Assert.Equal(result.Dropped, result.Samples.Sum(s => s.Dropped));
        Assert.Equal(result.Late, result.Samples.Sum(s => s.Late));
        Assert.InRange(result.Late, 0, result.Dropped);
        Assert.Equal(result.Sent, result.Received + result.Lost);
        Assert.Equal(result.LostConnections, result.Samples.Sum(s => s.Failed));
        Assert.Equal(result.LostConnections, result.Connections.Count(c => c.WasLost));
        Assert.Equal(result.Connections.Count(c => c.Connected is not null), result.Samples.Sum(s => s.New));
        Assert.Equal(result.Latency.Count, result.Received);
        Assert.Equal(result.FailedConnects, result.Connections.Sum(c => c.FailedConnects));
        Assert.All(result.Connections, c => Assert.True(c.Started <= c.Ended && (c.Connected ?? c.Started) <= c.Ended && c.Ended <= result.Duration, c.ToString()));
        Assert.All(result.Connections.GroupBy(c => c.Client), client => Assert.Equal(Enumerable.Range(0, client.Count()), client.Select(c => c.Reconnects)));
        Assert.Equal(result.Samples.Select(s => s.Time).Order(), result.Samples.Select(s => s.Time));
    }

    [Fact]
    public async Task Every_planned_send_of_a_connection_is_sent_or_dropped()
    {
        using EchoPeer peer = EchoPeer.Echo(256);
        // With a ramp-up, packets are planned from the very start.
        TrafficPlan plan = Plan(peer.Address) with { RampUp = TimeSpan.FromMilliseconds(1) };
        TrafficResult result = await TrafficRun.RunAsync(plan);
        Consistent(result);
        Assert.True(result.Completed);
        Assert.Equal(8, result.Connections.Length);
        Assert.All(result.Connections, c =>
        {
            Assert.Equal(EchoPeer.Name, c.Endpoint);
            Assert.Null(c.Failure);
            Assert.Equal(plan.Duration, c.Ended);
            // Client i sends its k-th packet at (k * 8 + i) / 160 s. At either end one slot may go either way.
            double first = ((c.Connected!.Value.TotalSeconds * 160) - c.Client) / 8, end = ((1.3 * 160) - c.Client) / 8;
            Assert.InRange(c.Sent + c.Dropped, Math.Ceiling(end) - Math.Ceiling(first) - 1, Math.Ceiling(end) - Math.Ceiling(first) + 1);
        });
        Assert.Equal(8, result.Samples[^1].Active);
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(3, 3)]
    [InlineData(7, 64)]
    public async Task Any_number_of_threads_makes_one_consistent_result(int threads, int connections)
    {
        using EchoPeer peer = EchoPeer.Echo(64);
        TrafficResult result = await TrafficRun.RunAsync(Plan(peer.Address) with { Threads = threads, Connections = connections, PacketSize = 64 });
        Consistent(result);
        Assert.Equal(Enumerable.Range(0, connections), result.Connections.Select(c => c.Client).Order());
        Assert.Equal(0, result.LostConnections);
    }

    [Fact]
    public async Task An_echo_that_takes_longer_than_the_interval_drops_sends_and_latency_counts_from_the_planned_time()
    {
        var wait = TimeSpan.FromMilliseconds(150);
        using EchoPeer peer = EchoPeer.Echo(256, wait);
        // An interval of 100 ms: the second send waits 50 ms, the third would have to wait 100 and is dropped, and so on.
        TrafficResult result = await TrafficRun.RunAsync(Plan(peer.Address) with { PacketsPerSecond = 80, Duration = TimeSpan.FromSeconds(2) });
        Consistent(result);
        Assert.True(result.Dropped >= 8 * 4, $"{result.Dropped} dropped");
        Assert.True(result.Latency.P50 >= wait, $"{result.Latency.P50}");
        Assert.True(result.Latency.P90 >= wait + TimeSpan.FromMilliseconds(30), $"{result.Latency.P90}: the wait for the slot before is part of it");
        Assert.Equal(0, result.LostConnections);
    }

    [Fact]
    public async Task Stopped_in_the_middle_the_result_is_what_was_measured()
    {
        using EchoPeer peer = EchoPeer.Echo(256);
        using var stop = new CancellationTokenSource(TimeSpan.FromMilliseconds(700));
        TrafficResult result = await TrafficRun.RunAsync(Plan(peer.Address) with { Duration = TimeSpan.FromMinutes(5) }, cancel: stop.Token);
        Consistent(result);
        Assert.Equal((false, "stopped by the user", 8), (result.Completed, result.Reason, result.Connections.Length));
        Assert.True(result.Received > 0 && result.Duration < TimeSpan.FromMinutes(1));
    }

    [Fact]
    public async Task Every_second_is_told_once_and_ended_connections_with_it()
    {
        using EchoPeer peer = EchoPeer.Echo(256, packets: 10);
        var told = new List<TrafficProgress>();
        long start = 0;
        TrafficResult result = await TrafficRun.RunAsync(Plan(peer.Address) with { Duration = TimeSpan.FromSeconds(2.5) }, progress: new Told(told), started: at => start = at);
        Consistent(result);
        Assert.NotEqual(0, start);
        Assert.Equal(result.Started, Assert.Single(told, p => p.Started is not null).Started);
        Assert.Equal([1, 2, 2.5], result.Samples.Select(s => s.Time.TotalSeconds));
        Assert.Equal(result.Samples.Select(s => s.Sent), told.Where(p => p.Sample is not null).Select(p => p.Sample!.Sent));
        Assert.Equal(result.Connections.Length, told.Sum(p => p.Ended.Length));
    }

    [Fact]
    public async Task Connections_start_evenly_over_the_ramp()
    {
        using EchoPeer peer = EchoPeer.Echo(256);
        TrafficResult result = await TrafficRun.RunAsync(Plan(peer.Address) with { RampUp = TimeSpan.FromSeconds(0.8) });
        Consistent(result);
        Assert.All(result.Connections, c => Assert.True(c.Started >= TimeSpan.FromSeconds(0.1 * c.Client), $"{c.Client}: {c.Started}"));
    }

    [Fact]
    public async Task A_silence_of_all_is_found()
    {
        int packets = 0;
        using EchoPeer peer = EchoPeer.Tcp(async (stream, cancel) =>
        {
            byte[] packet = new byte[256];
            while (true)
            {
                await stream.ReadExactlyAsync(packet, cancel);
                if (Interlocked.Increment(ref packets) is > 40 and <= 48) await Task.Delay(400, cancel);
                await stream.WriteAsync(packet, cancel);
            }
        });
        TrafficResult result = await TrafficRun.RunAsync(Plan(peer.Address));
        Consistent(result);
        Assert.True(result.LongestSilence >= TimeSpan.FromMilliseconds(300), $"{result.LongestSilence}");
        Assert.All(result.Connections, c => Assert.True(c.LongestGap >= TimeSpan.FromMilliseconds(350), $"{c.LongestGap}"));
    }
}

file sealed class Told(List<TrafficProgress> reports) : IProgress<TrafficProgress>
{
    public void Report(TrafficProgress value) => reports.Add(value);
}
