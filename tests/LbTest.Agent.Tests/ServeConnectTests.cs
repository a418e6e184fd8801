using System.Diagnostics;
using System.Net;
using System.Text.Json.Nodes;
using LbTest.Engine.Tests;

namespace LbTest.Agent.Tests;

/// <summary>Two processes, a server and a client, over loopback.</summary>
public sealed class ServeConnectTests
{
    [Theory, InlineData("--udp"), InlineData("--udp=false")]
    public async Task A_client_counts_what_a_server_answers(string udp)
    {
        IPEndPoint address = FreeAddress.On(IPAddress.Loopback);
        using Process server = await Lbtest.ServeAsync(address, "endpoint");

        Outcome client = await Lbtest.RunAsync("connect", "--address", address.ToString(), "--count", "200", udp, "--label", "mine", "--json");
        server.Signal("-TERM");
        Outcome served = await Lbtest.EndAsync(server);

        Assert.Equal((0, ""), (client.ExitCode, client.Error));
        JsonNode json = JsonNode.Parse(client.Output)!;
        Assert.True(json["durationSeconds"]!.GetValue<double>() > 0);
        Assert.Equal("mine", json["label"]!.GetValue<string>());
        Assert.Equal(("endpoint", 200), (json["endpoints"]![0]!["name"]!.GetValue<string>(), json["endpoints"]![0]!["connections"]!.GetValue<int>()));
        Assert.True(client.Result.Completed);
        Assert.Equal(new Outcome(0, "served: 200 connections and datagrams\n", ""), served);
    }

    [Fact]
    public async Task Text_shows_what_happened_the_table_and_the_verdict()
    {
        IPEndPoint address = FreeAddress.On(IPAddress.Loopback);
        using Process server = await Lbtest.ServeAsync(address, "endpoint");

        Outcome client = await Lbtest.RunAsync("connect", "--address", address.ToString(), "--count", "1200", "--source", "127.5.0.0/16", "--seed", "1");
        server.Kill();

        Assert.StartsWith($"1,200 of 1,200 connections to {address} (Tcp) in ", client.Output, StringComparison.Ordinal);
        Assert.Contains("latency ms: p50 ", client.Output, StringComparison.Ordinal);
        Assert.Contains("verdict", client.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Failures_give_exit_code_1_and_their_class()
    {
        Outcome client = await Lbtest.RunAsync("connect", "--address", "127.0.0.1:1", "--count", "7");

        Assert.Equal((1, ""), (client.ExitCode, client.Error));
        Assert.Contains("failed: 7 Refused (Connection refused)", client.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_fault_on_demand_is_what_the_client_sees()
    {
        IPEndPoint address = FreeAddress.On(IPAddress.Loopback);
        using Process server = await Lbtest.ServeAsync(address, "endpoint", "--behavior", "reset", "--protocol", "tcp");

        Outcome client = await Lbtest.RunAsync("connect", "--address", address.ToString(), "--count", "7", "--json");
        server.Kill();

        Assert.Equal(1, client.ExitCode);
        Assert.Equal("Reset", Assert.Single(client.Result.Failures).Class.ToString());
    }
}
