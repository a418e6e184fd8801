using System.Collections.Immutable;
using LbTest.Clusters.Kubernetes;
using LbTest.Engine.Tests;
using Mode = LbTest.Clusters.Kubernetes.KubeProxyMode;

namespace LbTest.Clusters.Tests.Kubernetes;

/// <summary>Lines that kube-proxy wrote in clusters, of one version after the other.</summary>
public sealed class ProxyLogTests
{
    private const string Modules = "IPVS proxier will not be used because the following required kernel modules are not loaded: [ip_vs ip_vs_rr ip_vs_wrr ip_vs_sh]";

    [SkippableFact]
    public void A_real_log_of_1_20_tells_iptables_and_the_line_that_says_so()
    {
        string? path = Golden.Find(Path.Combine("kube-proxy", "kube-proxy-1.20.2-iptables.log"));
        Skip.If(path is null, "There is no recorded log beside the checkout.");

        ProxyModeReport report = Single(ProxyLog.Read(File.ReadLines(path)));

        Assert.Equal((Mode.Iptables, "v1.20.2", 8), (report.Mode, report.Version, report.LineNumber));
        Assert.Equal("I1120 23:55:18.750117    8734 server_others.go:185] Using iptables Proxier.", report.Reason);
        Assert.Equal((null, null, null, null, null), (report.Scheduler, report.SchedulerIsDefault, report.RequestedMode, report.FallbackReason, report.Source));
        Assert.Equal("kube-proxy v1.20.2 runs in mode iptables.", report.Explanation);
    }

    [Theory]
    [InlineData("I0703 04:42:33.308289       1 server_others.go:170] Using ipvs Proxier.", Mode.Ipvs)]
    [InlineData("I0926 12:15:44.123456       1 server_others.go:189] Using ipvs Proxier.", Mode.Ipvs)]
    [InlineData("I0330 09:28:56.608336       1 server_others.go:212] Using iptables Proxier.", Mode.Iptables)]
    [InlineData("I0424 05:20:06.153196       1 server_others.go:206] \"Using iptables Proxier\"", Mode.Iptables)]
    [InlineData("I0719 14:55:07.072362       1 server_linux.go:233] \"Using ipvs Proxier\"", Mode.Ipvs)]
    [InlineData("I0320 14:32:47.011506       1 server_linux.go:292] \"Using nftables Proxier\"", Mode.Nftables)]
    [InlineData("I0101 00:00:00.000001       1 server_others.go:178] Using userspace Proxier.", Mode.Userspace)]
    [InlineData("I0101 00:00:00.000001    2244 server_windows.go:105] \"Using Kernelspace Proxier.\"", Mode.Kernelspace)]
    [InlineData("{\"ts\":1747742144123.456,\"caller\":\"app/server_linux.go:231\",\"msg\":\"Using nftables Proxier\",\"v\":0}", Mode.Nftables)]
    [InlineData("2025-05-20T11:55:44.123456789Z I0520 11:55:44.123456       1 server_linux.go:231] \"Using nftables Proxier\"", Mode.Nftables)]
    [InlineData("2025-05-20T11:55:44.123456789Z stderr F I0520 11:55:44.123456       1 server_linux.go:231] \"Using nftables Proxier\"", Mode.Nftables)]
    [InlineData("2025-05-20T11:55:44.123456789Z stderr F {\"ts\":1747742144123.456,\"caller\":\"app/server_linux.go:231\",\"msg\":\"Using ipvs Proxier\",\"v\":0}", Mode.Ipvs)]
    [InlineData("{\"log\":\"I0424 05:20:06.153196       1 server_others.go:206] \\\"Using iptables Proxier\\\"\\n\",\"stream\":\"stderr\",\"time\":\"2022-04-24T05:20:06.153370982Z\"}", Mode.Iptables)]
    [InlineData("Sep 26 12:15:44 node-1 kube-proxy[812]: I0926 12:15:44.123456     812 server_others.go:189] Using ipvs Proxier.", Mode.Ipvs)]
    [InlineData("Using ipvs Proxier.", Mode.Ipvs)]
    public void The_mode_is_told_in_every_format(string line, Mode mode)
    {
        ProxyModeReport report = Read("I0101 00:00:00.000000       1 node.go:172] Successfully retrieved node IP: 192.168.1.1", line);

        Assert.Equal((mode, line, 2), (report.Mode, report.Reason, report.LineNumber));
        Assert.Null(report.RequestedMode);
    }

    [Theory]
    [InlineData("W0703 04:42:33.309074       1 proxier.go:401] IPVS scheduler not specified, use rr by default")]
    [InlineData("I0106 02:24:14.250712       1 proxier.go:449] \"IPVS scheduler not specified, use rr by default\"")]
    [InlineData("I0525 03:22:43.627951       1 proxier.go:351] \"IPVS scheduler not specified, use rr by default\" ipFamily=\"IPv4\"")]
    [InlineData("{\"ts\":1747742144124.1,\"caller\":\"ipvs/proxier.go:351\",\"msg\":\"IPVS scheduler not specified, use rr by default\",\"v\":0,\"ipFamily\":\"IPv4\"}")]
    public void The_default_scheduler_is_known_as_such(string line)
    {
        ProxyModeReport report = Read("I0703 04:42:33.308289       1 server_others.go:170] Using ipvs Proxier.", line, "I0703 04:42:33.309831       1 server.go:534] Version: v1.15.0");

        Assert.Equal((Mode.Ipvs, "rr", true, "v1.15.0"), (report.Mode, report.Scheduler, report.SchedulerIsDefault, report.Version));
        Assert.Equal("kube-proxy v1.15.0 runs in mode ipvs with the scheduler rr, its default.", report.Explanation);
    }

    [Fact]
    public void A_scheduler_that_someone_chose_is_not_in_the_log_and_that_is_said()
    {
        ProxyModeReport report = Read("I0719 14:55:07.072362       1 server_linux.go:233] \"Using ipvs Proxier\"", "I0719 14:55:07.093370       1 server.go:872] \"Version info\" version=\"v1.30.9\"");

        Assert.Equal((null, false, "v1.30.9"), (report.Scheduler, report.SchedulerIsDefault, report.Version));
        Assert.Contains("someone chose", report.Explanation, StringComparison.Ordinal);
        // Cut off right behind the mode nothing follows from silence.
        Assert.Null(Read("I0719 14:55:07.072362       1 server_linux.go:233] \"Using ipvs Proxier\"").SchedulerIsDefault);
    }

    [Fact]
    public void A_scheduler_among_the_flags_is_taken_unless_a_file_configures()
    {
        string[] flags = ["I0312 17:42:26.395819       1 flags.go:64] FLAG: --ipvs-scheduler=\"lc\"", "I0312 17:42:26.396007       1 flags.go:64] FLAG: --proxy-mode=\"ipvs\""];
        const string mode = "I0312 17:42:27.088399       1 server_linux.go:165] \"Using ipvs Proxier\"";

        ProxyModeReport byFlags = Read(["I0312 17:42:26.395629       1 flags.go:64] FLAG: --config=\"\"", .. flags, mode]);
        ProxyModeReport byFile = Read(["I0312 17:42:26.395629       1 flags.go:64] FLAG: --config=\"/var/lib/kube-proxy/config.conf\"", .. flags, mode]);

        Assert.Equal(("lc", false, null), (byFlags.Scheduler, byFlags.SchedulerIsDefault, byFlags.RequestedMode));
        Assert.Equal((null, null), (byFile.Scheduler, byFile.SchedulerIsDefault));
    }

    public static TheoryData<string[], Mode, string?, string?> Fallbacks => new()
    {
        {
            [
                $"E0202 02:01:51.603782       1 server_others.go:305] can't determine whether to use ipvs proxy, error: {Modules}",
                "I0202 02:01:51.613846       1 server_others.go:148] Using iptables Proxier.",
            ], Mode.Iptables, "ipvs", Modules
        },
        {
            [$"E0202 02:01:51.603782       1 server_others.go:305] can't determine whether to use ipvs proxy, trying iptables proxier: {Modules}", "I0202 02:01:51.6 1 a.go:1] x"], Mode.Iptables, "ipvs", Modules
        },
        {
            [
                $"E0626 17:19:43.491383       1 server_others.go:127] Can't use the IPVS proxier: {Modules}",
                "I0626 17:19:43.591383       1 server_others.go:185] Using iptables Proxier.",
            ], Mode.Iptables, "ipvs", Modules
        },
        {
            [
                $"E0626 17:19:43.491383       1 server_others.go:127] \"Can't use the IPVS proxier\" err=\"{Modules}\"",
                "I0626 17:19:43.591383       1 server_others.go:185] \"Using iptables Proxier\"",
            ], Mode.Iptables, "ipvs", Modules
        },
        {
            ["W1116 09:02:43.496621       1 server_others.go:264] Can't use ipvs proxier, trying iptables proxier", "I1116 09:02:43.498852       1 server_others.go:122] Using iptables Proxier."],
            Mode.Iptables, "ipvs", null
        },
        {
            [
                $"E0101 00:00:00.000001       1 server_others.go:300] can't determine whether to use ipvs proxy, error: {Modules}",
                "I0101 00:00:00.000002       1 server_others.go:310] Can't use ipvs proxier, trying iptables proxier",
                "E0101 00:00:00.000003       1 server_others.go:320] can't determine whether to use iptables proxy, using userspace proxier: no iptables here",
                "I0101 00:00:00.000004       1 server_others.go:178] Using userspace Proxier.",
            ], Mode.Userspace, "ipvs", Modules
        },
        {
            ["W0323 03:36:31.577520       1 server_others.go:578] Unknown proxy mode \"ivps\", assuming iptables proxy", "I0323 03:36:31.579263       1 server_others.go:185] Using iptables Proxier."],
            Mode.Iptables, "ivps", "'ivps' is no proxy mode that it knows"
        },
        {
            ["I0424 05:20:06.010649       1 server_others.go:561] \"Unknown proxy mode, assuming iptables proxy\" proxyMode=\"ivps\""], Mode.Iptables, "ivps", "'ivps' is no proxy mode that it knows"
        },
        {
            [
                "I0610 22:03:26.540358       1 flags.go:33] FLAG: --proxy-mode=\"ipvs\"",
                "I0610 22:03:27.540358       1 server_others.go:185] Using iptables Proxier.",
            ], Mode.Iptables, "ipvs", null
        },
    };

    [Theory, MemberData(nameof(Fallbacks))]
    public void A_fallback_tells_what_was_asked_for_and_why_it_is_not_in_force(string[] lines, Mode mode, string? asked, string? reason)
    {
        ProxyModeReport report = Read(lines);

        Assert.Equal((mode, asked, reason), (report.Mode, report.RequestedMode, report.FallbackReason));
        Assert.Contains($"{asked} was asked for", report.Explanation, StringComparison.Ordinal);
        if (reason is not null) Assert.Contains(reason, report.Explanation, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("W0106 20:34:57.106692       1 server_others.go:287] Flag proxy-mode=\"\" unknown, assuming iptables proxy")]
    [InlineData("W0330 09:28:56.498045       1 server_others.go:565] Unknown proxy mode \"\", assuming iptables proxy")]
    [InlineData("I0424 05:20:06.010649       1 server_others.go:561] \"Unknown proxy mode, assuming iptables proxy\" proxyMode=\"\"")]
    [InlineData("I0930 09:12:44.118902       1 server_linux.go:66] \"Using iptables proxy\"")]
    public void Where_nobody_asked_for_a_mode_that_is_no_fallback(string line)
    {
        ProxyModeReport alone = Read(line), followed = Read(line, "I0930 09:12:44.218902       1 server_linux.go:132] \"Using iptables Proxier\"");

        Assert.Equal((Mode.Iptables, null, 1), (alone.Mode, alone.RequestedMode, alone.LineNumber));
        Assert.Equal((Mode.Iptables, null, 2), (followed.Mode, followed.RequestedMode, followed.LineNumber));
        Assert.Contains("Nobody asked for a mode.", followed.Explanation, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("I0517 02:32:26.557800       1 server_others.go:265] creating dualStackProxier for ipvs.", true)]
    [InlineData("I0525 03:22:43.582758       1 server.go:274] \"kube-proxy running in dual-stack mode\" primary ipFamily=\"IPv4\"", true)]
    [InlineData("I0330 09:28:56.608251       1 server_others.go:206] kube-proxy running in dual-stack mode, IPv4-primary", true)]
    [InlineData("I0525 03:22:43.582758       1 server.go:276] \"kube-proxy running in single-stack mode\" ipFamily=\"IPv4\"", false)]
    public void Dual_stack_is_told_before_or_after_the_mode(string line, bool dual)
    {
        const string mode = "I0517 02:32:26.557745       1 server_others.go:259] Using ipvs Proxier.";

        Assert.Equal((Mode.Ipvs, dual), (Read(line, mode).Mode, Read(line, mode).DualStack));
        Assert.Equal((Mode.Ipvs, dual), (Read(mode, line).Mode, Read(mode, line).DualStack));
        Assert.Null(Read(mode).DualStack);
    }

    [Fact]
    public void What_only_ipvs_says_tells_ipvs_where_the_line_itself_is_missing()
    {
        const string deprecated = "E0525 03:22:43.627358       1 server_linux.go:196] \"The ipvs proxier is now deprecated and may be removed in a future release. Please use 'nftables' instead.\"";

        Assert.Equal((Mode.Ipvs, deprecated), (Read(deprecated).Mode, Read(deprecated).Reason));
        Assert.Equal(("rr", true), (Read("W1 no header: IPVS", "IPVS scheduler not specified, use rr by default").Scheduler, Read("IPVS scheduler not specified, use rr by default").SchedulerIsDefault));
    }

    private static ProxyModeReport Read(params string[] lines) => Single(ProxyLog.Read(lines));

    private static ProxyModeReport Single(ImmutableArray<ProxyLogReading> readings)
    {
        ProxyLogReading reading = Assert.Single(readings);
        Assert.Null(reading.Problem);
        return reading.Report!;
    }
}
