using LbTest.Clusters.Kubernetes.Proxy;

namespace LbTest.Clusters.Tests.Kubernetes.Proxy;

/// <summary>kube-proxy's configuration file, changed in one place.</summary>
public sealed class ProxyConfigTests
{
    private const string Kubeadm = """
        # Written by hand: mode: "ipvs" was here once
        apiVersion: kubeproxy.config.k8s.io/v1alpha1
        ipvs:
          excludeCIDRs: null   # none
          scheduler: ""
          strictARP: false
        kind: KubeProxyConfiguration
        mode: ""    # the mode
        nodePortAddresses: null
        """;

    [Fact]
    public void Nothing_but_mode_and_scheduler_changes() =>
        Assert.Equal(Kubeadm.Replace("mode: \"\" ", "mode: \"ipvs\" ", StringComparison.Ordinal).Replace("scheduler: \"\"", "scheduler: \"lc\"", StringComparison.Ordinal), Read(Kubeadm).With("ipvs", "lc"));

    [Fact]
    public void Lines_may_end_as_on_windows()
    {
        string text = Kubeadm.Replace("\n", "\r\n", StringComparison.Ordinal);
        Assert.Equal(text.Replace("mode: \"\" ", "mode: \"nftables\" ", StringComparison.Ordinal), Read(text).With("nftables", null));
    }

    [Theory]
    [InlineData("kind: KubeProxyConfiguration\nmode: iptables\n", "kind: KubeProxyConfiguration\nmode: ipvs\n")]
    [InlineData("kind: KubeProxyConfiguration\nmode: 'iptables' # x\n", "kind: KubeProxyConfiguration\nmode: 'ipvs' # x\n")]
    [InlineData("kind: KubeProxyConfiguration\nmode:\nportRange: \"\"\n", "kind: KubeProxyConfiguration\nmode: ipvs\nportRange: \"\"\n")]
    [InlineData("kind: KubeProxyConfiguration\nmode: null\n", "kind: KubeProxyConfiguration\nmode: ipvs\n")]
    [InlineData("kind: KubeProxyConfiguration\n# of ports\nportRange: \"\"\n", "kind: KubeProxyConfiguration\nmode: \"ipvs\"\n# of ports\nportRange: \"\"\n")]
    [InlineData("{\"kind\":\"KubeProxyConfiguration\",\"mode\":\"\"}", "{\"kind\":\"KubeProxyConfiguration\",\"mode\":\"ipvs\"}")]
    [InlineData("{\"kind\":\"KubeProxyConfiguration\"}", "{\"mode\": \"ipvs\", \"kind\":\"KubeProxyConfiguration\"}")]
    [InlineData("a: 1\n---\nkind: KubeProxyConfiguration\nmode: \"\"\n", "a: 1\n---\nkind: KubeProxyConfiguration\nmode: \"ipvs\"\n")]
    public void A_mode_is_written_as_the_file_is(string before, string after) => Assert.Equal(after, Read(before).With("ipvs", null));

    [Theory]
    [InlineData("kind: KubeProxyConfiguration\nmode: ipvs\n", "ipvs: {scheduler: \"lc\"}\nkind: KubeProxyConfiguration\nmode: ipvs\n")]
    [InlineData("ipvs: null\nkind: KubeProxyConfiguration\n", "ipvs: {scheduler: \"lc\"}\nkind: KubeProxyConfiguration\n")]
    [InlineData("ipvs:\n  strictARP: false\nkind: KubeProxyConfiguration\n", "ipvs:\n  scheduler: \"lc\"\n  strictARP: false\nkind: KubeProxyConfiguration\n")]
    [InlineData("ipvs: {}\nkind: KubeProxyConfiguration\n", "ipvs: {\"scheduler\": \"lc\"}\nkind: KubeProxyConfiguration\n")]
    public void A_scheduler_finds_its_place(string before, string after) => Assert.Equal(after, Read(before).With(null, "lc"));

    [Theory]
    [InlineData("kind: [", "this is not YAML")]
    [InlineData("kind: Config\n", "has no KubeProxyConfiguration in it")]
    [InlineData("", "has no KubeProxyConfiguration in it")]
    public void What_is_no_configuration_is_said_to_be_none(string text, string says) => Assert.Contains(says, Assert.Throws<FormatException>(() => Read(text)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("kind: KubeProxyConfiguration\nmode: {a: b}\n", "'mode' is not a single value")]
    [InlineData("kind: KubeProxyConfiguration\nx: &y iptables\nmode: *y\n", "Set 'mode' and 'ipvs.scheduler' there by hand")]
    public void What_cannot_be_changed_alone_is_not_changed(string text, string says) => Assert.Contains(says, Assert.Throws<FormatException>(() => Read(text).With("ipvs", null)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("", 10249)]
    [InlineData("0.0.0.0:10249", 10249)]
    [InlineData("127.0.0.1:20249", 20249)]
    [InlineData("[::]:9", 9)]
    public void The_port_of_metrics_is_found(string address, int port) => Assert.Equal(port, Read($"kind: KubeProxyConfiguration\nmetricsBindAddress: \"{address}\"\n").MetricsPort);

    [Fact]
    public void A_difference_shows_what_changes_with_what_is_around_it()
    {
        string after = Read(Kubeadm).With("ipvs", "lc");
        Assert.Equal("""
            --- x
            +++ x
            @@ -2,8 +2,8 @@
             apiVersion: kubeproxy.config.k8s.io/v1alpha1
             ipvs:
               excludeCIDRs: null   # none
            -  scheduler: ""
            +  scheduler: "lc"
               strictARP: false
             kind: KubeProxyConfiguration
            -mode: ""    # the mode
            +mode: "ipvs"    # the mode
             nodePortAddresses: null
            """, UnifiedDiff.Of(Kubeadm, after, "x"));
        Assert.Equal("", UnifiedDiff.Of("a", "a", "x"));
        Assert.Equal("--- x\n+++ x\n@@ -1,1 +1,2 @@\n a\n+b", UnifiedDiff.Of("a", "a\nb", "x"));
    }

    private static ProxyConfig Read(string text) => ProxyConfig.Read(text, "ConfigMap kube-system/kube-proxy, config.conf");
}
