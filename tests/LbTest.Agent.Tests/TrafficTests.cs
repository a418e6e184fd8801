using System.Diagnostics;
using System.Net;
using LbTest.Engine.Connect;
using LbTest.Engine.Results;
using LbTest.Engine.Serve;
using LbTest.Engine.Traffic;

namespace LbTest.Agent.Tests;

/// <summary><c>lbtest traffic</c> as a user types it: JSON on stdout, a line a second on stderr, an exit code that tells.</summary>
public sealed class TrafficTests
{
    private static Server Serve() => Server.Start([new ServedEndpoint("endpoint-1", new IPEndPoint(IPAddress.Loopback, 0)) { Service = ServedService.Traffic }]);

    private static TrafficResult Result(Outcome outcome)
    {
        Assert.True(outcome.Output.StartsWith('{'), $"No JSON but '{outcome.Output}' and '{outcome.Error}'.");
        return Assert.IsType<TrafficResult>(ResultJson.ReadAny(outcome.Output));
    }

    [Theory, InlineData("--udp"), InlineData("--udp=false")]
    public async Task The_result_is_json_on_stdout_and_the_monitor_on_stderr(string udp)
    {
        using Server server = Serve();
        Outcome outcome = await Lbtest.RunAsync(
            "traffic", "--address", server.Addresses[0].ToString(), "-c", "5", "--packets-per-second", "100", "--duration", "2.2", "--label", "mine", "--monitor", "--json", udp);
        TrafficResult result = Result(outcome);
        Assert.Equal((0, "mine", 5, true), (outcome.ExitCode, result.Label, result.Clients, result.Completed));
        Assert.All(result.Connections, connection => Assert.Equal("endpoint-1", connection.Endpoint));
        Assert.Equal(result.Sent, result.Received);
        string[] lines = outcome.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(3, lines.Length);
        Assert.All(lines, line => Assert.Contains("active/failed/connecting 5/0/0", line, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Text_shows_the_seconds()
    {
        using Server server = Serve();
        Outcome outcome = await Lbtest.RunAsync("traffic", "--address", server.Addresses[0].ToString(), "-c", "4", "--bytes-per-second", "102400", "--duration", "1.5");
        Assert.StartsWith($"4 connections to {server.Addresses[0]} (Tcp) for 1.5 s, 100 packets of 1,024 bytes a second\n", outcome.Output, StringComparison.Ordinal);
        Assert.Contains("  time s   active", outcome.Output, StringComparison.Ordinal);
        Assert.Equal((0, ""), (outcome.ExitCode, outcome.Error));
    }

    [Fact]
    public async Task Lost_connections_give_exit_code_1()
    {
        using Server server = Serve();
        Task<Outcome> run = Lbtest.RunAsync("traffic", "--address", server.Addresses[0].ToString(), "-c", "3", "--packets-per-second", "300", "--duration", "3", "--json");
        while (server.Accepted[0] < 3 && !run.IsCompleted) await Task.Delay(10);
        server.Disconnect(0, reset: true);
        TrafficResult result = Result(await run);
        Assert.Equal((1, 3L, 6), ((await run).ExitCode, result.LostConnections, result.Connections.Length));
    }

    [Theory, InlineData("-INT"), InlineData("-TERM")]
    public async Task Stopped_it_prints_what_it_measured(string signal)
    {
        using Server server = Serve();
        Process client = Lbtest.Start("traffic", "--address", server.Addresses[0].ToString(), "-c", "2", "--packets-per-second", "200", "--duration", "3600", "--json");
        while (server.Accepted[0] < 2 && !client.HasExited) await Task.Delay(10);
        client.Signal(signal);
        Outcome outcome = await Lbtest.EndAsync(client);
        TrafficResult result = Result(outcome);
        Assert.Equal((1, false, "stopped by the user", 2), (outcome.ExitCode, result.Completed, result.Reason, result.Connections.Length));
        Assert.DoesNotContain(result.Failures, failure => failure.Class != FailureClass.Unclassified);
    }

    [Theory]
    [InlineData("PacketsPerSecond '0'", "--packets-per-second", "0")]
    [InlineData("BytesPerSecond '-1'", "--bytes-per-second", "-1")]
    [InlineData("BytesPerSecond '1' and PacketsPerSecond exclude each other", "--bytes-per-second", "1", "--packets-per-second", "1")]
    [InlineData("PacketSize '63' is not a packet size of TCP traffic. Give 64 to 65536 bytes", "--packet-size", "63")]
    [InlineData("PacketSize '65537'", "--packet-size", "65537")]
    [InlineData("Give 72 to 65507 bytes", "--packet-size", "64", "--udp")]
    [InlineData("Connections '0'", "--connections", "0")]
    [InlineData("--duration '0'", "--duration", "0")]
    [InlineData("RampUp '00:00:10'", "--ramp-up", "10")]
    [InlineData("SourceFile '/dev/null' holds no address", "--source-file", "/dev/null")]
    [InlineData("/no/such/file", "--source-file", "/no/such/file")]
    [InlineData("needs a cluster to disturb", "--disturbance", "EndpointDown at=1")]
    [InlineData("does not begin with a kind", "--disturbance", "Earthquake at=1")]
    [InlineData("does not say when", "--disturbance", "EndpointDown")]
    [InlineData("the word 'at', which is not of the form", "--disturbance", "EndpointDown at")]
    [InlineData("the name 'depth'", "--disturbance", "EndpointDown at=1 depth=3")]
    [InlineData("'soon' for at", "--disturbance", "EndpointDown at=soon")]
    [InlineData("does not fit", "--disturbance", "EndpointDown at=1 mode=Gently")]
    [InlineData("'ProxyModeSwitch' needs a cluster to disturb", "--disturbance", "ProxyModeSwitch at=1 ipvsScheduler=lc")]
    [InlineData("'Reorder' needs a cluster to disturb", "--disturbance", "Reorder at=1 percent=25 latency=0.02 direction=To")]
    public async Task Bad_input_is_refused_in_one_line(string mention, params string[] arguments) =>
        (await Lbtest.RunAsync(["traffic", "--address", "127.0.0.1:1", .. arguments])).AssertRefused(mention);
}
