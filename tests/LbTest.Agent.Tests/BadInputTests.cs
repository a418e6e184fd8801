namespace LbTest.Agent.Tests;

/// <summary>Bad input gives exit code 2 and one line that names the value and the remedy.</summary>
public sealed class BadInputTests
{
    [Theory]
    [InlineData("Count '0'", "connect", "--address", "127.0.0.1:1", "--count", "0")]
    [InlineData("Count '-3'", "connect", "--address", "127.0.0.1:1", "--count", "-3")]
    [InlineData("Count '9223372036854775807'", "connect", "--address", "127.0.0.1:1", "--count", "9223372036854775807")]
    [InlineData("'many'", "connect", "--address", "127.0.0.1:1", "--count", "many")]
    [InlineData("--address 'nohostport' has no port", "connect", "--address", "nohostport")]
    [InlineData("'no-such-host.invalid', which does not resolve", "connect", "--address", "no-such-host.invalid:5001")]
    [InlineData("Give exactly one of them", "connect")]
    [InlineData("Give exactly one of them", "connect", "--address", "127.0.0.1:1", "--lab", "lab")]
    [InlineData("--timeout '-1'", "connect", "--address", "127.0.0.1:1", "--timeout", "-1")]
    [InlineData("--connect-timeout 'NaN'", "connect", "--address", "127.0.0.1:1", "--connect-timeout", "NaN")]
    [InlineData("ConnectTimeout '50.00:00:00'", "connect", "--address", "127.0.0.1:1", "--connect-timeout", "4320000")]
    [InlineData("Source 'fd00::/112' is IPv6 but the target 127.0.0.1:1 is IPv4", "connect", "--address", "127.0.0.1:1", "--source", "fd00::/112")]
    [InlineData("ip route add local 192.0.2.0/24 dev lo", "connect", "--address", "127.0.0.1:1", "--source", "192.0.2.0/24")]
    [InlineData("SourcePort '70000'", "connect", "--address", "127.0.0.1:1", "--source-port", "70000")]
    [InlineData("no-such-lab", "connect", "--lab", "no-such-lab")]
    [InlineData("no-such-lab", "lab", "virtual-servers", "--name", "no-such-lab")]
    [InlineData("no-such-lab", "lab", "service-addresses", "--name", "no-such-lab")]
    [InlineData("no-such-lab", "lab", "mode", "--name", "no-such-lab", "--proxy-mode", "Iptables")]
    [InlineData("'wfq'", "lab", "mode", "--ipvs-scheduler", "wfq")]
    [InlineData("'Mine'", "prerequisite", "--kernel", "Mine")]
    [InlineData("--no-such-option", "connect", "--address", "127.0.0.1:1", "--no-such-option")]
    [InlineData("no-such-verb", "no-such-verb")]
    [InlineData("--address '127.0.0.1' has no port", "serve", "--address", "127.0.0.1")]
    [InlineData("Address '192.0.2.1:5001' cannot be listened on", "serve", "--address", "192.0.2.1:5001")]
    [InlineData("Name ''", "serve", "--address", "127.0.0.1:5001", "--name", "")]
    [InlineData("'sometimes'", "serve", "--address", "127.0.0.1:5001", "--behavior", "sometimes")]
    [InlineData("/no/such/file.json", "balance", "/no/such/file.json")]
    public async Task It_is_refused_in_one_line(string mention, params string[] arguments) => (await Lbtest.RunAsync(arguments)).AssertRefused(mention);

    [Theory]
    [InlineData("""{"hosts":{"a":1""", "cut short")]
    [InlineData("""{"results":[]}""", "neither a connect result of LbTest")]
    [InlineData("""{"kind":"connect","schemaVersion":99}""", "Update LbTest")]
    public async Task A_file_that_is_no_result_is_named(string content, string problem)
    {
        string file = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        await File.WriteAllTextAsync(file, content);
        try
        {
            (await Lbtest.RunAsync("frequency", file)).AssertRefused(file, problem);
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public async Task A_significance_level_that_is_none_is_refused() =>
        (await Lbtest.ShellAsync("""echo '{"hosts":{"a":1,"b":2},"connects":3}' | lbtest balance --alpha 5""")).AssertRefused("Alpha", "5");

    [Theory, InlineData("--help"), InlineData("connect", "--help"), InlineData("--version")]
    public async Task Asking_for_help_is_no_bad_input(params string[] arguments)
    {
        Outcome outcome = await Lbtest.RunAsync(arguments);

        Assert.Equal((0, ""), (outcome.ExitCode, outcome.Error));
        Assert.NotEmpty(outcome.Output);
    }
}
