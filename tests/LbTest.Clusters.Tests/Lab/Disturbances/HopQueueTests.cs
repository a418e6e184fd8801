using LbTest.Clusters.Lab.Disturbances;

namespace LbTest.Clusters.Tests.Lab.Disturbances;

/// <summary>Which queueing disciplines a device gets: what begins is added in its place, what ends loses nothing that is on its way.</summary>
public class HopQueueTests
{
    private static readonly HopTrouble
        Calm = new(), Slow = new() { BytesPerSecond = 1e6 }, Late = new() { Latency = TimeSpan.FromMilliseconds(20), Jitter = TimeSpan.FromMilliseconds(1.5) },
        Mixed = new() { Overtaking = 12.5, HeldBack = TimeSpan.FromMilliseconds(10) }, Lossy = new() { Loss = 0.25 };

    private const string Bucket = "tbf rate 1000000bps burst 16384 limit 116384";

    private static string[] Lines(HopQueue queue, HopTrouble trouble) => queue.Change(trouble).Split('\n', StringSplitOptions.RemoveEmptyEntries);

    [Fact]
    public void A_rate_limit_alone_needs_no_netem()
    {
        var queue = new HopQueue("eth0");
        Assert.Equal([$"qdisc replace dev eth0 root handle 3: {Bucket}"], Lines(queue, Slow));
        Assert.Equal(["qdisc del dev eth0 root handle 3:"], Lines(queue, Calm));
        Assert.Empty(queue.Clear());
    }

    [Fact]
    public void A_delay_that_ends_leaves_what_it_holds_on_its_way()
    {
        var queue = new HopQueue("eth0");
        Assert.Equal(["qdisc replace dev eth0 root handle 2: netem limit 100000 delay 20000us 1500us"], Lines(queue, Late));
        Assert.Equal(["qdisc replace dev eth0 root handle 2: netem limit 100000 delay 0us"], Lines(queue, Calm));
        Assert.Equal("qdisc del dev eth0 root\n", queue.Clear());
        Assert.Empty(queue.Clear());
    }

    [Fact]
    public void A_rate_limit_ends_while_a_delay_goes_on()
    {
        var queue = new HopQueue("eth0");
        Assert.Equal(["qdisc replace dev eth0 root handle 2: netem limit 100000 delay 20000us 1500us", $"qdisc replace dev eth0 parent 2:1 handle 3: {Bucket}"],
            Lines(queue, Late with { BytesPerSecond = 1e6 }));
        Assert.Equal(["qdisc replace dev eth0 root handle 2: netem limit 100000 delay 20000us 1500us", "qdisc del dev eth0 parent 2:1 handle 3:"], Lines(queue, Late));
    }

    [Fact]
    public void What_overtakes_is_delayed_like_the_others()
    {
        var queue = new HopQueue("pod1");
        HopTrouble all = Late with { Overtaking = Mixed.Overtaking, HeldBack = Mixed.HeldBack, BytesPerSecond = 1e6 };
        string[] chain =
        [
            "qdisc replace dev pod1 root handle 2: netem limit 100000 delay 20000us 1500us", "qdisc replace dev pod1 parent 2:1 handle 4: netem limit 100000 delay 10000us reorder 12.5%",
            $"qdisc replace dev pod1 parent 4:1 handle 3: {Bucket}",
        ];
        // The bucket was at the top before; the one that is put in above it ends it.
        _ = queue.Change(Slow);
        Assert.Equal(chain, Lines(queue, all));
        Assert.Equal(["qdisc replace dev pod1 root handle 2: netem limit 100000 delay 0us", chain[1], "qdisc del dev pod1 parent 4:1 handle 3:"], Lines(queue, Mixed));
        Assert.Equal([chain[0], "qdisc replace dev pod1 parent 2:1 handle 4: netem limit 100000 delay 0us"], Lines(queue, Late));
        // Put in above the bucket of a delay that had one, it ends that too.
        queue = new HopQueue("pod1");
        _ = queue.Change(Late with { BytesPerSecond = 1e6 });
        Assert.Equal(chain[..2], Lines(queue, all with { BytesPerSecond = null }));
    }

    [Fact]
    public void In_user_mode_netem_loses_packets_too()
    {
        var queue = new HopQueue("eth0");
        Assert.Equal(["qdisc replace dev eth0 root handle 2: netem limit 100000 delay 0us loss random 0.25%"], Lines(queue, Lossy));
        Assert.Equal(["qdisc replace dev eth0 root handle 2: netem limit 100000 delay 20000us 1500us"], Lines(queue, Late));
    }
}
