using System.Collections.Immutable;
using System.Globalization;
using LbTest.Clusters.Lab;
using LbTest.Clusters.Lab.Dataplanes;
using LbTest.Engine.Disturbances;
using LbTest.Engine.Traffic;
using Xunit.Abstractions;

namespace LbTest.Clusters.Tests.Lab;

/// <summary>The cases that the traffic test was made for.</summary>
public class TrafficAcceptanceTests(ITestOutputHelper output)
{
    // So many standard deviations are exceeded by chance less than once in a million runs.
    private const double Deviations = 5;

    [SkippableFact]
    public async Task Case_1_an_ecmp_target_is_removed_and_added_again_plain_and_resilient()
    {
        LabFixture.Require();
        const int clients = 400;
        (TrafficResult Result, Disruption Cost)[] both = await Task.WhenAll(new[] { false, true }.Select(async resilient =>
        {
            LabSpec spec = LabFixture.Spec(nodes: 4, endpoints: 8) with { Ecmp = true, EcmpResilient = resilient };
            return await Run(spec, Request(clients, 7) with
            {
                Disturbances = [LabFixture.Disturb(DisturbanceKind.EcmpTargetRemove, 2, "node-2"), LabFixture.Disturb(DisturbanceKind.EcmpTargetAdd, 5, "node-2")],
            });
        }));
        (DisruptionStep[] plain, DisruptionStep[] resilient) = (both[0].Cost.Steps.ToArray(), both[1].Cost.Steps.ToArray());
        foreach (DisruptionStep[] steps in new[] { plain, resilient })
        {
            Assert.Equal([DisturbanceKind.EcmpTargetRemove, DisturbanceKind.EcmpTargetAdd], steps.Select(s => s.Kind));
            // The least is a quarter, whatever the group does.
            Assert.Equal(clients / 4, steps[0].Least);
        }

        // Resilient: those of the node and no others; nobody is moved when it comes back.
        Assert.InRange(resilient[0].Lost, Within(clients, 0.25).Low, Within(clients, 0.25).High);
        Assert.Equal(0, resilient[1].Lost);
        // Plain: the hash is laid out anew over three, where node 3 gives a half of what it gets; and once more when the node comes back.
        Assert.InRange(plain[0].Lost, Within(clients, 1 / 3.0).Low, Within(clients, 1 / 3.0).High);
        Assert.True(plain[1].Lost > 0);
        Assert.All(both, run => Assert.Equal(clients, run.Result.Samples[^1].Active));
    }

    [SkippableFact]
    public async Task Case_2_packet_loss_costs_retransmits_and_drops_and_no_connection()
    {
        LabFixture.Require();
        TrafficRequest request = Request(40, 8);
        request = request with
        {
            Plan = request.Plan with { PacketsPerSecond = null, BytesPerSecond = 500_000, PacketSize = 1024, ResponseTimeout = TimeSpan.FromSeconds(5) },
            Disturbances = [LabFixture.Disturb(DisturbanceKind.PacketLoss, 2) with { Percent = 5, Duration = TimeSpan.FromSeconds(3) }],
        };
        (TrafficResult result, Disruption cost) = await Run(LabFixture.Spec(nodes: 2, endpoints: 4), request);
        Assert.Equal((0L, 0L, 0L), (result.LostConnections, result.FailedConnects, cost.LostConnections));
        DisturbanceEvent begin = result.Disturbances[0], end = result.Disturbances[1];
        TrafficSample[] before = [.. result.Samples.Where(s => s.Time <= begin.Applied)], window = [.. result.Samples.Where(s => s.Time > begin.Applied && s.Time <= end.Applied + TimeSpan.FromSeconds(1))];
        // What was lost at the last moment is sent again up to a second later.
        TrafficSample[] after = [.. result.Samples.Where(s => s.Time > end.Applied + TimeSpan.FromSeconds(2))];
        Assert.Equal((true, true), (before.Length >= 1, after.Length >= 1));
        // 5 % of 1,500 packets and of their answers: the client alone sends about 70 again.
        Assert.InRange(window.Sum(s => s.Retransmits), 30, 400);
        Assert.True(window.Sum(s => s.Dropped) > 0);
        Assert.Equal((0L, 0L), (before.Sum(s => s.Retransmits), after.Sum(s => s.Retransmits)));
        // Without those that a busy machine was late for.
        Assert.True(window.Average(s => s.Dropped - s.Late) > 3 * before.Concat(after).Average(s => s.Dropped - s.Late));
        Assert.Equal(request.Plan.EffectivePacketsPerSecond * 8, result.Sent + result.Dropped, 0.05 * 488 * 8);
    }

    [SkippableFact]
    public async Task Case_3_a_rolling_update_costs_what_its_plan_foresees()
    {
        LabFixture.Require();
        const int clients = 120, replicas = 4;
        Disturbance update = LabFixture.Disturb(DisturbanceKind.RollingUpdate, 1) with { MaxSurge = "0", MaxUnavailable = "25%", ReadinessDelay = TimeSpan.FromSeconds(1) };
        (TrafficResult result, Disruption cost) = await Run(LabFixture.Spec(nodes: 2, endpoints: replicas), Request(clients, 6.5) with { Disturbances = [update] });
        ImmutableArray<RolloutStep> plan = Rollout.Update(replicas, update.MaxSurge, update.MaxUnavailable, update.ReadinessDelay, update.DrainTime);
        double[] expected = [.. RolloutExpectation.Lost(plan, replicas, clients)];
        // 30 of 4, 40 of 3, and so on: what was lost goes to those that are there, and is lost once more.
        Assert.Equal([30, 40, 53, 71], expected.Select(e => Math.Round(e)));
        DisruptionStep[] steps = [.. cost.Steps.Where(s => s.Least > 0)];
        Assert.Equal(expected.Length, steps.Length);
        for (int i = 0; i < steps.Length; i++)
        {
            output.WriteLine($"step {i + 1}: {steps[i].Lost} lost and {steps[i].Reconnected} made anew, {steps[i].Least} at least, {expected[i]:0.0} expected");
            // Exactly those that were on it, and no others.
            Assert.Equal(steps[i].Lost, steps[i].Least);
            // What earlier steps did by chance adds to the chance of this one.
            (double low, double high) = Within(clients, expected[i] / clients, Deviations * 1.5);
            Assert.InRange(steps[i].Lost, low, high);
        }

        Assert.Equal(steps.Sum(s => s.Lost), result.LostConnections);
        Assert.InRange(result.LostConnections, 140, 250);
        Assert.Equal(result.LostConnections, result.Connections.Length - clients);
        // The old ones are gone. The last of the new ones comes when nobody looks for an endpoint any more.
        Assert.Equal(["tserver-005", "tserver-006", "tserver-007"], result.Connections.Where(c => c.Failure is null).Select(c => c.Endpoint).Distinct().Order());
        Assert.Equal(clients, result.Samples[^1].Active);
    }

    [SkippableFact]
    public async Task Case_4_a_server_that_is_killed_and_started_again()
    {
        LabFixture.Require();
        Disturbance killed = LabFixture.Disturb(DisturbanceKind.EndpointDown, 2, "tserver-001") with { Mode = EndpointDownMode.Reset, Duration = TimeSpan.FromSeconds(2) };
        (TrafficResult result, Disruption cost) = await Run(LabFixture.Spec(nodes: 1, endpoints: 1), Request(30, 6.5) with { Disturbances = [killed] });
        Assert.Equal((30L, 30, 30), (result.LostConnections, result.Samples.Max(s => s.Connecting), result.Samples[0].Active));
        Assert.Contains(result.Samples, s => s.Active == 0 && s.Connecting == 30);
        Assert.Equal((30, 0), (result.Samples[^1].Active, result.Samples[^1].Connecting));
        Assert.True(result.FailedConnects > 30);
        Assert.Equal((true, 30.0), (cost.Recovered, cost.LeastLost));
        // Nothing came through while it was away.
        Assert.True(result.LongestSilence > TimeSpan.FromSeconds(1.5), result.LongestSilence.ToString());
    }

    [SkippableFact]
    public async Task Case_5_both_proxy_modes_under_the_same_disturbances()
    {
        LabFixture.Require();
        Disturbance[] disturbances =
        [
            LabFixture.Disturb(DisturbanceKind.EndpointDown, 1) with { Count = 1, Mode = EndpointDownMode.Reset, DetectAfter = TimeSpan.FromSeconds(1) },
            LabFixture.Disturb(DisturbanceKind.NodeDown, 3, "node-2") with { DetectAfter = TimeSpan.FromSeconds(0.5) },
        ];
        (TrafficResult Result, Disruption Cost)[] runs = await Task.WhenAll(new[] { ProxyMode.Iptables, ProxyMode.Nftables }.Select(mode =>
            Run(LabFixture.Spec(mode, nodes: 3, endpoints: 9), Request(90, 6) with { Disturbances = [.. disturbances] })));
        Assert.Equal(["iptables", "nftables"], runs.Select(run => run.Result.Label));
        // The same seed chose the same endpoint.
        Assert.Equal(runs[0].Result.Disturbances.Select(e => e.Description), runs[1].Result.Disturbances.Select(e => e.Description));
        foreach ((TrafficResult result, Disruption cost) in runs)
        {
            Assert.Equal((90, 0), (result.Samples[^1].Active, result.Samples[^1].Connecting));
            DisruptionStep[] steps = [.. cost.Steps.Where(s => s.Least > 0)];
            Assert.Equal(2, steps.Length);
            Assert.All(steps, step => Assert.True(step.Lost >= step.Least, $"{step.Description}: {step.Lost} lost, {step.Least} at least"));
            Assert.InRange(steps[0].Lost, Within(90, 1 / 9.0).Low, Within(90, 1 / 9.0).High);
        }
    }

    private static TrafficRequest Request(int clients, double seconds)
    {
        TrafficRequest request = LabFixture.Traffic(seconds);
        return request with { Plan = request.Plan with { Connections = clients, PacketsPerSecond = 5 * clients } };
    }

    private async Task<(TrafficResult Result, Disruption Cost)> Run(LabSpec spec, TrafficRequest request)
    {
        using LabCluster lab = await LabCluster.StartAsync(spec);
        TrafficResult result = await lab.Traffic(request);
        Disruption cost = DisruptionAnalysis.Measure(result);
        lock (output)
        {
            output.WriteLine($"{spec.ProxyMode}{(spec.EcmpResilient ? ", resilient" : "")}: {cost.Explanation}");
            foreach (DisturbanceEvent e in result.Disturbances) output.WriteLine(Text($"  {e.Planned.TotalSeconds:0.000} {e.Applied.TotalSeconds:0.0000} took {e.Took.TotalMilliseconds:0} ms: {e.Description}"));
            foreach (DisruptionStep s in cost.Steps) output.WriteLine(Text($"  {s.Time.TotalSeconds:0.000} {s.Kind}: {s.Lost} lost, least {s.Least}, expected {s.Expected:0.0}, {s.Reconnected} made anew, {s.Dropped} dropped, {s.Retransmits} sent again"));
            foreach (TrafficSample s in result.Samples) output.WriteLine(Text($"  {s.Time.TotalSeconds:0.0} s: {s.Active} active, {s.Failed} failed, {s.Connecting} connecting, {s.Sent} sent, {s.Received} received, {s.Dropped} dropped, {s.Retransmits} sent again"));
            output.WriteLine(string.Join('\n', result.Warnings));
        }

        Assert.All(result.Disturbances, e => Assert.True(e.Error is null, $"{e.Description}: {e.Error}"));
        Assert.True(result.Completed, result.Reason);
        return (result, cost);
    }

    private static (double Low, double High) Within(int count, double share, double deviations = Deviations)
    {
        double reach = deviations * Math.Sqrt(count * share * (1 - share));
        return (Math.Max(0, (count * share) - reach), (count * share) + reach);
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
