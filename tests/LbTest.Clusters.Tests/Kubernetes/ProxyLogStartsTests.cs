using System.Collections.Immutable;
using LbTest.Clusters.Kubernetes;
using Mode = LbTest.Clusters.Kubernetes.KubeProxyMode;

namespace LbTest.Clusters.Tests.Kubernetes;

/// <summary>Logs of several starts and of several pods, and logs that do not tell.</summary>
public sealed class ProxyLogStartsTests
{
    private static readonly string[] IpvsStart =
    [
        "I1221 05:52:59.148009       1 server_others.go:189] Using ipvs Proxier.",
        "W1221 05:52:59.148809       1 proxier.go:381] IPVS scheduler not specified, use rr by default",
        "I1221 05:52:59.259207       1 server.go:555] Version: v1.14.0",
    ];

    private static readonly string[] NftablesStart =
    [
        "I0320 14:32:47.011466       1 server.go:243] \"kube-proxy running in dual-stack mode\" primary ipFamily=\"IPv4\"",
        "I0320 14:32:47.011506       1 server_linux.go:292] \"Using nftables Proxier\"",
        "I0320 14:32:47.079907       1 server.go:497] \"Version info\" version=\"v1.32.13\"",
    ];

    // A scheduler that does not exist, in Kubernetes v1.28: kube-proxy ends.
    private static readonly string[] FailedStart =
    [
        "E1109 22:18:36.012740       1 proxier.go:634] \"Could not create dummy VS\" err=\"no such file or directory\" scheduler=\"r\"",
        "E1109 22:18:36.012763       1 server.go:558] \"Error running ProxyServer\" err=\"can't use the IPVS proxier: no such file or directory\"",
        "E1109 22:18:36.012808       1 run.go:74] \"command failed\" err=\"can't use the IPVS proxier: no such file or directory\"",
    ];

    [Fact]
    public void The_last_start_decides_and_takes_nothing_from_those_before()
    {
        ProxyModeReport nftables = Assert.Single(ProxyLog.Read([.. IpvsStart, .. NftablesStart])).Report!, ipvs = Assert.Single(ProxyLog.Read([.. NftablesStart, .. IpvsStart])).Report!;

        Assert.Equal((Mode.Nftables, null, "v1.32.13", true, 5), (nftables.Mode, nftables.Scheduler, nftables.Version, nftables.DualStack, nftables.LineNumber));
        Assert.Equal((Mode.Ipvs, "rr", "v1.14.0", 4), (ipvs.Mode, ipvs.Scheduler, ipvs.Version, ipvs.LineNumber));
        Assert.Null(ipvs.DualStack);
    }

    [Fact]
    public void A_start_whose_log_breaks_off_takes_nothing_back()
    {
        ProxyModeReport report = Assert.Single(ProxyLog.Read([.. IpvsStart, "I0101 00:00:00.000000       1 flags.go:64] FLAG: --proxy-mode=\"iptables\""])).Report!;

        Assert.Equal((Mode.Ipvs, "v1.14.0", null), (report.Mode, report.Version, report.RequestedMode));
    }

    [Fact]
    public void A_start_that_failed_is_no_mode_in_force_until_one_succeeds()
    {
        ProxyLogReading failed = Assert.Single(ProxyLog.Read([.. IpvsStart, .. FailedStart, .. FailedStart])), mended = Assert.Single(ProxyLog.Read([.. FailedStart, .. NftablesStart]));

        Assert.Null(failed.Report);
        Assert.Contains("did not start", failed.Problem, StringComparison.Ordinal);
        Assert.Contains("can't use the IPVS proxier: no such file or directory", failed.Problem, StringComparison.Ordinal);
        Assert.Contains("scheduler 'r'", failed.Problem, StringComparison.Ordinal);
        Assert.Equal((Mode.Nftables, null), (mended.Report!.Mode, mended.Report.RequestedMode));
    }

    [Theory]
    [InlineData("F1120 23:55:18.760000    8734 server.go:485] unable to create proxier: can't set sysctl net/ipv4/conf/all/route_localnet to 1: read-only file system")]
    [InlineData("E1120 23:55:18.760000    8734 server.go:558] \"Error running ProxyServer\" err=\"unable to create proxier: no such file\"")]
    [InlineData("{\"ts\":1747742144124.1,\"caller\":\"app/server.go:558\",\"msg\":\"command failed\",\"err\":\"unable to create proxier: no such file\"}")]
    public void A_mode_whose_proxier_could_not_be_made_is_not_in_force(string line) =>
        Assert.Contains("unable to create proxier", Assert.Single(ProxyLog.Read(["Using iptables Proxier.", line])).Problem, StringComparison.Ordinal);

    [Fact]
    public void What_ends_a_proxy_that_ran_does_not_take_back_what_mode_it_was_in() => Assert.Equal(
        Mode.Nftables, Assert.Single(ProxyLog.Read([.. NftablesStart, "E0101 00:00:00.000000       1 run.go:74] \"command failed\" err=\"finished without leader elect\""])).Report!.Mode);

    [Fact]
    public void Pods_of_one_stream_are_told_apart_by_their_prefixes()
    {
        IEnumerable<string> a = IpvsStart.Select(line => $"[pod/kube-proxy-7fsrg/kube-proxy] {line}"), b = NftablesStart.Select(line => $"[pod/kube-proxy-k8vhm/kube-proxy] 2025-05-20T11:55:44.1Z {line}");

        ImmutableArray<ProxyLogReading> readings = ProxyLog.Read(["You are now reading two pods", .. a.Zip(b).SelectMany(pair => new[] { pair.First, pair.Second })]);

        Assert.Equal([("kube-proxy-7fsrg", Mode.Ipvs, 2L), ("kube-proxy-k8vhm", Mode.Nftables, 5L)], readings.Select(r => (r.Source!, r.Report!.Mode, r.Report.LineNumber!.Value)));
        Assert.Equal("rr", readings[0].Report!.Scheduler);
        Assert.Equal("kube-proxy-7fsrg", Assert.Single(ProxyLog.Read(IpvsStart.Select(line => $"kube-proxy-7fsrg kube-proxy {line}"))).Source);
    }

    [Fact]
    public void Files_are_read_apart_and_their_lines_counted_apart()
    {
        var log = new ProxyLog();
        foreach (string line in IpvsStart) log.Add(line, "node-1.log");
        foreach (string line in NftablesStart) log.Add(line, "node-2.log");
        log.Add("nothing of use", "node-3.log");

        ImmutableArray<ProxyLogReading> readings = log.Finish();

        Assert.Equal(["node-1.log", "node-2.log", "node-3.log"], readings.Select(r => r.Source));
        Assert.Equal([Mode.Ipvs, Mode.Nftables, null], readings.Select(r => r.Report?.Mode));
        Assert.Equal([1L, 2L, null], readings.Select(r => r.Report?.LineNumber));
        Assert.Contains("Of 1 line ", readings[2].Problem, StringComparison.Ordinal);
    }

    [Fact]
    public void A_text_of_several_lines_is_read_line_by_line()
    {
        var log = new ProxyLog();
        log.Add(string.Join("\r\n", NftablesStart) + "\r\n");

        Assert.Equal((Mode.Nftables, 2), (log.Finish()[0].Report!.Mode, log.Finish()[0].Report!.LineNumber));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    public void Where_no_line_tells_the_problem_says_what_was_looked_for_and_what_to_do(int lines)
    {
        ProxyLogReading reading = Assert.Single(ProxyLog.Read(Enumerable.Repeat("I1120 23:55:19.053190    8734 shared_informer.go:247] Caches are synced for endpoint slice config ", lines)));

        Assert.Null(reading.Report);
        Assert.All([$"Of {lines} lines", "Using ipvs Proxier", "rotated away", "proxyMode"], word => Assert.Contains(word, $"{reading.Problem} {reading.Remedy}", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("{")]
    [InlineData("{}")]
    [InlineData("[]")]
    [InlineData("{\"msg\":5}")]
    [InlineData("\"Using ipvs Proxier")]
    [InlineData("I0320 \"Using ipvs Proxier\" is what I look for")]
    [InlineData("\0\u0001 {\"msg\":\"Using ipvs Proxier\"")]
    public void Lines_that_are_none_of_its_are_passed_over(string line) => Assert.Null(Assert.Single(ProxyLog.Read([line])).Report);
}
