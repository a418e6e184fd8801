using LbTest.Clusters.Lab;
using LbTest.Clusters.Lab.Dataplanes;
using LbTest.Engine.Analysis;
using LbTest.Engine.Connect;
using LbTest.Engine.Sockets;

namespace LbTest.Clusters.Tests.Lab;

/// <summary>Every way from a vantage point to a service address, policies and affinity included.</summary>
public class RouteTests
{
    [SkippableTheory]
    [InlineData(ProxyMode.Iptables)]
    [InlineData(ProxyMode.Nftables)]
    public async Task Every_vantage_point_reaches_every_address_in_both_families_and_protocols(ProxyMode mode)
    {
        using LabCluster lab = await LabFixture.StartAsync(LabFixture.Spec(mode));
        foreach ((VantagePoint from, ServiceTarget to, bool ipv6, TransportProtocol protocol) in LabFixture.Ways())
        {
            ConnectRequest request = LabFixture.Request(60, from, to, ipv6);
            ConnectResult result = await lab.Connect(request with { Plan = request.Plan with { Protocol = protocol } });
            Assert.True(result.Connections == 60, $"{from} to {to}, IPv6 {ipv6}, {protocol}: {result.Connections} of 60, {string.Join(", ", result.Failures)}");
            Assert.Equal(to == ServiceTarget.Endpoint ? 1 : 6, result.Endpoints.Length);
        }
    }

    [SkippableTheory]
    [InlineData(ProxyMode.Iptables)]
    [InlineData(ProxyMode.Nftables)]
    public async Task Policy_Local_gives_each_node_its_share_whatever_it_holds(ProxyMode mode)
    {
        LabFixture.Require();
        LabSpec spec = LabFixture.Spec(mode) with { EndpointsPerNode = [4, 1, 1, 0], Ecmp = true, ExternalTrafficPolicy = TrafficPolicy.Local };
        using LabCluster lab = await LabCluster.StartAsync(spec);
        ConnectResult result = await lab.Connect(LabFixture.Request(6000));
        Assert.Equal([1 / 12.0, 1 / 12.0, 1 / 12.0, 1 / 12.0, 1 / 3.0, 1 / 3.0], result.Endpoints.Select(e => Math.Round(e.ExpectedShare!.Value, 12)), new Within(1e-9));
        Assert.Equal(6000, result.Connections);
        Assert.Equal(Verdict.ConsistentWithRandom, ConnectAnalysis.Measure(result, new BalanceOptions { Alpha = 1e-5 }).Verdict);
        // Without the weights the same spread is far from even.
        Assert.Equal(Verdict.Uneven, BalanceAnalysis.Measure(ConnectAnalysis.Counts(result)).Verdict);
    }

    [SkippableTheory]
    [InlineData(ProxyMode.Iptables)]
    [InlineData(ProxyMode.Nftables)]
    public async Task Internal_policy_Local_stays_on_the_node(ProxyMode mode)
    {
        using LabCluster lab = await LabFixture.StartAsync(LabFixture.Spec(mode) with { InternalTrafficPolicy = TrafficPolicy.Local });
        ConnectResult result = await lab.Connect(LabFixture.Request(200, VantagePoint.Node, ServiceTarget.ClusterIP) with { FromName = ["node-2"] });
        Assert.Equal(200, result.Connections);
        Assert.All(result.Endpoints, e => Assert.Equal(e.Node == "node-2", e.Connections > 0));
    }

    [SkippableTheory]
    [InlineData(ProxyMode.Iptables)]
    [InlineData(ProxyMode.Nftables)]
    public async Task Session_affinity_binds_a_source_to_an_endpoint(ProxyMode mode)
    {
        using LabCluster lab = await LabFixture.StartAsync(LabFixture.Spec(mode) with { SessionAffinity = TimeSpan.FromSeconds(100) });
        // Few sources and one connection at a time: two at once may be bound to different endpoints before either is remembered.
        ConnectRequest request = LabFixture.Request(600);
        ConnectResult result = await lab.Connect(request with { Plan = request.Plan with { Source = "20.0.1.0/27", Concurrency = 1 } });
        Assert.Equal(600, result.Connections);
        Assert.Equal((30, 0), (result.Affinity!.Sources, result.Affinity.Moved));
        Assert.Equal(30, result.Endpoints.Sum(e => e.Sources));
        Assert.Equal(30, ConnectAnalysis.Counts(result).Sum());
    }

    [SkippableTheory]
    [InlineData(ProxyMode.Iptables)]
    [InlineData(ProxyMode.Nftables)]
    public async Task A_service_without_endpoints_refuses(ProxyMode mode)
    {
        using LabCluster lab = await LabFixture.StartAsync(LabFixture.Spec(mode, endpoints: 0));
        ConnectResult result = await lab.Connect(LabFixture.Request(300));
        Assert.Equal([FailureClass.Refused], result.Failures.Select(f => f.Class));
        Assert.Equal(300, result.Failed);
    }

    [SkippableFact]
    public async Task Policy_Local_enters_where_endpoints_are_and_drops_elsewhere()
    {
        using LabCluster lab = await LabFixture.StartAsync(LabFixture.Spec() with { ExternalTrafficPolicy = TrafficPolicy.Local, EndpointsPerNode = [0, 2] });
        // The entry node is the one that has endpoints; the node port of the other is dropped there, as kube-proxy does.
        ConnectResult entered = await lab.Connect(LabFixture.Request(20));
        Assert.Equal(20, entered.Connections);
        ConnectRequest dropped = LabFixture.Request(5, to: ServiceTarget.NodePort) with { ToName = "node-1" };
        ConnectResult result = await lab.Connect(dropped with { Plan = dropped.Plan with { ConnectTimeout = TimeSpan.FromMilliseconds(300) } });
        Assert.Equal([FailureClass.TimedOut], result.Failures.Select(f => f.Class));
    }

    private sealed class Within(double tolerance) : IEqualityComparer<double>
    {
        public bool Equals(double x, double y) => Math.Abs(x - y) <= tolerance;

        public int GetHashCode(double value) => 0;
    }
}
