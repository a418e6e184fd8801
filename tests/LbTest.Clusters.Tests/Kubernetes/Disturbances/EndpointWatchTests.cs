using LbTest.Clusters.Kubernetes;
using LbTest.Engine.Disturbances;
using LbTest.Engine.Serve;
using LbTest.Engine.Traffic;

namespace LbTest.Clusters.Tests.Kubernetes.Disturbances;

/// <summary>What a disturbed test knows of endpoints that come and go, and what it says when it cannot know.</summary>
public sealed class EndpointWatchTests
{
    [Theory]
    [InlineData(true, "127.0.97.8")]
    [InlineData(false, "127.0.97.9")]
    public async Task A_watch_that_is_refused_is_told_and_the_test_goes_on(bool refused, string address)
    {
        using Server server = LocalCluster.Serve("one", ServedService.Traffic, address);
        var api = RecordedCluster.Recorded("kubeadm-1.20-iptables");
        KubernetesCluster cluster = await LocalCluster.StartAsync(api, "example/ctraffic:1", address, TimeSpan.FromMinutes(1), "one");
        if (refused) _ = api.Forbidden.Add("watch pods");
        var plan = new TrafficPlan { Target = new(System.Net.IPAddress.Any, 0), Connections = 2, Duration = TimeSpan.FromSeconds(2) };

        TrafficResult result = await cluster.TrafficAsync(
            new TrafficRequest { Plan = plan, Disturbances = [new Disturbance { Kind = DisturbanceKind.EndpointDown, At = TimeSpan.Zero, Name = ["one"] }] }, null, CancellationToken.None);

        string[] said = [.. result.Warnings.Where(one => one.StartsWith("Not all is known of when endpoints came and went: ", StringComparison.Ordinal))];
        Assert.Equal(refused ? ["Not all is known of when endpoints came and went: Could not watch pods: User \"someone\" cannot watch pods."] : [], said);
    }
}
