using System.Collections.Immutable;
using System.Text.Json.Nodes;
using LbTest.Clusters.Kubernetes;
using LbTest.Clusters.Kubernetes.Api;
using LbTest.Clusters.Kubernetes.Proxy;
using LbTest.Clusters.Lab;
using LbTest.Clusters.Lab.Dataplanes;
using LbTest.Clusters.Prerequisites;
using LbTest.Engine;

namespace LbTest.Clusters.Tests.Kubernetes.Proxy;

/// <summary>Changes of the proxy mode against an API server that was recorded, with a kube-proxy that does what a test says.</summary>
public sealed class ProxyModeChangeTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task A_change_shows_itself_before_and_warns_of_the_modules()
    {
        ProxyModeChange change = await Plan(RecordedCluster.Recorded("kubeadm-1.20-iptables"), ProxyMode.Ipvs, IpvsScheduler.Lc);

        Assert.Equal(("Iptables", "Ipvs (lc)", true, true), (change.FromMode, change.ToMode, change.ToIpvs, change.IsNeeded));
        Assert.Contains("-mode: \"\"\n+mode: \"ipvs\"", change.Diff, StringComparison.Ordinal);
        Assert.Contains("-  scheduler: \"\"\n+  scheduler: \"lc\"", change.Diff, StringComparison.Ordinal);
        Assert.Equal(4, change.Diff.Split('\n').Count(line => line[0] is '+' or '-' && !line.StartsWith("---", StringComparison.Ordinal) && !line.StartsWith("+++", StringComparison.Ordinal)));
        string warning = Assert.Single(change.Warnings);
        Assert.StartsWith("node-1, node-2, node-3 (kernel ", warning, StringComparison.Ordinal);
        Assert.Contains("ip_vs, ip_vs_rr, ip_vs_wrr, ip_vs_sh, ip_vs_lc, nf_conntrack", warning, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_in_force_already_needs_no_change() => Assert.False((await Plan(RecordedCluster.Made("kind-1.33-nftables"), ProxyMode.Nftables, null)).IsNeeded);

    [Fact]
    public async Task A_change_that_comes_into_force_stays()
    {
        var api = RecordedCluster.Recorded("kubeadm-1.20-iptables");
        using var proxies = new Proxies(api, "ipvs");

        await (await Plan(api, ProxyMode.Ipvs, null)).ApplyAsync(Limit, null, CancellationToken.None);

        Assert.Equal(["patch configmaps kube-proxy", "patch daemonsets.apps kube-proxy"], api.Changes);
        Assert.Contains("mode: \"ipvs\"\n", Text(api), StringComparison.Ordinal);
        Assert.Contains("tokenFile", (string)api.Find("ConfigMap", "kube-proxy")!["data"]!["kubeconfig.conf"]!, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_change_that_falls_back_is_taken_back_with_the_reason()
    {
        var api = RecordedCluster.Recorded("kubeadm-1.20-iptables");
        string before = Text(api);
        using var proxies = new Proxies(api, "iptables", "E0626 17:19:43.491383       1 server_others.go:127] Can't use the IPVS proxier: no ip_vs here\nI0626 17:19:43.591383       1 server_others.go:185] Using iptables Proxier.\n");

        InvalidOperationException failure = await Assert.ThrowsAsync<InvalidOperationException>(async () => await (await Plan(api, ProxyMode.Ipvs, null)).ApplyAsync(Limit, null, CancellationToken.None));

        Assert.Contains("went over to iptables, not to ipvs: no ip_vs here.", failure.Message, StringComparison.Ordinal);
        Assert.Contains("It was changed back", failure.Message, StringComparison.Ordinal);
        Assert.Equal(before, Text(api));
        Assert.Equal(4, api.Changes.Count);
    }

    [Fact]
    public async Task Who_edited_it_meanwhile_loses_nothing()
    {
        var api = RecordedCluster.Recorded("kubeadm-1.20-iptables");
        ProxyModeChange change = await Plan(api, ProxyMode.Ipvs, null);
        JsonObject map = api.Find("ConfigMap", "kube-proxy")!;
        (map["metadata"]!["resourceVersion"], map["data"]!["config.conf"]) = ("9999", Text(api) + "\n# mine");

        InvalidOperationException failure = await Assert.ThrowsAsync<InvalidOperationException>(() => change.ApplyAsync(Limit, null, CancellationToken.None));

        Assert.Contains("was edited by someone else meanwhile. Nothing was changed", failure.Message, StringComparison.Ordinal);
        Assert.Empty(api.Changes);
        Assert.EndsWith("# mine", Text(api), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_somebody_else_edited_while_it_failed_is_left_and_named()
    {
        var api = RecordedCluster.Recorded("kubeadm-1.20-iptables");
        using var proxies = new Proxies(api, "iptables") { OnRestart = () => api.Find("ConfigMap", "kube-proxy")!["data"]!["config.conf"] = "kind: KubeProxyConfiguration\nmode: userspace\n" };

        InvalidOperationException failure = await Assert.ThrowsAsync<InvalidOperationException>(async () => await (await Plan(api, ProxyMode.Ipvs, null)).ApplyAsync(Limit, null, CancellationToken.None));

        Assert.Contains("Meanwhile someone else has changed ConfigMap kube-system/kube-proxy", failure.Message, StringComparison.Ordinal);
        Assert.Contains("userspace", Text(api), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_restart_that_is_forbidden_leaves_the_configuration_as_it_was()
    {
        var api = RecordedCluster.Recorded("kubeadm-1.20-iptables");
        string before = Text(api);
        _ = api.Forbidden.Add("patch daemonsets");

        InvalidOperationException failure = await Assert.ThrowsAsync<InvalidOperationException>(async () => await (await Plan(api, ProxyMode.Ipvs, null)).ApplyAsync(Limit, null, CancellationToken.None));

        Assert.Contains("cannot patch daemonsets", failure.Message, StringComparison.Ordinal);
        Assert.Equal(before, Text(api));
    }

    [Fact]
    public async Task A_configuration_that_may_not_be_written_is_left_alone_and_so_is_kube_proxy()
    {
        var api = RecordedCluster.Recorded("kubeadm-1.20-iptables");
        _ = api.Forbidden.Add("patch configmaps");

        KubernetesException failure = await Assert.ThrowsAsync<KubernetesException>(async () => await (await Plan(api, ProxyMode.Ipvs, null)).ApplyAsync(Limit, null, CancellationToken.None));

        Assert.Contains("cannot patch configmaps", failure.Message, StringComparison.Ordinal);
        Assert.Empty(api.Changes);
    }

    [Fact]
    public async Task A_change_that_was_made_but_not_confirmed_is_taken_back()
    {
        var api = RecordedCluster.Recorded("kubeadm-1.20-iptables");
        string before = Text(api);
        using var proxies = new Proxies(api, "iptables");
        Action<string> restart = api.Changed!;
        bool cut = false;
        api.Changed = change =>
        {
            restart(change);
            if (cut) return;
            cut = true;
            throw new KubernetesException(KubernetesFault.Unreachable, "The line was cut.");
        };

        InvalidOperationException failure = await Assert.ThrowsAsync<InvalidOperationException>(async () => await (await Plan(api, ProxyMode.Ipvs, null)).ApplyAsync(Limit, null, CancellationToken.None));

        Assert.StartsWith("The line was cut. It was changed back", failure.Message, StringComparison.Ordinal);
        Assert.Equal(before, Text(api));
        Assert.Equal(["patch configmaps kube-proxy", "patch configmaps kube-proxy", "patch daemonsets.apps kube-proxy"], api.Changes);
    }

    [Fact]
    public async Task A_change_that_is_stopped_and_cannot_be_taken_back_is_told_with_the_commands()
    {
        var api = RecordedCluster.Recorded("kubeadm-1.20-iptables");
        using var stop = new CancellationTokenSource();
        api.Changed = change =>
        {
            _ = api.Forbidden.Add("get configmaps");
            stop.Cancel();
        };
        string told = "";
        Aftercare.ToldTo(left => told = left);

        _ = await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await (await Plan(api, ProxyMode.Ipvs, null)).ApplyAsync(Limit, null, stop.Token));

        Assert.StartsWith("The change of the proxy mode was stopped. Changing it back did not succeed either: ", told, StringComparison.Ordinal);
        Assert.Contains("kubectl --context kubeadm-1.20-iptables -n kube-system edit configmap kube-proxy (mode: \"\"", told, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_change_that_was_stopped_is_back_when_kube_proxy_runs_again()
    {
        var api = RecordedCluster.Recorded("kubeadm-1.20-iptables");
        string before = Text(api);
        using var proxies = new Proxies(api, "ipvs");
        using var stop = new CancellationTokenSource();
        Action<string> restart = api.Changed!;
        string? second = null;
        api.Changed = change =>
        {
            if (!change.StartsWith("patch daemonsets", StringComparison.Ordinal)) return;
            if (stop.IsCancellationRequested) second = change;
            else restart(change);
            stop.Cancel();
        };
        var change = (KubeProxyModeChange)await Plan(api, ProxyMode.Ipvs, null);

        _ = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => change.ApplyAsync(Limit, null, stop.Token));
        Assert.Equal(before, Text(api));
        await change.RevertAsync(wait: false, Limit);

        Task back = change.RevertAsync(wait: true, Limit);
        Assert.NotSame(back, await Task.WhenAny(back, Task.Delay(TimeSpan.FromSeconds(2))));
        restart(second!);
        await back;
        Assert.Equal(2, api.Changes.Count(one => one.StartsWith("patch daemonsets", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("no-config-conf", "has no 'config.conf' in ConfigMap kube-system/kube-proxy (its keys are kubeconfig.conf)")]
    [InlineData("eks", "aws eks update-addon")]
    [InlineData("gke-static-pods", "GKE manages kube-proxy itself")]
    [InlineData("k3s", "kube-proxy-arg")]
    [InlineData("rke2", "/etc/rancher/rke2/config.yaml")]
    [InlineData("cilium-replacement", "Cilium does kube-proxy's work")]
    [InlineData("nothing", "has no ConfigMap kube-system/kube-proxy to change")]
    public async Task Where_it_cannot_be_changed_so_the_error_says_how(string cluster, string says)
    {
        PlanException fault = await Assert.ThrowsAsync<PlanException>(() => Plan(RecordedCluster.Made(cluster), ProxyMode.Ipvs, null));
        Assert.Contains(says, fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_version_that_has_no_nftables_is_named()
    {
        PlanException fault = await Assert.ThrowsAsync<PlanException>(() => Plan(RecordedCluster.Recorded("kubeadm-1.20-iptables"), ProxyMode.Nftables, null));
        Assert.Contains("is no mode of kube-proxy v1.20.2", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_kernel_that_is_too_old_is_warned_of()
    {
        ProxyModeChange change = await Plan(RecordedCluster.Made("crashing"), ProxyMode.Ipvs, null);
        Assert.Contains("a (kernel 5.4.0-200-generic)", change.Warnings[0], StringComparison.Ordinal);
        Assert.Contains("is too old for mode nftables", (await Plan(RecordedCluster.Made("crashing"), ProxyMode.Nftables, null)).Warnings[0], StringComparison.Ordinal);
    }

    [Fact]
    public void What_nodes_lack_is_told_by_the_node_where_somebody_has_looked()
    {
        Prerequisite Lacks(string node, string name, string detail = "", bool optional = false) => Prerequisite.Missing("Ipvs", name, detail, "") with { Node = node, Optional = optional };
        ImmutableArray<Prerequisite> found =
        [
            Lacks("a", "ip_vs"), Lacks("a", "ip_vs_lc", "installed, but not loaded", optional: true), Lacks("a", "ip_vs_nq", optional: true), Lacks("a", "ipvsadm", optional: true),
            Lacks("b", "ip_vs"), Lacks("b", "ip_vs_lc", "installed, but not loaded", optional: true), Prerequisite.Found("Ipvs", "ip_vs", "loaded") with { Node = "c" }, Lacks("d", "ip_vs_sh", optional: true),
        ];

        Assert.Equal(
            """
            a, b lack ip_vs, ip_vs_lc (installed, but not loaded): without that kube-proxy falls back to iptables, or does not start.
            d lacks ip_vs_sh: without that kube-proxy falls back to iptables, or does not start.
            """, string.Join('\n', ProxyNeeds.Missing(new LabMode(ProxyMode.Ipvs, IpvsScheduler.Lc), found)));
        Assert.Empty(ProxyNeeds.Missing(new LabMode(ProxyMode.Ipvs, IpvsScheduler.Rr), [.. found.Where(one => one.Node == "c")]));
    }

    [Fact]
    public async Task Who_may_look_into_the_nodes_is_warned_of_what_they_lack()
    {
        (RecordedCluster api, KubernetesCluster cluster) = await WithNodeAccess();
        api.Run = (_, command) => command.Contains("node prerequisite", StringComparison.Ordinal) ? """[{"mode":"Ipvs","name":"ip_vs","present":false,"detail":"","remedy":""}]""" : "";

        ProxyModeChange change = await cluster.PlanProxyModeAsync(ProxyMode.Ipvs, null, look: true, CancellationToken.None);

        Assert.Equal("node-1, node-2, node-3 lack ip_vs: without that kube-proxy falls back to iptables, or does not start.", Assert.Single(change.Warnings));
        Assert.Empty(LookPods(api));
    }

    [Fact]
    public async Task Where_the_nodes_cannot_be_looked_into_it_goes_on_with_what_they_need_and_says_why()
    {
        (RecordedCluster api, KubernetesCluster cluster) = await WithNodeAccess();
        string needs = Assert.Single((await Plan(api, ProxyMode.Ipvs, null)).Warnings);
        api.Changed = _ =>
        {
            foreach (JsonObject pod in LookPods(api)) pod["status"] = JsonNode.Parse("""{"phase":"Failed","reason":"UnexpectedAdmissionError","message":"no room"}""");
        };

        ProxyModeChange change = await cluster.PlanProxyModeAsync(ProxyMode.Ipvs, null, look: true, CancellationToken.None);

        Assert.Equal($"{needs} What they lack could not be looked at: Of 3 pods that look into the nodes 3 did not start in namespace tests-node: 3 × UnexpectedAdmissionError: no room", Assert.Single(change.Warnings));
        Assert.Empty(LookPods(api));

        api.Changed = null;
        _ = api.Forbidden.Add("patch pods");
        change = await cluster.PlanProxyModeAsync(ProxyMode.Ipvs, null, look: true, CancellationToken.None);
        Assert.StartsWith($"{needs} What they lack could not be looked at: Could not patch pods: ", Assert.Single(change.Warnings), StringComparison.Ordinal);

        using var proxies = new Proxies(api, "ipvs");
        await change.ApplyAsync(Limit, null, CancellationToken.None);
        Assert.Contains("mode: \"ipvs\"\n", Text(api), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Ctrl_C_during_the_look_ends_it_and_leaves_no_pod()
    {
        (RecordedCluster api, KubernetesCluster cluster) = await WithNodeAccess();
        using var stop = new CancellationTokenSource();
        // What is killed by it fails like anything else.
        api.Run = (_, _) =>
        {
            stop.Cancel();
            throw new KubernetesException(KubernetesFault.Other, "killed");
        };

        KubernetesException failure = await Assert.ThrowsAsync<KubernetesException>(() => cluster.PlanProxyModeAsync(ProxyMode.Ipvs, null, look: true, stop.Token));

        Assert.Equal("killed", failure.Message);
        Assert.Empty(LookPods(api));
    }

    [Fact]
    public async Task Without_a_look_nothing_is_made()
    {
        (RecordedCluster api, KubernetesCluster cluster) = await WithNodeAccess();
        api.Changes.Clear();

        ProxyModeChange change = await cluster.PlanProxyModeAsync(ProxyMode.Ipvs, null, look: false, CancellationToken.None);

        Assert.Equal(Assert.Single((await Plan(api, ProxyMode.Ipvs, null)).Warnings), Assert.Single(change.Warnings));
        Assert.Empty(api.Changes);
    }

    private static async Task<(RecordedCluster Api, KubernetesCluster Cluster)> WithNodeAccess()
    {
        var api = RecordedCluster.Recorded("kubeadm-1.20-iptables");
        return (api, await KubernetesCluster.StartAsync(api, new KubernetesSpec { Namespace = "tests", EndpointCount = 0, NodeAccess = true }, null, CancellationToken.None));
    }

    private static IEnumerable<JsonObject> LookPods(RecordedCluster api) => api.Objects.Where(one => (string?)one["kind"] == "Pod" && (string?)one["metadata"]!["namespace"] == "tests-node");

    private static async Task<ProxyModeChange> Plan(RecordedCluster api, ProxyMode? mode, IpvsScheduler? scheduler) => await KubeProxyModeChange.PlanAsync(api, mode, scheduler, CancellationToken.None);

    private static string Text(RecordedCluster api) => (string)api.Find("ConfigMap", "kube-proxy")!["data"]!["config.conf"]!;

    /// <summary>Has new pods come when the DaemonSet is restarted: the first time in a given mode, after that in the one that they were recorded in.</summary>
    private sealed class Proxies : IDisposable
    {
        private readonly RecordedCluster _api;
        private readonly List<string> _made = [];
        private readonly string _mode, _log;
        private int _restarts;

        internal Proxies(RecordedCluster api, string mode, string? log = null)
        {
            (_api, _mode, _log) = (api, mode, log ?? $"I0626 17:19:43.591383       1 server_others.go:185] Using {mode} Proxier.\n");
            api.Changed = Restart;
        }

        internal Action? OnRestart { get; init; }

        public void Dispose() => _made.ForEach(folder => Directory.Delete(folder, recursive: true));

        private void Restart(string change)
        {
            if (!change.StartsWith("patch daemonsets", StringComparison.Ordinal)) return;
            bool first = _restarts++ == 0;
            JsonObject set = _api.Find("DaemonSet", "kube-proxy")!;
            var annotations = set["spec"]!["template"]!["metadata"]!["annotations"]!.DeepClone();
            set["status"]!["observedGeneration"] = set["metadata"]!["generation"]!.DeepClone();
            foreach (JsonObject pod in _api.Objects.Where(one => (string?)one["kind"] == "Pod").ToArray())
            {
                string name = $"kube-proxy-{Guid.NewGuid():N}";
                (pod["metadata"]!["name"], pod["metadata"]!["annotations"]) = (name, annotations.DeepClone());
                string folder = Path.GetDirectoryName(_api.Answer(name, "log"))!;
                _ = Directory.CreateDirectory(folder);
                _made.Add(folder);
                File.WriteAllText(_api.Answer(name, "proxyMode"), first ? _mode : "iptables");
                File.WriteAllText(_api.Answer(name, "log"), first ? _log : "I0626 17:19:43.591383       1 server_others.go:185] Using iptables Proxier.\n");
            }

            if (first) OnRestart?.Invoke();
        }
    }
}
