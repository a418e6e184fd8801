using LbTest.Clusters.Kubernetes;
using LbTest.Clusters.Kubernetes.Api;
using LbTest.Clusters.Lab.Dataplanes;
using LbTest.Engine.Serve;

namespace LbTest.Clusters.Tests.Kubernetes;

/// <summary>Starts on an API server that says of all endpoints that they are ready, with a load balancer whose address is this machine's.</summary>
public sealed class ReachingTests
{
    [Theory]
    [InlineData("example/mconnect:1", ServedService.Connect, "127.0.97.1")]
    [InlineData("example/ctraffic:1", ServedService.Traffic, "127.0.97.2")]
    public async Task A_cluster_has_started_when_every_endpoint_has_answered(string image, ServedService service, string address)
    {
        using Server server = LocalCluster.Serve("one", service, address);

        KubernetesCluster cluster = await LocalCluster.StartAsync(RecordedCluster.Recorded("kubeadm-1.20-iptables"), image, address, TimeSpan.FromMinutes(1), "one");

        Assert.Equal("one", Assert.Single(cluster.Endpoints));
    }

    [Theory]
    [InlineData("example/mconnect:1", ServedService.Connect, "127.0.97.3")]
    [InlineData("example/ctraffic:1", ServedService.Traffic, "127.0.97.4")]
    public async Task Endpoints_that_are_ready_and_do_not_answer_are_counted(string image, ServedService service, string address)
    {
        using Server server = LocalCluster.Serve("one", service, address);

        KubernetesException failure = await Assert.ThrowsAsync<KubernetesException>(() => LocalCluster.StartAsync(RecordedCluster.Recorded("kubeadm-1.20-iptables"), image, address, TimeSpan.FromMilliseconds(1), "one", "two"));

        Assert.Contains("only 1 of 2 could be reached from Local by LoadBalancer. See whether", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("example/mconnect:1", "127.0.97.5")]
    [InlineData("example/ctraffic:1", "127.0.97.6")]
    public async Task Where_nobody_answers_the_reason_is_told(string image, string address)
    {
        KubernetesException failure = await Assert.ThrowsAsync<KubernetesException>(() => LocalCluster.StartAsync(RecordedCluster.Recorded("kubeadm-1.20-iptables"), image, address, TimeSpan.FromMilliseconds(1), "one"));

        Assert.Contains("only 0 of 1 could be reached from Local by LoadBalancer (Refused: ", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("127.0.97.7", "only 0 of 1 could be reached from Local by LoadBalancer (Refused: ")]
    [InlineData("::1", "only 0 of 1 could be reached from Local by LoadBalancer over IPv6 (Refused: ")]
    public async Task A_load_balancer_is_reached_by_the_family_that_it_has(string address, string says)
    {
        KubernetesException failure = await Assert.ThrowsAsync<KubernetesException>(() => LocalCluster.StartAsync(RecordedCluster.Recorded("kubeadm-1.20-iptables"), "example/mconnect:1", address, TimeSpan.FromMilliseconds(1), "one"));

        Assert.Contains(says, failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_load_balancer_of_both_families_has_to_be_reached_by_one_of_them()
    {
        using Server server = LocalCluster.Serve("one", ServedService.Connect, "127.0.97.10");

        KubernetesCluster cluster = await LocalCluster.StartAsync(RecordedCluster.Recorded("kubeadm-1.20-iptables"), "example/mconnect:1", "::1,127.0.97.10", TimeSpan.FromMinutes(1), "one");

        Assert.Equal("one", Assert.Single(cluster.Endpoints));
    }

    [Fact]
    public async Task Two_families_that_are_asked_for_and_not_given_are_an_error_and_nothing_stays()
    {
        var api = RecordedCluster.Recorded("kubeadm-1.20-iptables");

        KubernetesException failure = await Assert.ThrowsAsync<KubernetesException>(() => KubernetesCluster.StartAsync(api,
            new KubernetesSpec { Namespace = "tests", EndpointCount = 0, IPFamilyPolicy = IPFamilyPolicy.RequireDualStack }, null, CancellationToken.None));

        Assert.StartsWith("IPFamilyPolicy 'RequireDualStack' cannot be: this cluster gave the service one address only", failure.Message, StringComparison.Ordinal);
        Assert.Null(api.Find("Namespace", "tests"));
    }

    [Fact]
    public async Task A_policy_that_the_server_drops_is_an_error_and_nothing_stays()
    {
        var api = RecordedCluster.Recorded("kubeadm-1.20-iptables");
        api.Changed = _ =>
        {
            if (api.Find("Service", "lbtest") is { } service) Assert.True(service["spec"]!.AsObject().Remove("internalTrafficPolicy"));
        };

        KubernetesException failure = await Assert.ThrowsAsync<KubernetesException>(() => KubernetesCluster.StartAsync(api,
            new KubernetesSpec { Namespace = "tests", EndpointCount = 0, InternalTrafficPolicy = TrafficPolicy.Local }, null, CancellationToken.None));

        Assert.StartsWith("InternalTrafficPolicy 'Local' cannot be: this cluster does not know it", failure.Message, StringComparison.Ordinal);
        Assert.Null(api.Find("Namespace", "tests"));
    }
}
