using System.Net;
using System.Net.Sockets;
using System.Text;
using LbTest.Engine.Connect;
using LbTest.Engine.Serve;
using LbTest.Engine.Sockets;

namespace LbTest.Engine.Tests.Connect;

/// <summary>Our clients and our servers, on Linux system calls (native) and on .NET's sockets (portable): all give the same counts.</summary>
public sealed class RoundTripTests
{
    public static TheoryData<string, TransportProtocol, bool, bool> Pairs
    {
        get
        {
            var pairs = new TheoryData<string, TransportProtocol, bool, bool>();
            foreach (string address in new[] { "127.0.0.1", "::1" })
                foreach (TransportProtocol protocol in Enum.GetValues<TransportProtocol>())
                    for (int paths = 0; paths < 4; paths++) pairs.Add(address, protocol, (paths & 1) != 0, (paths & 2) != 0);
            return pairs;
        }
    }

    [SkippableTheory, MemberData(nameof(Pairs))]
    public async Task Every_connection_gets_the_name_and_the_server_counts_the_same(string address, TransportProtocol protocol, bool portableClient, bool portableServer)
    {
        Skip.If(address == "::1" && !Socket.OSSupportsIPv6, "There is no IPv6 here.");
        using Server server = Loopback.Serve("endpoint", address: address, portable: portableServer);
        var plan = new ConnectPlan { Target = server.Addresses[0], Count = 300, Protocol = protocol };

        ConnectResult result = await Loopback.RunAsync(plan, portableClient);

        Assert.Equal(300, result.Count("endpoint"));
        Assert.Equal(300, server.Accepted[0]);
        Assert.Equal(300, result.Latency.Count);
        Assert.True(result.Latency.P50 > TimeSpan.Zero && result.Latency.P50 <= result.Latency.Maximum);
        Assert.Equal((server.Addresses[0].ToString(), protocol), (result.Target, result.Protocol));
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task Each_of_many_endpoints_of_one_server_answers_with_its_own_name(bool portable)
    {
        using var server = Server.Start([.. Enumerable.Range(1, 5).Select(i => new ServedEndpoint($"endpoint-{i}", Loopback.At($"127.0.0.{i}")))], 2, portable);

        for (int i = 0; i < 5; i++)
        {
            ConnectResult result = await Loopback.RunAsync(new ConnectPlan { Target = server.Addresses[i], Count = 10 * (i + 1) }, portable);
            Assert.Equal(result.Requested, result.Count($"endpoint-{i + 1}"));
        }

        Assert.Equal([10, 20, 30, 40, 50], server.Accepted.ToArray());
    }

    [Theory]
    [InlineData(false, false), InlineData(false, true), InlineData(true, false), InlineData(true, true)]
    public async Task Names_that_begin_like_others_are_told_apart(bool portable, bool listed)
    {
        string[] names = ["pod-1", "pod-10", "pod-100", "pod", "other"];
        using var server = ScriptedServer.InTurn(names);
        var plan = new ConnectPlan { Target = server.Address, Count = 500, Endpoints = listed ? Loopback.Named(names) : [] };

        ConnectResult result = await Loopback.RunAsync(plan, portable);

        Assert.Equal(5, result.Endpoints.Length);
        Assert.All(names, name => Assert.Equal(100, result.Count(name)));
    }

    [Theory]
    [InlineData(1, false), InlineData(1, true), InlineData(255, false), InlineData(255, true)]
    public async Task The_shortest_and_the_longest_names_arrive_whole(int length, bool portable)
    {
        string name = string.Concat(Enumerable.Repeat("é", length / 2)) + "x";
        Assert.Equal(length, Encoding.UTF8.GetByteCount(name));
        using Server server = Loopback.Serve(name, portable: portable);

        Assert.Equal(20, (await Loopback.RunAsync(new ConnectPlan { Target = server.Addresses[0], Count = 20 }, portable)).Count(name));
        var datagrams = new ConnectPlan { Target = server.Addresses[0], Count = 20, Protocol = TransportProtocol.Udp };
        Assert.Equal(20, (await Loopback.RunAsync(datagrams, portable)).Count(name));
    }

    [Theory]
    [InlineData(false, false), InlineData(false, true), InlineData(true, false), InlineData(true, true)]
    public async Task A_name_that_comes_in_two_pieces_is_put_together(bool portable, bool listed)
    {
        using var server = new ScriptedServer(async (connection, _) =>
        {
            connection.NoDelay = true;
            await ScriptedServer.Say(connection, "end");
            await Task.Delay(50);
            await ScriptedServer.Say(connection, "point");
            if (await connection.ReceiveAsync(new byte[100]) > 0) await ScriptedServer.Answer(connection, "endpoint");
        });
        var plan = new ConnectPlan { Target = server.Address, Count = 20, Endpoints = listed ? Loopback.Named("end", "endpoint") : [] };

        ConnectResult result = await Loopback.RunAsync(plan, portable);

        Assert.Equal(20, result.Count("endpoint"));
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task Endpoints_that_exist_are_listed_first_even_with_nothing_and_strangers_are_marked(bool portable)
    {
        using Server server = Loopback.Serve("stranger");
        var plan = new ConnectPlan { Target = server.Addresses[0], Count = 10, Endpoints = [new("b", 0.75, "node-1"), new("a", 0.25)] };

        ConnectResult result = await Loopback.RunAsync(plan, portable);

        Assert.Equal(
            [
                new EndpointResult { Name = "b", ExpectedShare = 0.75, Node = "node-1" }, new EndpointResult { Name = "a", ExpectedShare = 0.25 },
                new EndpointResult { Name = "stranger", Connections = 10, Unexpected = true },
            ],
            result.Endpoints.ToArray());
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task More_workers_than_connections_are_no_problem(bool portable)
    {
        using Server server = Loopback.Serve("endpoint");
        var plan = new ConnectPlan { Target = server.Addresses[0], Count = 3, Threads = 8, Concurrency = 1000, Label = "few" };

        ConnectResult result = await Loopback.RunAsync(plan, portable);

        Assert.Equal(3, result.Connections);
        Assert.Equal("few", result.Label);
    }

    [SkippableTheory, InlineData(false), InlineData(true)]
    public async Task A_server_on_all_addresses_answers_on_those_of_both_families(bool portable)
    {
        Skip.IfNot(Socket.OSSupportsIPv6, "There is no IPv6 here.");
        using Server server = Loopback.Serve("both", address: "::", portable: portable);
        int port = server.Addresses[0].Port;

        foreach (IPAddress address in new[] { IPAddress.Loopback, IPAddress.IPv6Loopback })
            foreach (TransportProtocol protocol in Enum.GetValues<TransportProtocol>())
                Assert.Equal(5, (await Loopback.RunAsync(new ConnectPlan { Target = new(address, port), Count = 5, Protocol = protocol })).Count("both"));
    }

    [Fact]
    public async Task Progress_tells_of_a_run_that_is_still_on_its_way()
    {
        using Server server = Loopback.Serve("endpoint", EndpointBehavior.Hang);
        using var enough = new CancellationTokenSource();
        var told = new TaskCompletionSource<ConnectProgress>();
        var plan = new ConnectPlan { Target = server.Addresses[0], Count = 10, ConnectTimeout = TimeSpan.FromHours(1), Endpoints = Loopback.Named("endpoint") };

        Task<ConnectResult> run = ConnectRun.RunAsync(plan, progress: new Listener(told.SetResult), cancel: enough.Token);
        ConnectProgress progress = await told.Task.WaitAsync(Loopback.Guard);
        await enough.CancelAsync();

        Assert.False((await run.WaitAsync(Loopback.Guard)).Completed);
        Assert.Equal((0, 0, 10, "endpoint"), (progress.Connections, progress.Failed, progress.Requested, Assert.Single(progress.Endpoints).Name));
    }

    private sealed class Listener(Action<ConnectProgress> hear) : IProgress<ConnectProgress>
    {
        private int _heard;

        public void Report(ConnectProgress value)
        {
            if (Interlocked.Exchange(ref _heard, 1) == 0) hear(value);
        }
    }
}
