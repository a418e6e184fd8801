using LbTest.Clusters.Lab;
using LbTest.Clusters.Lab.Dataplanes;
using LbTest.Clusters.Lab.Kernels;
using LbTest.Clusters.Prerequisites;
using LbTest.Engine.Connect;
using LbTest.Engine.Disturbances;
using LbTest.Engine.Sockets;
using LbTest.Engine.Traffic;
using Xunit.Abstractions;

namespace LbTest.Clusters.Tests.Lab.Disturbances;

/// <summary>What a user-mode kernel can do beyond this machine's, and what it does in other ways: seen in what becomes of packets.</summary>
public sealed class UserModeEffectTests(ITestOutputHelper output) : IAsyncLifetime, IDisposable
{
    private LabCluster? _lab;

    public async Task InitializeAsync()
    {
        LabFixture.Require();
        Prerequisite? missing = PrerequisiteCheck.Of([ProxyMode.Ipvs], LabKernel.UserMode).FirstOrDefault(need => !need.Present);
        if (missing is null) _lab = await LabCluster.StartAsync(LabFixture.Spec(ProxyMode.Ipvs, nodes: 2, endpoints: 4) with { Kernel = LabKernel.UserMode });
        else output.WriteLine($"this machine lacks {missing.Name} for user-mode labs: {missing.Remedy}");
    }

    public Task DisposeAsync() => _lab is null ? Task.CompletedTask : _lab.StopAsync();

    public void Dispose() => _lab?.Dispose();

    private LabCluster Lab
    {
        get
        {
            Skip.If(_lab is null, "this machine has no user-mode kernel");
            return _lab;
        }
    }

    private static Disturbance A(DisturbanceKind kind, double at) => new() { Kind = kind, At = TimeSpan.FromSeconds(at), Direction = HopDirection.To };

    // A few connections with packets 5 ms apart; what is asked for one after the other by each is in order unless a hop changes that.
    private static TrafficRequest Datagrams(double seconds, params Disturbance[] disturbances)
    {
        TrafficRequest request = LabFixture.Traffic(seconds, disturbances);
        return request with { Plan = request.Plan with { Connections = 1, PacketsPerSecond = 200, Protocol = TransportProtocol.Udp } };
    }

    private static long Between(LatencySummary latency, double from, double to) => latency.Buckets.Where(b => b.UpperNanoseconds > from * 1e6 && b.UpperNanoseconds <= to * 1e6).Sum(b => b.Count);

    private static TimeSpan Milliseconds(double milliseconds) => TimeSpan.FromMilliseconds(milliseconds);

    private async Task<TrafficResult> Run(TrafficRequest request)
    {
        TrafficResult result = await Lab.Traffic(request);
        foreach (DisturbanceEvent what in result.Disturbances) output.WriteLine($"{what.Planned} {what.Applied} took {what.Took}: {what.Description}");
        foreach (TrafficSample sample in result.Samples) output.WriteLine($"{sample.Time}: {sample.Sent} sent, {sample.Received} received, {sample.Latency}");
        output.WriteLine($"{result.Reordered} reordered, {result.Lost} lost");
        Assert.All(result.Disturbances, what => Assert.Null(what.Error));
        return result;
    }

    [SkippableFact]
    public async Task A_delay_is_added_and_its_jitter_stays_within_its_limits()
    {
        TrafficResult result = await Run(Datagrams(5, A(DisturbanceKind.Delay, 0.5) with { Latency = Milliseconds(200), Jitter = Milliseconds(100) }));
        // Whatever left after the first second took 100 ms at least; where a busy machine adds to that there is more above than below.
        long early = Between(result.Latency, 0, 99.9), low = Between(result.Latency, 99.9, 160), high = Between(result.Latency, 240, 10_000);
        Assert.True(early <= result.Samples[0].Sent, $"{early} of {result.Samples[0].Sent}");
        Assert.True(low >= 50, $"{low}");
        Assert.True(high >= 150, $"{high}");
        Assert.Equal(0, result.Lost);
        // Packets 5 ms apart whose delays are up to 200 ms apart change places.
        Assert.True(result.Reordered > 100);
    }

    [SkippableFact]
    public async Task Some_packets_overtake_the_others_and_none_is_lost()
    {
        TrafficResult calm = await Run(Datagrams(2));
        Assert.Equal(0, calm.Reordered);
        TrafficResult result = await Run(Datagrams(4, A(DisturbanceKind.Reorder, 1) with { Percent = 25, Latency = Milliseconds(30), Duration = TimeSpan.FromSeconds(2) }));
        // A quarter goes at once, past up to six that wait: nearly all others of the two seconds are overtaken.
        Assert.InRange(result.Reordered, 100, 400);
        Assert.Equal(0, result.Lost);
    }

    [SkippableFact]
    public async Task What_overtakes_on_a_slow_hop_is_as_slow_as_the_hop()
    {
        TrafficResult result = await Run(Datagrams(
            4, A(DisturbanceKind.Delay, 0.5) with { Latency = Milliseconds(50) }, A(DisturbanceKind.Reorder, 1) with { Percent = 50, Latency = Milliseconds(100) },
            A(DisturbanceKind.RateLimit, 1) with { BytesPerSecond = 1e6, Duration = TimeSpan.FromSeconds(1) }, A(DisturbanceKind.PacketLoss, 2) with { Percent = 20 }));
        Assert.True(Between(result.Latency, 0, 49.9) <= result.Samples[0].Sent);
        // Both those that overtake and those that are held back are delayed.
        Assert.True(Between(result.Latency, 49.9, 149.9) >= 100);
        Assert.True(Between(result.Latency, 149.9, 10_000) >= 100);
        Assert.True(result.Reordered > 50);
        // A fifth of some 400; so far off is less likely than one in a million.
        Assert.InRange(result.Lost, 40, 130);
    }

    [SkippableFact]
    public async Task Endpoints_and_nodes_fall_silent()
    {
        Disturbance silence = new() { Kind = DisturbanceKind.EndpointDown, At = TimeSpan.FromSeconds(0.5), Name = ["*"], Mode = EndpointDownMode.Drop, DetectAfter = TimeSpan.FromSeconds(9) };
        TrafficResult result = await Run(LabFixture.Traffic(3, silence));
        Assert.Equal(20, result.LostConnections);
        Assert.Equal([FailureClass.TimedOut], result.Failures.Select(f => f.Class).Distinct());
        Assert.Equal(0L, result.Samples[^1].Received);
        // And speak again.
        Assert.Equal(40, (await Lab.Connect(LabFixture.Request(40))).Connections);
    }

    [SkippableFact]
    public async Task A_lab_changes_scheduler_and_mode_as_it_runs()
    {
        Assert.Equal("10 10 10 10", Counts(await Lab.Connect(LabFixture.Request(40))));
        await Lab.SetModeAsync(Lab.Mode.To(null, IpvsScheduler.Dh));
        Assert.Equal((ProxyMode.Ipvs, IpvsScheduler.Dh), (Lab.ProxyMode, Lab.IpvsScheduler));
        ConnectResult dh = await Lab.Connect(LabFixture.Request(40));
        Assert.Equal(("ipvs-dh", "dh"), (dh.Label, dh.Context!.Scheduler));
        Assert.Equal("0 0 0 40", Counts(dh));
        await Lab.SetModeAsync(Lab.Mode.To(ProxyMode.Iptables, null));
        ConnectResult iptables = await Lab.Connect(LabFixture.Request(40));
        Assert.Equal(("iptables", 40L, null), (iptables.Label, iptables.Connections, Lab.IpvsScheduler));
        Engine.PlanException refused = await Assert.ThrowsAsync<Engine.PlanException>(() => Lab.SetModeAsync(Lab.Mode.To(ProxyMode.Nftables, null)));
        Assert.Contains("has no NAT by nftables", refused.Message, StringComparison.Ordinal);
        await Lab.SetModeAsync(Lab.Mode.To(ProxyMode.Ipvs, null));
        Assert.Equal("10 10 10 10", Counts(await Lab.Connect(LabFixture.Request(40))));

        static string Counts(ConnectResult result) => string.Join(' ', result.Endpoints.Select(e => e.Connections).Order());
    }

    [SkippableFact]
    public async Task A_traffic_test_changes_scheduler_and_mode_and_only_leaving_IPVS_loses_its_connections()
    {
        static Disturbance Switch(double at, double duration, ProxyMode? mode, IpvsScheduler? scheduler) => new()
        {
            Kind = DisturbanceKind.ProxyModeSwitch, At = TimeSpan.FromSeconds(at), Duration = TimeSpan.FromSeconds(duration), ProxyMode = mode?.ToString(), IpvsScheduler = scheduler?.ToString(),
        };
        TrafficResult result = await Run(LabFixture.Traffic(9, Switch(1, 1, null, IpvsScheduler.Lc), Switch(3, 4, ProxyMode.Iptables, null)));
        Assert.Equal(
            ["all nodes change over from Ipvs (rr) to Ipvs (lc)", "all nodes change back to Ipvs (rr)", "all nodes change over from Ipvs (rr) to Iptables", "all nodes change back to Ipvs (rr)"],
            result.Disturbances.Select(what => what.Description));
        Assert.Equal("rr", result.Context!.Scheduler);
        // A change of scheduler moves nobody. Connections of IPVS are in its own table, which goes with the mode; those that came in mode Iptables stay as IPVS returns.
        Assert.DoesNotContain(result.Connections, c => c.Ended < TimeSpan.FromSeconds(3));
        Assert.Equal((20L, 40), (result.LostConnections, result.Connections.Length));
        Assert.All(result.Connections, c => Assert.Equal(0, c.EndpointChanges));
        Assert.Equal(new LabMode(ProxyMode.Ipvs), Lab.Mode);
        Assert.Equal(40, (await Lab.Connect(LabFixture.Request(40))).Connections);
    }
}
