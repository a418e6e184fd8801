using System.Collections.Immutable;
using LbTest.Clusters.Lab;
using LbTest.Clusters.Lab.Dataplanes;
using LbTest.Engine.Analysis;
using LbTest.Engine.Connect;
using LbTest.Engine.Serve;

namespace LbTest.Clusters.Tests.Lab.Ipvs;

/// <summary>Nodes with two endpoints, one, and none; both policies are Local.</summary>
public sealed class LocalPolicies() : UserModeLab(
    LabFixture.Spec(ProxyMode.Ipvs) with { EndpointsPerNode = [2, 1, 0], ExternalTrafficPolicy = TrafficPolicy.Local, InternalTrafficPolicy = TrafficPolicy.Local, Ecmp = true });

/// <summary>Traffic policies in mode IPVS, where they hold for pods and nodes too, and what two endpoints of one node can show.</summary>
public class PolicyTests(LocalPolicies lab) : IClassFixture<LocalPolicies>
{
    [SkippableTheory]
    [InlineData(VantagePoint.Node, "node-1", ServiceTarget.LoadBalancer, null, new[] { 0.5, 0.5, 0 })]
    [InlineData(VantagePoint.Pod, "tserver-001", ServiceTarget.LoadBalancer, null, new[] { 0.5, 0.5, 0 })]
    [InlineData(VantagePoint.Pod, "tserver-003", ServiceTarget.LoadBalancer, null, new[] { 0.0, 0, 1 })]
    [InlineData(VantagePoint.Node, "node-1", ServiceTarget.ClusterIP, null, new[] { 0.5, 0.5, 0 })]
    [InlineData(VantagePoint.Pod, "tserver-003", ServiceTarget.ClusterIP, null, new[] { 0.0, 0, 1 })]
    // With no endpoint of its own a node uses all.
    [InlineData(VantagePoint.Node, "node-3", ServiceTarget.ClusterIP, null, new[] { 1 / 3.0, 1 / 3.0, 1 / 3.0 })]
    [InlineData(VantagePoint.External, null, ServiceTarget.NodePort, "node-1", new[] { 0.5, 0.5, 0 })]
    [InlineData(VantagePoint.External, null, ServiceTarget.NodePort, "node-2", new[] { 0.0, 0, 1 })]
    [InlineData(VantagePoint.Pod, "tserver-003", ServiceTarget.NodePort, "node-1", new[] { 0.5, 0.5, 0 })]
    [InlineData(VantagePoint.Node, "node-1", ServiceTarget.NodePort, "node-1", new[] { 0.5, 0.5, 0 })]
    [InlineData(VantagePoint.Node, "node-3", ServiceTarget.NodePort, "node-1", new[] { 0.5, 0.5, 0 })]
    [InlineData(VantagePoint.Node, "node-3", ServiceTarget.NodePort, "node-3", new[] { 1 / 3.0, 1 / 3.0, 1 / 3.0 })]
    public async Task Policy_Local_keeps_to_the_endpoints_of_the_node(VantagePoint from, string? fromName, ServiceTarget to, string? toName, double[] shares)
    {
        LabCluster cluster = await lab.With(IpvsScheduler.Rr);
        foreach (bool ipv6 in new[] { false, true })
        {
            ConnectResult result = await cluster.Connect(LabFixture.Request(60, from, to, ipv6) with { FromName = fromName is null ? [] : [fromName], ToName = toName });
            Assert.True(result.Connections == 60, $"IPv6 {ipv6}: {result.Connections} of 60, {string.Join(", ", result.Failures)}");
            Assert.Equal(shares.Select(share => (long)Math.Round(60 * share)), result.Endpoints.Select(e => e.Connections));
            Assert.Equal(shares, result.Endpoints.Select(e => Math.Round(e.ExpectedShare ?? 1 / 3.0, 12)), (a, b) => Math.Abs(a - b) < 1e-9);
            Assert.Equal((1, true), (result.Context!.RoundRobinEntries, ConnectAnalysis.Measure(result).RoundRobinPromiseKept));
        }
    }

    [SkippableFact]
    public async Task From_outside_each_node_that_has_endpoints_gets_its_part()
    {
        LabCluster cluster = await lab.With(IpvsScheduler.Rr);
        ConnectResult result = await cluster.Connect(LabFixture.Request(2000));
        Assert.Equal(2000, result.Connections);
        Assert.Equal([0.25, 0.25, 0.5], result.Endpoints.Select(e => e.ExpectedShare!.Value));
        // What each node gets is chance, so nothing is promised; its own two get the same.
        Assert.Null(result.Context!.RoundRobinEntries);
        Assert.InRange(Math.Abs(result.Endpoints[0].Connections - result.Endpoints[1].Connections), 0, 1);
        Assert.NotEqual(Verdict.Uneven, ConnectAnalysis.Measure(result, new BalanceOptions { Alpha = 1e-5 }).Verdict);
    }

    [SkippableTheory]
    [InlineData(VantagePoint.External, ServiceTarget.NodePort)]
    [InlineData(VantagePoint.Node, ServiceTarget.LoadBalancer)]
    public async Task Where_answers_do_not_come_back_through_the_node_there_are_none(VantagePoint from, ServiceTarget to)
    {
        LabCluster cluster = await lab.With(IpvsScheduler.Rr);
        ConnectRequest request = LabFixture.Request(5, from, to) with { FromName = from == VantagePoint.Node ? ["node-3"] : [], ToName = "node-3" };
        ConnectResult result = await cluster.Connect(request with { Plan = request.Plan with { ConnectTimeout = TimeSpan.FromMilliseconds(500) } });
        Assert.Equal(5, result.Failed);
    }

    [SkippableFact]
    public async Task Least_connections_pass_by_an_endpoint_that_holds_ten_long_ones()
    {
        ConnectRequest request = LabFixture.Request(10, to: ServiceTarget.NodePort) with { ToName = "node-1" };
        LabCluster cluster = await lab.With(IpvsScheduler.Dh);
        ConnectResult all = await cluster.Connect(request);
        string busy = all.Endpoints.Single(e => e.Connections > 0).Name, other = all.Endpoints.Single(e => e.Node == "node-1" && e.Name != busy).Name;

        // It accepts ten connections and lets them wait.
        await cluster.SetBehaviorAsync(busy, EndpointBehavior.Hang);
        using var cancel = new CancellationTokenSource();
        Task<ConnectResult> held = cluster.Connect(request with { Plan = request.Plan with { ConnectTimeout = TimeSpan.FromMinutes(5), Timeout = TimeSpan.FromMinutes(5) } }, cancel.Token);
        try
        {
            while (!held.IsCompleted && await Active(cluster) < 10) await Task.Delay(50);
            Assert.False(held.IsCompleted);
            _ = await lab.With(IpvsScheduler.Lc);
            ConnectResult shorts = await cluster.Connect(request with { Plan = request.Plan with { Count = 100, Concurrency = 5 } });
            Assert.Equal(100, shorts.Endpoints.Single(e => e.Name == other).Connections);
            Assert.Equal(Verdict.Uneven, ConnectAnalysis.Measure(shorts).Verdict);
            Assert.Equal(10, await Active(cluster));
        }
        finally
        {
            await cancel.CancelAsync();
            _ = await held;
            await cluster.SetBehaviorAsync(busy, EndpointBehavior.Serve);
        }

        static async Task<long> Active(LabCluster cluster)
        {
            ImmutableArray<Clusters.Ipvs.VirtualServer> servers = await cluster.GetVirtualServersAsync("node-1", default);
            return servers.Single(server => server is { Protocol: "TCP", Address: "192.168.1.1", Port: LabTopology.NodePort }).RealServers.Sum(real => real.ActiveConnections!.Value);
        }
    }
}
