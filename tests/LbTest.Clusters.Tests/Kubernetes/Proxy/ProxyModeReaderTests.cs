using System.Collections.Immutable;
using System.Text.Json.Nodes;
using LbTest.Clusters.Kubernetes;
using LbTest.Clusters.Kubernetes.Api;
using LbTest.Clusters.Kubernetes.Proxy;
using Mode = LbTest.Clusters.Kubernetes.KubeProxyMode;

namespace LbTest.Clusters.Tests.Kubernetes.Proxy;

/// <summary>The proxy mode of clusters as their API servers tell it.</summary>
public sealed class ProxyModeReaderTests
{
    [Fact]
    public async Task A_recorded_cluster_says_iptables_on_each_of_its_nodes_from_every_source()
    {
        ImmutableArray<ProxyModeReport> reports = await Read(RecordedCluster.Recorded("kubeadm-1.20-iptables"));

        Assert.Equal(["node-1", "node-2", "node-3"], reports.Select(report => report.Node));
        Assert.All(reports, report => Assert.Equal((Mode.Iptables, "kube-proxy", "v1.20.2", null, null), (report.Mode, report.Proxy, report.Version, report.RequestedMode, report.Scheduler)));
        ProxyModeReport one = reports[0];
        Assert.Equal(["ConfigMap kube-system/kube-proxy", $"/proxyMode of {one.Source}", $"/configz of {one.Source}", $"log of {one.Source}"], one.Evidence.Select(evidence => evidence.Source));
        Assert.Equal("iptables", one.Evidence[1].Says);
        Assert.Contains("Using iptables Proxier", one.Evidence[3].Says, StringComparison.Ordinal);
        Assert.Equal("node-1: kube-proxy v1.20.2 runs in mode iptables. Nobody asked for a mode.", one.Explanation);
    }

    [Fact]
    public async Task What_fell_back_is_told_with_its_reason()
    {
        ImmutableArray<ProxyModeReport> reports = await Read(RecordedCluster.Recorded("kubeadm-1.20-ipvs-fallback"));

        Assert.All(reports, report =>
        {
            Assert.Equal((Mode.Iptables, "ipvs"), (report.Mode, report.RequestedMode));
            Assert.Contains("/proc/modules", report.FallbackReason, StringComparison.Ordinal);
            Assert.Contains("ipvs was asked for, but: ", report.Explanation, StringComparison.Ordinal);
            Assert.DoesNotContain("edited", report.Explanation, StringComparison.Ordinal);
        });
    }

    [Fact]
    public async Task What_was_edited_and_not_read_since_is_told_apart_from_what_fell_back()
    {
        ImmutableArray<ProxyModeReport> reports = await Read(RecordedCluster.Recorded("kubeadm-1.20-edited"));

        Assert.All(reports, report =>
        {
            Assert.Equal((Mode.Iptables, "ipvs", null), (report.Mode, report.RequestedMode, report.FallbackReason));
            Assert.Contains("it was edited after this kube-proxy started", report.Explanation, StringComparison.Ordinal);
            Assert.Contains("kubectl -n kube-system rollout restart daemonset/kube-proxy", report.Explanation, StringComparison.Ordinal);
        });
    }

    [Theory]
    [InlineData("kind-1.33-nftables", "kube-proxy", Mode.Nftables, "kind-control-plane: kube-proxy v1.33.1 runs in mode nftables.")]
    [InlineData("gke-static-pods", "kube-proxy", Mode.Iptables, "gke-1: kube-proxy v1.30.5-gke.1443001 runs in mode iptables.")]
    [InlineData("eks", "kube-proxy", Mode.Iptables, "kube-proxy v1.31.3 runs in mode iptables.")]
    [InlineData("calico-iptables", "kube-proxy", Mode.Iptables, "a: kube-proxy v1.31.4 runs in mode iptables.")]
    [InlineData("cilium-replacement", "Cilium", Mode.Other, "a: Cilium does kube-proxy's work (ConfigMap kube-system/cilium-config: kube-proxy-replacement: true).")]
    [InlineData("gke-dataplane-v2", "Cilium", Mode.Other, "gke-1: Cilium does kube-proxy's work")]
    [InlineData("cilium-strict-beside-kube-proxy", "Cilium", Mode.Other, "A kube-proxy runs there too, in mode iptables")]
    [InlineData("cilium-partial", "kube-proxy", Mode.Iptables, "Cilium does a part of the work before kube-proxy sees it (ConfigMap kube-system/cilium-config: kube-proxy-replacement: partial).")]
    [InlineData("calico-ebpf", "Calico (eBPF)", Mode.Other, "FelixConfiguration default: bpfEnabled: true")]
    [InlineData("calico-ebpf-env", "Calico (eBPF)", Mode.Other, "DaemonSet kube-system/calico-node: FELIX_BPFENABLED=true")]
    [InlineData("antrea-proxyall", "Antrea", Mode.Other, "antreaProxy.proxyAll: true")]
    [InlineData("antrea", "kube-proxy", Mode.Iptables, "Antrea does a part of the work before kube-proxy sees it")]
    [InlineData("kube-router", "kube-router", Mode.Ipvs, "kube-router does kube-proxy's work, with IPVS and its scheduler rr")]
    [InlineData("ovn-kubernetes", "OVN-Kubernetes", Mode.Other, "DaemonSet openshift-ovn-kubernetes/ovnkube-node")]
    [InlineData("k3s-disabled", "", Mode.None, "--disable-kube-proxy")]
    [InlineData("nothing", "", Mode.None, "nothing else that does its work")]
    public async Task Whoever_does_the_work_is_named_and_how_that_is_known(string cluster, string proxy, Mode mode, string says)
    {
        ProxyModeReport report = Assert.Single(await Read(RecordedCluster.Made(cluster)));

        Assert.Equal((proxy, mode), (report.Proxy, report.Mode));
        Assert.Contains(says, report.Explanation, StringComparison.Ordinal);
        Assert.NotEmpty(report.Evidence);
    }

    [Fact]
    public async Task The_log_tells_where_the_port_leads_nowhere_and_the_configuration_names_the_scheduler()
    {
        ProxyModeReport report = Assert.Single(await Read(RecordedCluster.Made("log-only")));

        Assert.Equal((Mode.Ipvs, "lc", false, 1L), (report.Mode, report.Scheduler, report.SchedulerIsDefault, report.LineNumber));
        Assert.Contains("it closed the connection", report.Evidence.Single(one => one.Source.StartsWith("/proxyMode", StringComparison.Ordinal)).Problem, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_kube_proxy_that_does_not_start_is_in_no_mode_whatever_it_was_asked_for()
    {
        ProxyModeReport report = Assert.Single(await Read(RecordedCluster.Made("crashing")));

        Assert.Equal(Mode.Unknown, report.Mode);
        Assert.Contains("requires kernel 5.13 or later", report.Explanation, StringComparison.Ordinal);
        Assert.Contains("kube-proxy-1 is not ready (CrashLoopBackOff).", report.Explanation, StringComparison.Ordinal);
        Assert.Contains("asks for nftables", report.Explanation, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_node_whose_kube_proxy_is_being_replaced_says_so()
    {
        var api = RecordedCluster.Recorded("kubeadm-1.20-iptables");
        JsonNode ending = api.Objects.First(one => (string?)one["kind"] == "Pod" && (string?)one["spec"]!["nodeName"] == "node-2")["metadata"]!;
        (ending["name"], ending["deletionTimestamp"]) = ("kube-proxy-ends", "2026-06-26T17:19:43Z");

        ImmutableArray<ProxyModeReport> reports = await Read(api);

        Assert.Equal([Mode.Iptables, Mode.Unknown, Mode.Iptables], reports.Select(report => report.Mode));
        Assert.Equal("node-2: nothing says in which mode kube-proxy runs. kube-proxy-ends is not ready (Terminating). ConfigMap kube-system/kube-proxy asks for iptables.", reports[1].Explanation);
    }

    [Fact]
    public async Task Static_pods_with_flags_name_mode_and_scheduler()
    {
        ProxyModeReport report = Assert.Single(await Read(RecordedCluster.Made("rke2")));

        Assert.Equal((Mode.Ipvs, "sh", false), (report.Mode, report.Scheduler, report.SchedulerIsDefault));
        Assert.Equal("flags of kube-system/kube-proxy-a", report.Evidence[0].Source);
    }

    [Fact]
    public async Task Of_k3s_the_nodes_arguments_tell_what_there_is_to_know()
    {
        ImmutableArray<ProxyModeReport> reports = await Read(RecordedCluster.Made("k3s"));

        Assert.Equal([("agent-1", Mode.Iptables, null), ("server-1", Mode.Ipvs, "lc")], reports.Select(one => (one.Node, one.Mode, one.Scheduler)));
        Assert.All(reports, one => Assert.Contains("only the node can tell", one.Explanation, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("create pods/portforward", Mode.Iptables, "Using iptables Proxier")]
    [InlineData("get pods/log", Mode.Iptables, "/proxyMode says iptables")]
    [InlineData("list nodes", Mode.Iptables, "/proxyMode says iptables")]
    [InlineData("get configmaps", Mode.Iptables, "/proxyMode says iptables")]
    public async Task What_is_forbidden_leaves_the_rest(string forbidden, Mode mode, string reason)
    {
        var api = RecordedCluster.Recorded("kubeadm-1.20-iptables");
        _ = api.Forbidden.Add(forbidden);

        ImmutableArray<ProxyModeReport> reports = await Read(api);

        Assert.Equal(3, reports.Length);
        Assert.All(reports, report => Assert.Equal(mode, report.Mode));
        Assert.Contains(reason, reports[0].Reason, StringComparison.Ordinal);
        if (forbidden != "list nodes") Assert.Contains(reports[0].Evidence, one => one.Problem?.Contains("cannot " + forbidden, StringComparison.Ordinal) == true);
    }

    [Fact]
    public async Task Without_nodes_and_pods_what_is_asked_for_is_told_as_such_and_without_all_it_is_an_error()
    {
        var api = RecordedCluster.Recorded("kubeadm-1.20-edited");
        api.Forbidden.UnionWith(["list nodes", "list pods", "list daemonsets"]);

        ProxyModeReport report = Assert.Single(await Read(api));
        Assert.Equal((Mode.Unknown, "ipvs"), (report.Mode, report.RequestedMode));
        Assert.Contains("could not be read", report.Explanation, StringComparison.Ordinal);

        _ = api.Forbidden.Add("get configmaps");
        KubernetesException exception = await Assert.ThrowsAsync<KubernetesException>(() => Read(api));
        Assert.Equal(KubernetesFault.Forbidden, exception.Fault);
        Assert.Contains("cannot list", exception.Message, StringComparison.Ordinal);
    }

    private static Task<ImmutableArray<ProxyModeReport>> Read(RecordedCluster api) => new ProxyModeReader(api).ReadAsync(CancellationToken.None);
}
