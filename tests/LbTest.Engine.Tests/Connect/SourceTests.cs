using System.Net;
using System.Net.Sockets;
using LbTest.Engine.Connect;
using LbTest.Engine.Serve;

namespace LbTest.Engine.Tests.Connect;

/// <summary>Where connections come from: source ranges, seeds, fixed ports, and affinity seen from the client.</summary>
public sealed class SourceTests
{
    [Theory, InlineData(false), InlineData(true)]
    public async Task A_fixed_source_port_uses_every_address_of_the_range_once(bool portable)
    {
        using var server = ScriptedServer.InTurn("endpoint");
        int port = FreeAddress.On(IPAddress.Any).Port;
        var plan = new ConnectPlan { Target = server.Address, Count = 254, Source = "127.9.8.0/24", SourcePort = port };

        ConnectResult result = await Loopback.RunAsync(plan, portable);

        Assert.Equal(254, result.Connections);
        Assert.Equal(254, server.Peers.Distinct().Count());
        Assert.All(server.Peers, peer => Assert.Equal(port, peer.Port));
    }

    [Fact]
    public async Task The_same_seed_gives_the_same_sources_whatever_the_path_and_the_threads()
    {
        string[] one = await SourcesAsync(seed: 7, threads: 1, portable: false);

        Assert.Equal(one, await SourcesAsync(seed: 7, threads: 3, portable: false));
        Assert.Equal(one, await SourcesAsync(seed: 7, threads: 1, portable: true));
        Assert.NotEqual(one, await SourcesAsync(seed: 8, threads: 1, portable: false));
    }

    [Fact]
    public async Task A_run_without_a_seed_reports_the_one_it_took()
    {
        using var server = ScriptedServer.InTurn("endpoint");
        ConnectResult result = await Loopback.RunAsync(new ConnectPlan { Target = server.Address, Count = 50, Source = "127.20.0.0/16" });

        Assert.Equal(await SourcesAsync(result.Seed, threads: 1, portable: false), Sorted(server));
        Assert.Equal("127.20.0.0/16", result.Source);
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task Every_address_of_a_small_range_is_used(bool portable)
    {
        using var server = ScriptedServer.InTurn("endpoint");

        _ = await Loopback.RunAsync(new ConnectPlan { Target = server.Address, Count = 200, Source = "127.9.9.16/28", Seed = 1 }, portable);

        Assert.Equal(Enumerable.Range(17, 14).Select(i => IPAddress.Parse($"127.9.9.{i}")), server.Peers.Select(p => p.Address).Distinct().OrderBy(a => a.GetAddressBytes()[3]));
    }

    [SkippableFact]
    public async Task An_IPv6_source_works_as_well()
    {
        Skip.IfNot(Socket.OSSupportsIPv6, "There is no IPv6 here.");
        using Server server = Loopback.Serve("endpoint", address: "::1");

        Assert.Equal(50, (await Loopback.RunAsync(new ConnectPlan { Target = server.Addresses[0], Count = 50, Source = "::1" })).Connections);
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task Affinity_that_holds_moves_nothing_and_counts_sources_per_endpoint(bool portable)
    {
        using var server = new ScriptedServer((connection, _) =>
            ScriptedServer.Answer(connection, ((IPEndPoint)connection.RemoteEndPoint!).Address.GetAddressBytes()[3] < 20 ? "low" : "high"));
        var plan = new ConnectPlan { Target = server.Address, Count = 300, Source = "127.9.7.16/28", Seed = 3, TrackSources = true };

        ConnectResult result = await Loopback.RunAsync(plan, portable);

        Assert.Equal(new AffinityResult(14, 0), result.Affinity);
        Assert.Equal((3, 11), (result.Endpoints.Single(e => e.Name == "low").Sources, result.Endpoints.Single(e => e.Name == "high").Sources));
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task Affinity_that_does_not_hold_shows_how_many_connections_moved(bool portable)
    {
        using var server = ScriptedServer.InTurn("home", "home", "away");
        var plan = new ConnectPlan { Target = server.Address, Count = 90, Source = "127.9.7.1", TrackSources = true };

        Assert.Equal(new AffinityResult(1, 30), (await Loopback.RunAsync(plan, portable)).Affinity);
    }

    [Fact]
    public async Task Sources_that_are_not_tracked_give_no_affinity()
    {
        using var server = ScriptedServer.InTurn("endpoint");

        ConnectResult result = await Loopback.RunAsync(new ConnectPlan { Target = server.Address, Count = 5 });

        Assert.Null(result.Affinity);
        Assert.Null(Assert.Single(result.Endpoints).Sources);
    }

    private static async Task<string[]> SourcesAsync(int seed, int threads, bool portable)
    {
        using var server = ScriptedServer.InTurn("endpoint");
        var plan = new ConnectPlan { Target = server.Address, Count = 50, Source = "127.20.0.0/16", Seed = seed, Threads = threads };
        Assert.Equal(50, (await Loopback.RunAsync(plan, portable)).Connections);
        return Sorted(server);
    }

    private static string[] Sorted(ScriptedServer server) => [.. server.Peers.Select(peer => peer.Address.ToString()).Order(StringComparer.Ordinal)];
}
