using LbTest.Clusters.Lab;
using LbTest.Clusters.Lab.Dataplanes;
using LbTest.Engine.Connect;

namespace LbTest.Clusters.Tests.Lab.Ipvs;

/// <summary>A node with four endpoints, and affinity for as long as Kubernetes has it by default.</summary>
public sealed class FourWithAffinity() : UserModeLab(LabFixture.Spec(ProxyMode.Ipvs, nodes: 1, endpoints: 4) with { SessionAffinity = TimeSpan.FromSeconds(10800) });

/// <summary>ClientIP affinity in mode IPVS: persistence of virtual servers.</summary>
public class AffinityTests(FourWithAffinity lab) : IClassFixture<FourWithAffinity>
{
    [SkippableTheory]
    [InlineData(false, "20.0.1.0/27", 30), InlineData(true, "fd00::1400:100/123", 31)]
    public async Task A_client_stays_with_its_endpoint_whatever_the_scheduler(bool ipv6, string source, int clients)
    {
        LabCluster cluster = await lab.With(IpvsScheduler.Rr);
        ConnectRequest request = LabFixture.Request(300, ipv6: ipv6);
        request = request with { Plan = request.Plan with { Source = source, Concurrency = 1 } };
        ConnectResult result = await cluster.Connect(request);
        Assert.Equal((300, clients, 0), (result.Connections, result.Affinity!.Sources, result.Affinity.Moved));
        // Clients come one after the other and are dealt out in turn; connections are not, so nothing is promised for them.
        Assert.InRange(ConnectAnalysis.Counts(result).Max() - ConnectAnalysis.Counts(result).Min(), 0, 1);
        Assert.Equal((true, null), (result.Context!.Affinity, result.Context.RoundRobinEntries));

        // Nobody moves as the scheduler changes.
        _ = await lab.With(IpvsScheduler.Lc);
        ConnectResult after = await cluster.Connect(request);
        Assert.Equal(result.Endpoints.Select(e => (e.Name, e.Sources, e.Connections)), after.Endpoints.Select(e => (e.Name, e.Sources, e.Connections)));
        Assert.All(await cluster.GetVirtualServersAsync("node-1", default), server => Assert.Equal(TimeSpan.FromSeconds(10800), server.PersistenceTimeout));
    }
}
