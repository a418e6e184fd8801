using LbTest.Clusters.Lab;
using LbTest.Clusters.Lab.Dataplanes;
using LbTest.Engine.Connect;

namespace LbTest.Clusters.Tests.Lab.Ipvs;

/// <summary>A node without endpoints, in mode Iptables at first.</summary>
public sealed class NoEndpoints() : UserModeLab(LabFixture.Spec(ProxyMode.Iptables, nodes: 1, endpoints: 0));

/// <summary>What nobody serves is refused at once.</summary>
public class RefusalTests(NoEndpoints lab) : IClassFixture<NoEndpoints>
{
    [SkippableTheory]
    [InlineData(ProxyMode.Iptables), InlineData(ProxyMode.Ipvs)]
    public async Task A_service_without_endpoints_refuses(ProxyMode mode)
    {
        LabCluster cluster = lab.Cluster;
        await cluster.SetModeAsync(cluster.Mode.To(mode, null));
        foreach (ServiceTarget to in (ServiceTarget[])[ServiceTarget.LoadBalancer, ServiceTarget.ClusterIP, ServiceTarget.NodePort])
            foreach (bool ipv6 in new[] { false, true })
                // In mode Iptables no rule refuses what the node itself sends to a load balancer's address.
                foreach (VantagePoint from in mode == ProxyMode.Ipvs ? [VantagePoint.External, VantagePoint.Node] : (VantagePoint[])[VantagePoint.External])
                {
                    ConnectResult result = await cluster.Connect(LabFixture.Request(30, from, to, ipv6));
                    Assert.True(result.Failed == 30 && result.Failures.All(f => f.Class == FailureClass.Refused), $"{from} to {to}, IPv6 {ipv6}: {string.Join(", ", result.Failures)}");
                }
    }
}
