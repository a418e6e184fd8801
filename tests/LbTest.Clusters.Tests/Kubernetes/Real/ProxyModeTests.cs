using System.Collections.Immutable;
using LbTest.Clusters.Kubernetes;
using LbTest.Clusters.Kubernetes.Api;
using LbTest.Clusters.Kubernetes.Proxy;
using LbTest.Clusters.Lab.Dataplanes;

namespace LbTest.Clusters.Tests.Kubernetes.Real;

/// <summary>The proxy mode of a real cluster whose kube-proxy is kubeadm's and whose nodes have no IPVS: that of tests/cluster.</summary>
[Collection(nameof(RealCluster))]
public sealed class ProxyModeTests
{
    [SkippableFact]
    public async Task Every_node_says_its_mode_by_all_its_sources()
    {
        ImmutableArray<ProxyModeReport> reports = await new ProxyModeReader(await RealCluster.RequireOursAsync()).ReadAsync(CancellationToken.None);

        Assert.All(reports, report =>
        {
            Assert.Equal((KubeProxyMode.Iptables, "kube-proxy"), (report.Mode, report.Proxy));
            Assert.All(report.Evidence, evidence => Assert.Null(evidence.Problem));
            Assert.Equal(4, report.Evidence.Length);
        });
    }

    [SkippableFact]
    public async Task A_mode_that_the_nodes_cannot_do_is_taken_back_and_one_that_they_can_comes_into_force()
    {
        IKubernetesApi api = await RealCluster.RequireOursAsync();
        var progress = new List<string>();
        string before = await Config(api);

        ProxyModeChange ipvs = await KubeProxyModeChange.PlanAsync(api, ProxyMode.Ipvs, IpvsScheduler.Lc, CancellationToken.None);
        Skip.IfNot(ipvs.FromMode == "Iptables", $"Its mode is {ipvs.FromMode}.");
        InvalidOperationException failure = await Assert.ThrowsAsync<InvalidOperationException>(() => ipvs.ApplyAsync(TimeSpan.FromMinutes(3), new Steps(progress), CancellationToken.None));
        Assert.Contains("went over to iptables, not to ipvs", failure.Message, StringComparison.Ordinal);
        Assert.Contains("It was changed back", failure.Message, StringComparison.Ordinal);
        Assert.Equal(before, await Config(api));
        Assert.All(await new ProxyModeReader(api).ReadAsync(CancellationToken.None), report => Assert.Equal((KubeProxyMode.Iptables, null), (report.Mode, report.RequestedMode)));
        Assert.NotEmpty(progress);

        // By name what was the default before: it stays, and the rest of the file is what it was.
        ProxyModeChange iptables = await KubeProxyModeChange.PlanAsync(api, ProxyMode.Iptables, null, CancellationToken.None);
        await iptables.ApplyAsync(TimeSpan.FromMinutes(3), null, CancellationToken.None);
        try
        {
            Assert.Equal(before.Replace("mode: \"\"", "mode: \"iptables\"", StringComparison.Ordinal), await Config(api));
            Assert.All(await new ProxyModeReader(api).ReadAsync(CancellationToken.None), report => Assert.Equal("mode: \"iptables\", ipvs.scheduler: \"\"", report.Evidence[2].Says));
        }
        finally
        {
            await api.PatchAsync(Kube.ConfigMaps, "kube-system", "kube-proxy", $$"""{"data":{"config.conf":{{System.Text.Json.JsonSerializer.Serialize(before)}}} }""", CancellationToken.None);
        }
    }

    private static async Task<string> Config(IKubernetesApi api) => (await api.GetAsync(Kube.ConfigMaps, "kube-system", "kube-proxy", CancellationToken.None))!.Data!["config.conf"];

    private sealed class Steps(List<string> steps) : IProgress<string>
    {
        public void Report(string value) => steps.Add(value);
    }
}
