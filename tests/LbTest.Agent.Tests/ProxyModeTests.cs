using System.Text.Json.Nodes;

namespace LbTest.Agent.Tests;

/// <summary><c>lbtest proxy-mode</c>.</summary>
public sealed class ProxyModeTests
{
    private const string Ipvs = """
        printf '%s\n' 'I0703 04:42:33.308289       1 server_others.go:170] Using ipvs Proxier.' \
            'W0703 04:42:33.309074       1 proxier.go:401] IPVS scheduler not specified, use rr by default' 'I0703 04:42:33.309831       1 server.go:534] Version: v1.15.0'
        """;

    [Fact]
    public async Task A_log_on_standard_input_tells_mode_and_scheduler_and_the_line_that_says_so()
    {
        Outcome outcome = await Lbtest.ShellAsync($"{Ipvs} | lbtest proxy-mode");

        Assert.Equal((0, ""), (outcome.ExitCode, outcome.Error));
        Assert.Equal(
            "kube-proxy v1.15.0 runs in mode ipvs with the scheduler rr, its default.\n  line 1: I0703 04:42:33.308289       1 server_others.go:170] Using ipvs Proxier.\n", outcome.Output);
    }

    [Fact]
    public async Task Json_has_the_same_in_fields()
    {
        JsonNode report = JsonNode.Parse((await Lbtest.ShellAsync($"{Ipvs} | lbtest proxy-mode --json")).Output)!;

        Assert.Equal(("Ipvs", "rr", true, 1), (report["mode"]!.GetValue<string>(), report["scheduler"]!.GetValue<string>(), report["schedulerIsDefault"]!.GetValue<bool>(), report["lineNumber"]!.GetValue<int>()));
    }

    [Fact]
    public async Task Of_several_logs_each_is_told_and_one_that_does_not_tell_is_bad_input()
    {
        Outcome outcome = await Lbtest.ShellAsync($$"""
            folder=$(mktemp -d); cd "$folder"
            ({{Ipvs}}) > one.log; echo 'I0703 nothing' > two.log
            lbtest proxy-mode one.log two.log; code=$?
            cd /; rm -r "$folder"; exit $code
            """);

        Assert.Equal(2, outcome.ExitCode);
        Assert.StartsWith("one.log: kube-proxy v1.15.0 runs in mode ipvs", outcome.Output, StringComparison.Ordinal);
        Assert.StartsWith("lbtest: two.log: Of 1 line there is none that tells the proxy mode", outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_is_not_there_is_refused() => (await Lbtest.RunAsync("proxy-mode", "no-such.log")).AssertRefused("no-such.log");
}
