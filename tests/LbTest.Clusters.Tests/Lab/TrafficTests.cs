using System.Collections.Immutable;
using LbTest.Clusters.Lab;
using LbTest.Clusters.Lab.Dataplanes;
using LbTest.Clusters.Tests.Lab.Disturbances;
using LbTest.Engine;
using LbTest.Engine.Connect;
using LbTest.Engine.Disturbances;
using LbTest.Engine.Sockets;
using LbTest.Engine.Traffic;

namespace LbTest.Clusters.Tests.Lab;

/// <summary>Traffic tests in a lab: from everywhere to everything, side by side, stopped, and with the agent killed.</summary>
public class TrafficTests
{
    [SkippableTheory]
    [InlineData(ProxyMode.Iptables)]
    [InlineData(ProxyMode.Nftables)]
    public async Task Every_vantage_point_reaches_every_address_in_both_families_and_protocols(ProxyMode mode)
    {
        using LabCluster lab = await LabFixture.StartAsync(LabFixture.Spec(mode));
        // All at once: tests without disturbances do not meet.
        await Task.WhenAll(LabFixture.Ways().Select(async way =>
        {
            TrafficRequest request = LabFixture.Traffic(1) with { From = way.From, To = way.To, IPv6 = way.IPv6 };
            TrafficResult result = await lab.Traffic(request with { Plan = request.Plan with { Protocol = way.Protocol, ResponseTimeout = TimeSpan.FromSeconds(5), ConnectTimeout = TimeSpan.FromSeconds(5) } });
            Assert.True(result.Completed && result is { LostConnections: 0, FailedConnects: 0 }, $"{way}: {string.Join(", ", result.Failures)}");
            Assert.True(result.Received > 0, $"{way}: nothing came back");
            Assert.Equal((20, mode.ToString().ToLowerInvariant(), way.To.ToString()), (result.Connections.Length, result.Label, result.Context!.To));
            // On a busy machine a flow of datagrams may get no answer in a second; a connection is established or failed.
            Assert.All(result.Connections.Where(c => way.Protocol == TransportProtocol.Tcp || c.Received > 0), c => Assert.Contains(result.Endpoints, e => e.Name == c.Endpoint));
        }));
    }

    [SkippableTheory]
    [InlineData(ProxyMode.Iptables)]
    [InlineData(ProxyMode.Nftables)]
    public async Task The_kernels_counters_go_on_over_every_replacement_of_rules(ProxyMode mode)
    {
        using LabCluster lab = await LabFixture.StartAsync(LabFixture.Spec(mode, endpoints: 4));
        ConnectResult connects = await lab.Connect(LabFixture.Request(300));
        // The ports for traffic tests come, an endpoint goes and comes back, all are replaced, and the mode changes for a moment.
        TrafficResult traffic = await lab.Traffic(LabFixture.Traffic(
            2.5, LabFixture.Disturb(DisturbanceKind.EndpointDown, 0.3, "tserver-002") with { Mode = EndpointDownMode.Reset, Duration = TimeSpan.FromSeconds(0.7) },
            LabFixture.Disturb(DisturbanceKind.ProxyModeSwitch, 1.2) with { ProxyMode = mode == ProxyMode.Iptables ? "Nftables" : "Iptables", Duration = TimeSpan.FromSeconds(0.3) },
            LabFixture.Disturb(DisturbanceKind.RollingUpdate, 2)));
        Assert.All(traffic.Disturbances, e => Assert.Null(e.Error));
        ImmutableArray<EndpointCounter> counters = await lab.ObserveAsync(default);
        Dictionary<string, long> connect = Sum(":connect");
        Assert.Equal(connects.Endpoints.ToDictionary(e => e.Name, e => e.Connections), connect.Where(c => connects.Endpoints.Any(e => e.Name == c.Key)).ToDictionary());
        // Connections made while rules were just being replaced may be missing; those before are not.
        Assert.InRange(Sum(":traffic").Values.Sum(), 20, traffic.Connections.Length + traffic.FailedConnects + traffic.Retransmits);
        Assert.All(Enumerable.Range(5, 4), number => Assert.Contains($"tserver-{number:D3}", Sum(":traffic").Keys));

        Dictionary<string, long> Sum(string port) => counters.Where(c => c.Service.EndsWith(port, StringComparison.Ordinal)).GroupBy(c => c.EndpointName).ToDictionary(g => g.Key, g => g.Sum(c => c.Packets));
    }

    [SkippableFact]
    public async Task Stopping_a_test_returns_what_was_measured_and_the_lab_goes_on()
    {
        using LabCluster lab = await LabFixture.StartAsync();
        using var cancel = new CancellationTokenSource();
        var watcher = new Watcher();
        Task<TrafficProgress> seen = watcher.SeesSamples(1);
        Task<TrafficResult> running = lab.Traffic(LabFixture.Traffic(60), watcher, cancel.Token);
        await seen;
        await cancel.CancelAsync();
        TrafficResult result = await running;
        Assert.Equal((false, "stopped by the user"), (result.Completed, result.Reason));
        Assert.True(result.Received > 0);
        Assert.Equal(20, result.Connections.Length);
        Assert.True((await lab.Traffic(LabFixture.Traffic(0.3))).Completed);
    }

    [SkippableFact]
    public async Task An_agent_killed_in_the_middle_of_a_test_leaves_what_it_had_reported()
    {
        using LabCluster lab = await LabFixture.StartAsync();
        var watcher = new Watcher();
        Task<TrafficProgress> seen = watcher.SeesSamples(2);
        Task<TrafficResult> running = lab.Traffic(LabFixture.Traffic(60, LabFixture.Disturb(DisturbanceKind.EndpointDown, 0.5) with { Share = 0.5, Mode = EndpointDownMode.Reset }), watcher);
        await seen;
        LabFixture.Kill(lab.Processes()[1]);
        TrafficResult result = await running;
        Assert.False(result.Completed);
        Assert.Contains("agent is gone", result.Reason, StringComparison.Ordinal);
        Assert.True(result.Samples.Length >= 2);
        Assert.Equal((result.Samples[^1].Time, result.Samples.Sum(s => s.Received)), (result.Duration, result.Received));
        Assert.Equal(DisturbanceKind.EndpointDown, Assert.Single(result.Disturbances).Kind);
        // Those that were reset had ended, and were told of.
        Assert.Equal(result.LostConnections, result.Connections.Count(c => c.WasLost));
        Assert.InRange(result.LostConnections, 1, 20);
        Assert.NotEqual(default, result.Started);
        Assert.Equal((20, 6), (result.Clients, result.Endpoints.Length));
    }

    [SkippableFact]
    public async Task Who_goes_away_in_the_middle_of_a_test_leaves_no_disturbance()
    {
        LabFixture.Require();
        LabSpec spec = LabFixture.Spec() with { Detached = true };
        using LabCluster lab = await LabCluster.StartAsync(spec);
        try
        {
            LabCluster other = (await LabCluster.FindAsync(spec.Name))!;
            var watcher = new Watcher();
            Task<TrafficProgress> seen = watcher.Sees(DisturbanceKind.EndpointDown);
            Task<TrafficResult> running = other.Traffic(LabFixture.Traffic(60, LabFixture.Disturb(DisturbanceKind.EndpointDown, 0.2, "*") with { Mode = EndpointDownMode.Reset }), watcher);
            await seen;
            other.Dispose();
            Assert.False((await running).Completed);
            // Once the other one's is undone, a test may disturb again.
            TrafficResult? result = null;
            for (int turn = 0; result is null && turn < 100; turn++)
            {
                try
                {
                    result = await lab.Traffic(LabFixture.Traffic(0.5, LabFixture.Disturb(DisturbanceKind.PacketLoss, 0.4) with { Percent = 1 }));
                }
                catch (PlanException exception) when (exception.Parameter == "Disturbance")
                {
                    await Task.Delay(50);
                }
            }

            Assert.Equal((20, 0L), (result!.Samples[^1].Active, result.FailedConnects));
        }
        finally
        {
            await lab.StopAsync();
        }
    }

    [SkippableFact]
    public async Task Only_one_of_the_tests_at_a_time_may_disturb_a_lab()
    {
        using LabCluster lab = await LabFixture.StartAsync();
        using var cancel = new CancellationTokenSource();
        var watcher = new Watcher();
        Task<TrafficProgress> seen = watcher.Sees(DisturbanceKind.ConntrackFlush);
        Disturbance flush = LabFixture.Disturb(DisturbanceKind.ConntrackFlush, 0.1);
        Task<TrafficResult> running = lab.Traffic(LabFixture.Traffic(60, flush), watcher, cancel.Token);
        await seen;
        PlanException refused = await Assert.ThrowsAsync<PlanException>(() => lab.Traffic(LabFixture.Traffic(1, flush)));
        Assert.Equal("Disturbance", refused.Parameter);
        Assert.Contains("another traffic test with disturbances", refused.Message, StringComparison.Ordinal);
        Assert.True((await lab.Traffic(LabFixture.Traffic(0.3))).Completed);
        await cancel.CancelAsync();
        Assert.Single((await running).Disturbances);
        Assert.Single((await lab.Traffic(LabFixture.Traffic(0.3, flush))).Disturbances);
    }

    [SkippableFact]
    public async Task Without_endpoints_nobody_gets_through_until_some_come()
    {
        using LabCluster lab = await LabFixture.StartAsync(LabFixture.Spec(endpoints: 0));
        TrafficResult none = await lab.Traffic(LabFixture.Traffic(0.5));
        Assert.Equal([FailureClass.Refused], none.Failures.Select(f => f.Class));
        Assert.All(none.Connections, c => Assert.Null(c.Connected));
        TrafficResult some = await lab.Traffic(LabFixture.Traffic(3, LabFixture.Disturb(DisturbanceKind.ScaleTo, 1) with { Replicas = 3 }));
        Assert.Equal((20, 0), (some.Samples[^1].Active, some.Samples[^1].Connecting));
        Assert.Equal(["tserver-001", "tserver-002", "tserver-003"], some.Connections.Select(c => c.Endpoint).Distinct().Order());
        Assert.Equal([FailureClass.Refused], (await lab.Traffic(LabFixture.Traffic(0.5))).Failures.Select(f => f.Class));
    }

    [SkippableFact]
    public async Task Places_and_plans_that_are_wrong_are_named()
    {
        using LabCluster lab = await LabFixture.StartAsync();
        TrafficRequest request = LabFixture.Traffic(1);
        Assert.Equal("FromName", (await Refused(request with { From = VantagePoint.Node, FromName = ["node-9"] })).Parameter);
        Assert.Equal("ToName", (await Refused(request with { To = ServiceTarget.Endpoint, ToName = "x" })).Parameter);
        Assert.Equal("PacketSize", (await Refused(request with { Plan = request.Plan with { PacketSize = 63 } })).Parameter);
        // Found by the agent, inside.
        Assert.Equal("Source", (await Refused(request with { Plan = request.Plan with { Source = "20.9.0.0/16" } })).Parameter);
        Assert.Equal("SourceFile", (await Refused(request with { Plan = request.Plan with { Sources = ["20.0.0.1"] } })).Parameter);

        Task<PlanException> Refused(TrafficRequest bad) => Assert.ThrowsAsync<PlanException>(() => lab.Traffic(bad));
    }

    [SkippableFact]
    public async Task An_ordinary_user_disturbs_labs_too()
    {
        using var nobody = new OrdinaryUser();
        // More endpoints than an ordinary user's nft takes in one transaction.
        _ = nobody.Succeed("lab", "start", "--name", nobody.LabName, "--detached", "--nodes", "2", "--endpoints", "150", "--ecmp", "--ecmp-resilient");
        string[] disturbances =
        [
            "EndpointDown at=0.3 share=0.1 mode=Drop", "NodeDown at=0.6 name=node-2", "PacketLoss at=0.6 percent=1", "RateLimit at=0.6 bytesPerSecond=1000000",
            "EcmpTargetRemove at=0.2 name=node-1 duration=0.2", "ConntrackFlush at=0.9", "ScaleTo at=1 replicas=151", "ProxyModeSwitch at=1.2 proxyMode=Iptables",
        ];
        (_, string said) = await Task.Run(() => nobody.Run(["traffic", "--lab", nobody.LabName, "--duration", "3", "--json", .. disturbances.SelectMany(d => new[] { "-d", d })]));
        TrafficResult result = Assert.IsType<TrafficResult>(Engine.Results.ResultJson.ReadAny(said));
        Assert.Equal(9, result.Disturbances.Length);
        Assert.All(result.Disturbances, e => Assert.Null(e.Error));
        // A machine that is busy with others says so, and is not what is asked about here.
        Assert.DoesNotContain(result.Warnings, warning => !warning.Contains("this machine was busy", StringComparison.Ordinal));
        _ = nobody.Succeed("connect", "--lab", nobody.LabName, "--count", "1000");
    }
}
