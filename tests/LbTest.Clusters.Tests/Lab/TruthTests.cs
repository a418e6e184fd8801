using System.Collections.Immutable;
using LbTest.Clusters.Lab;
using LbTest.Clusters.Lab.Dataplanes;
using LbTest.Engine.Analysis;
using LbTest.Engine.Connect;

namespace LbTest.Clusters.Tests.Lab;

/// <summary>The engine's counts against the kernel's own.</summary>
public class TruthTests
{
    [SkippableTheory]
    [InlineData(ProxyMode.Iptables, false, false)]
    [InlineData(ProxyMode.Iptables, true, true)]
    [InlineData(ProxyMode.Nftables, false, true)]
    [InlineData(ProxyMode.Nftables, true, false)]
    public async Task The_kernels_count_per_endpoint_equals_the_engines(ProxyMode mode, bool ecmp, bool ipv6)
    {
        using LabCluster lab = await LabFixture.StartAsync(LabFixture.Spec(mode, nodes: 4, endpoints: 20) with { Ecmp = ecmp });
        ConnectResult result = await lab.Connect(LabFixture.Request(3000, ipv6: ipv6));
        Assert.Equal((3000, 0, 0), (result.Connections, result.Failed, result.Unfinished));
        // A SYN sent again may be counted twice by the kernel.
        Assert.Equal(0, result.SynRetransmits);

        ImmutableArray<EndpointCounter> counters = await lab.ObserveAsync(default);
        Dictionary<string, long> kernel = counters.Where(c => c.Service.EndsWith(":connect", StringComparison.Ordinal))
            .GroupBy(c => c.EndpointName).ToDictionary(g => g.Key, g => g.Sum(c => c.Packets));
        Assert.Equal(result.Endpoints.ToDictionary(e => e.Name, e => e.Connections), kernel);
        Assert.All(counters.Where(c => c.Packets > 0), c => Assert.Equal(ipv6, c.Address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6));
        // With ECMP every node has a share; through one node the others count nothing.
        Assert.Equal(ecmp ? 4 : 1, counters.Where(c => c.Packets > 0).Select(c => c.NodeName).Distinct().Count());
    }

    [SkippableTheory]
    [InlineData(ProxyMode.Iptables)]
    [InlineData(ProxyMode.Nftables)]
    public async Task Ten_thousand_connections_over_a_hundred_endpoints_look_like_chance(ProxyMode mode)
    {
        using LabCluster lab = await LabFixture.StartAsync(LabFixture.Spec(mode, nodes: 10, endpoints: 100));
        ConnectResult result = await lab.Connect(LabFixture.Request(10000));
        Assert.Equal(10000, result.Connections);
        Assert.Equal(100, result.Endpoints.Length);
        // The kernel's random numbers have no seed: at this alpha one run in a hundred thousand would be called uneven or too even.
        Balance balance = ConnectAnalysis.Measure(result, new BalanceOptions { Alpha = 1e-5 });
        Assert.Equal(Verdict.ConsistentWithRandom, balance.Verdict);
    }
}
