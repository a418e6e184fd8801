using System.Net.Sockets;
using System.Globalization;
using LbTest.Clusters.Lab;
using LbTest.Clusters.Lab.Dataplanes;
using LbTest.Engine;
using LbTest.Engine.Disturbances;
using LbTest.Engine.Sockets;
using LbTest.Engine.Traffic;
using Xunit.Abstractions;

namespace LbTest.Clusters.Tests.Lab.Disturbances;

/// <summary>Every kind of disturbance is really there while it lasts, and gone afterwards, however the test ends.</summary>
public class EffectTests(ITestOutputHelper output)
{
    private static readonly TimeSpan Tolerance = TimeSpan.FromMilliseconds(50);

    private static Disturbance A(DisturbanceKind kind, params string[] names) => LabFixture.Disturb(kind, 0.3, names);

    // One after the other in one lab, each cancelled as soon as it was seen: so the test's end is never the planned one.
    [SkippableTheory]
    [InlineData(ProxyMode.Nftables)]
    [InlineData(ProxyMode.Iptables)]
    public async Task It_is_there_while_it_lasts_and_gone_when_the_test_is_stopped(ProxyMode mode)
    {
        LabFixture.Require();
        string rules = mode == ProxyMode.Nftables ? "nft list ruleset" : $"{LabFixture.Iptables(AddressFamily.InterNetwork)}-save -t nat; {LabFixture.Iptables(AddressFamily.InterNetworkV6)}-save -t nat";
        string other = mode == ProxyMode.Nftables ? "Iptables" : "Nftables", mark = mode == ProxyMode.Nftables ? "-A KUBE-SERVICES" : "table ip kube-proxy";
        // tserver-003 and -004 live on node-2.
        (Disturbance What, string Place, string Look, string Says, bool There)[] cases =
        [
            (A(DisturbanceKind.EndpointDown, "tserver-003"), "node-1", rules, "11.0.2.2:5003", false),
            (A(DisturbanceKind.EndpointDown, "tserver-003"), "node-3", rules, "[fd00::b00:202]:5001", false),
            (A(DisturbanceKind.EndpointDown, "tserver-003") with { Mode = EndpointDownMode.Reset, DetectAfter = TimeSpan.FromSeconds(9) }, "tserver-003", "ss -ltn", "11.0.2.2:5003", false),
            (A(DisturbanceKind.EndpointDown, "tserver-003") with { Mode = EndpointDownMode.Reset, DetectAfter = TimeSpan.FromSeconds(9) }, "node-1", rules, "11.0.2.2:5003", true),
            (A(DisturbanceKind.EndpointDown, "tserver-003") with { Mode = EndpointDownMode.Drop }, "tserver-003", "nft list ruleset", "table inet lbtest-silence", true),
            (A(DisturbanceKind.NodeDown, "node-2"), "node-2", "nft list ruleset", "table inet lbtest-silence", true),
            (A(DisturbanceKind.NodeDown, "node-2"), "node-2", rules, "11.0.2.2:5003", true),
            (A(DisturbanceKind.NodeDown, "node-2"), "node-1", rules, "11.0.2.2:5003", false),
            (A(DisturbanceKind.NodeDown, "node-2"), "router", "ip nexthop", "id 1000 group 1001/1003 ", true),
            (A(DisturbanceKind.EcmpTargetRemove, "node-2"), "router", "ip nexthop", "id 2000 group 2001/2003 ", true),
            (A(DisturbanceKind.PacketLoss) with { Percent = 0.5, Direction = HopDirection.To }, "tester", "nft list ruleset", "iifname \"eth0\" numgen random mod 1000000 < 5000 drop", true),
            (A(DisturbanceKind.PacketLoss, "tserver-004") with { Percent = 100 }, "node-2", "nft list ruleset", "iifname \"pod2\" drop", true),
            (A(DisturbanceKind.RateLimit, "node-2") with { BytesPerSecond = 1e6 }, "router", "tc qdisc show dev node-2", "rate 8Mbit", true),
            (A(DisturbanceKind.RateLimit, "node-2") with { BytesPerSecond = 1e6, Direction = HopDirection.From }, "router", "tc qdisc show dev node-2", "tbf", false),
            (A(DisturbanceKind.RollingUpdate), "node-2", rules, "11.0.2.4:5003", true),
            (A(DisturbanceKind.ScaleTo) with { Replicas = 2 }, "node-1", rules, "11.0.2.2:5003", false),
            (A(DisturbanceKind.ProxyModeSwitch) with { ProxyMode = other }, "node-3", $"{LabFixture.Iptables(AddressFamily.InterNetwork)}-save -t nat; nft list ruleset", mark, true),
        ];
        using LabCluster lab = await LabCluster.StartAsync(LabFixture.Spec(mode) with { Ecmp = true });
        _ = await lab.Traffic(LabFixture.Traffic(0.2));
        string before = lab.Look();
        foreach ((Disturbance what, string place, string look, string says, bool there) in cases)
        {
            var watcher = new Watcher();
            using var cancel = new CancellationTokenSource();
            Task<TrafficProgress> seen = watcher.Sees(what.Kind);
            Task<TrafficResult> running = lab.Traffic(LabFixture.Traffic(60, what), watcher, cancel.Token);
            DisturbanceEvent begun = (await Task.WhenAny(seen, running) == seen ? await seen : throw new InvalidOperationException($"{what}: {string.Join(", ", (await running).Warnings)}")).Disturbance!;
            string state = lab.Inside(place, look);
            await cancel.CancelAsync();
            TrafficResult result = await running;
            Assert.True(begun.Error is null, begun.Error);
            Assert.True(state.Contains(says, StringComparison.Ordinal) == there, $"{begun.Description}: '{says}' should {(there ? "" : "not ")}be in\n{state}");
            Assert.Equal((false, "stopped by the user"), (result.Completed, result.Reason));
            Assert.Equal(begun.Description, Assert.Single(result.Disturbances).Description);
            // A machine that is busy with others says so, and is not what is asked about here.
            Assert.DoesNotContain(result.Warnings, warning => !warning.Contains("this machine was busy", StringComparison.Ordinal));
            Assert.Equal(before, lab.Look());
            Say(result);
        }

        // And everybody answers again, both kinds of server.
        TrafficResult after = await lab.Traffic(LabFixture.Traffic(0.5));
        Assert.Equal((20, 0L, 0L), (after.Connections.Length, after.FailedConnects, after.LostConnections));
        Assert.Equal(200, (await lab.Connect(LabFixture.Request(200))).Connections);
    }

    [SkippableFact]
    public async Task With_a_duration_it_is_undone_in_the_course_of_the_test()
    {
        LabFixture.Require();
        using LabCluster lab = await LabCluster.StartAsync(LabFixture.Spec(nodes: 4, endpoints: 8) with { Ecmp = true, EcmpResilient = true });
        _ = await lab.Traffic(LabFixture.Traffic(0.2));
        string before = lab.Look();
        TimeSpan second = TimeSpan.FromSeconds(1);
        TrafficResult result = await lab.Traffic(LabFixture.Traffic(
            3, A(DisturbanceKind.EndpointDown, "tserver-001") with { Duration = second }, A(DisturbanceKind.PacketLoss) with { Percent = 1, Duration = second },
            A(DisturbanceKind.RateLimit, "tserver-*") with { BytesPerSecond = 1e6, Duration = second }, A(DisturbanceKind.EcmpTargetRemove, "node-1") with { Duration = second },
            LabFixture.Disturb(DisturbanceKind.NodeDown, 2, "node-3"), LabFixture.Disturb(DisturbanceKind.NodeUp, 2.5), LabFixture.Disturb(DisturbanceKind.ConntrackFlush, 2.5)));
        Say(result);
        Assert.True(result.Completed, result.Reason);
        Assert.Equal([0, 1, 2, 3, 4, 5, 6], result.Disturbances.Where(e => !e.Undo || e.Kind == DisturbanceKind.NodeUp).Select(e => e.Index).Order());
        Assert.Equal([0, 1, 2, 3], result.Disturbances.Where(e => e.Undo && e.Kind != DisturbanceKind.NodeUp).Select(e => e.Index).Order());
        Assert.All(result.Disturbances, e => Assert.Null(e.Error));
        Assert.Equal(result.Disturbances.OrderBy(e => e.Applied), result.Disturbances);
        Assert.Equal(before, lab.Look());
        // Each target has its quarter of the resilient groups' buckets again.
        string[] shares = lab.Inside(LabTopology.Router, "for id in 1000 2000; do ip nexthop bucket show id $id | grep -o 'nhid .*' | sort | uniq -c; done")
            .Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(8, shares.Length);
        Assert.All(shares, share => Assert.StartsWith("32 ", share, StringComparison.Ordinal));
    }

    [SkippableFact]
    public async Task Silence_loss_and_a_rate_limit_have_their_effect()
    {
        LabFixture.Require();
        using LabCluster lab = await LabCluster.StartAsync(LabFixture.Spec(nodes: 1, endpoints: 1));
        // What never comes back is lost; what would not fit waits or is lost.
        TrafficRequest udp = LabFixture.Traffic(2, LabFixture.Disturb(DisturbanceKind.PacketLoss, 0.5) with { Percent = 50, Direction = HopDirection.To });
        udp = udp with { Plan = udp.Plan with { Protocol = TransportProtocol.Udp, PacketsPerSecond = 1000 } };
        TrafficResult loss = await lab.Traffic(udp);
        Say(loss);
        // Half of 1,500; so far off is less likely than one in a million.
        Assert.InRange(loss.Lost / (loss.Sent * 0.75), 0.4, 0.6);

        TrafficRequest slow = LabFixture.Traffic(3, LabFixture.Disturb(DisturbanceKind.RateLimit, 1) with { BytesPerSecond = 20_000 });
        TrafficResult rate = await lab.Traffic(slow with { Plan = slow.Plan with { BytesPerSecond = 200_000, PacketsPerSecond = null, PacketSize = 1000, ResponseTimeout = TimeSpan.FromSeconds(5) } });
        Say(rate);
        // 20,000 bytes/s with all headers, and the 16 KiB of the bucket, of 200,000 that were wanted.
        Assert.InRange(rate.Samples[^1].BytesReceived, 1, 40_000);
        Assert.True(rate.Samples[0].BytesReceived > 4 * rate.Samples[^1].BytesReceived);
        Assert.True(rate.Dropped > 0);

        TrafficResult silent = await lab.Traffic(LabFixture.Traffic(3, LabFixture.Disturb(DisturbanceKind.EndpointDown, 1, "*") with { Mode = EndpointDownMode.Drop, DetectAfter = TimeSpan.FromSeconds(9) }));
        Say(silent);
        Assert.Equal(20, silent.LostConnections);
        Assert.Equal([Engine.Connect.FailureClass.TimedOut], silent.Failures.Select(f => f.Class));
        Assert.Equal((0, 0L), (silent.Samples[^1].Active, silent.Samples[^1].Received));
    }

    [SkippableFact]
    public async Task A_datagram_flow_leaves_an_endpoint_that_leaves_the_rules()
    {
        LabFixture.Require();
        Skip.If(Tools.Tool.Find("conntrack") is null, "this machine lacks conntrack");
        using LabCluster lab = await LabCluster.StartAsync(LabFixture.Spec(endpoints: 2));
        TrafficRequest request = LabFixture.Traffic(2.5, LabFixture.Disturb(DisturbanceKind.EndpointDown, 1, "tserver-001"));
        TrafficResult result = await lab.Traffic(request with { IPv6 = true, Plan = request.Plan with { Protocol = TransportProtocol.Udp } });
        Say(result);
        // All that were there have moved, and go on.
        Assert.InRange(result.Connections.Sum(c => c.EndpointChanges), 1, 20);
        Assert.Equal("tserver-002", Assert.Single(result.Connections.Select(c => c.Endpoint).Distinct()));
        Assert.True(result.Samples[^1].Received > 0);
    }

    [SkippableFact]
    public async Task What_the_kernel_cannot_do_is_refused_with_the_remedy()
    {
        LabFixture.Require();
        using LabCluster lab = await LabCluster.StartAsync(LabFixture.Spec());
        bool netem = LabFixture.Run([.. IsolatedTool, "tc", "qdisc", "add", "dev", "lo", "root", "netem", "delay", "1ms"]).ExitCode == 0;
        Disturbance delay = A(DisturbanceKind.Delay) with { Latency = TimeSpan.FromMilliseconds(100), Jitter = TimeSpan.FromMilliseconds(1) };
        if (netem)
        {
            // With a rate limit on the same way, too.
            TrafficResult result = await lab.Traffic(LabFixture.Traffic(2, delay, A(DisturbanceKind.RateLimit) with { BytesPerSecond = 1e6 }));
            Assert.All(result.Disturbances, e => Assert.Null(e.Error));
            Assert.True(result.Samples[^1].Latency.P50 >= TimeSpan.FromMilliseconds(190), result.Samples[^1].Latency.ToString());
            return;
        }

        PlanException refused = await Assert.ThrowsAsync<PlanException>(() => lab.Traffic(LabFixture.Traffic(2, delay)));
        Assert.Equal("Kind", refused.Parameter);
        Assert.Contains("sch_netem", refused.Remedy, StringComparison.Ordinal);
        Assert.Contains("RateLimit and PacketLoss work without it", refused.Remedy, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task What_cannot_be_is_refused_before_anything_is_touched()
    {
        LabFixture.Require();
        using LabCluster lab = await LabCluster.StartAsync(LabFixture.Spec());
        (Disturbance What, string Parameter)[] cases =
        [
            (LabFixture.Disturb(DisturbanceKind.EndpointDown, 1, "tserver-099"), "Name"), (LabFixture.Disturb(DisturbanceKind.ConntrackFlush, 99), "At"),
            (A(DisturbanceKind.PacketLoss), "Percent"), (A(DisturbanceKind.Script), "Kind"), (A(DisturbanceKind.EcmpTargetRemove, "node-1"), "Kind"),
        ];
        foreach ((Disturbance what, string parameter) in cases)
        {
            Assert.Equal(parameter, (await Assert.ThrowsAsync<PlanException>(() => lab.Traffic(LabFixture.Traffic(10, what)))).Parameter);
        }

        // Not even the lock is held: the next one may disturb.
        Assert.Single((await lab.Traffic(LabFixture.Traffic(0.6, A(DisturbanceKind.ConntrackFlush)))).Disturbances);
    }

    private static string[] IsolatedTool => LabFixture.IsRoot ? ["unshare", "--net"] : ["unshare", "--user", "--map-root-user", "--net"];

    // Said, not asserted: how late a step was depends on what else the machine has to do. None begins early.
    private void Say(TrafficResult result)
    {
        foreach (DisturbanceEvent what in result.Disturbances)
        {
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{what.Planned.TotalSeconds:0.000} {what.Applied.TotalSeconds:0.0000} took {what.Took.TotalMilliseconds:0} ms: {what.Description}"));
            Assert.True(what.Applied >= what.Planned - Tolerance, $"{what.Description} was applied at {what.Applied}, planned for {what.Planned}");
        }
    }
}
