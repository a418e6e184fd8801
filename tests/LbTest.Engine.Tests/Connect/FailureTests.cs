using System.Net.Sockets;
using LbTest.Engine.Connect;
using LbTest.Engine.Serve;
using LbTest.Engine.Sockets;

namespace LbTest.Engine.Tests.Connect;

/// <summary>Each way a connection can fail has its own class, on both paths.</summary>
public sealed class FailureTests
{
    [Theory]
    [InlineData(TransportProtocol.Tcp, false), InlineData(TransportProtocol.Tcp, true), InlineData(TransportProtocol.Udp, false), InlineData(TransportProtocol.Udp, true)]
    public async Task A_closed_port_refuses(TransportProtocol protocol, bool portable)
    {
        ConnectResult result = await Loopback.RunAsync(new ConnectPlan { Target = Loopback.Closed, Count = 50, Protocol = protocol }, portable);

        Loopback.AssertAllFailedAs(FailureClass.Refused, result);
        Assert.True(result.Completed);
        Assert.Empty(result.Endpoints);
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task A_server_that_resets_is_reported_as_reset(bool portable)
    {
        using Server server = Loopback.Serve("endpoint", EndpointBehavior.Reset);

        ConnectResult result = await Loopback.RunAsync(new ConnectPlan { Target = server.Addresses[0], Count = 100 }, portable);

        // .NET's connect says "refused" of a reset that overtakes it.
        Assert.Equal(100, result.Failures.Where(f => f.Class == FailureClass.Reset || (portable && f.Class == FailureClass.Refused)).Sum(f => f.Count));
    }

    [Fact]
    public async Task A_reset_that_follows_the_end_of_the_stream_is_a_reset_or_a_failed_read_but_never_unreachable()
    {
        using var server = new ScriptedServer((connection, _) =>
        {
            connection.Shutdown(SocketShutdown.Send);
            connection.LingerState = new LingerOption(true, 0);
            return Task.CompletedTask;
        });

        ConnectResult result = await Loopback.RunAsync(new ConnectPlan { Target = server.Address, Count = 500 });

        Assert.Equal(500, result.Failures.Where(f => f.Class is FailureClass.Reset or FailureClass.ReadFailed).Sum(f => f.Count));
    }

    [Theory]
    [InlineData(TransportProtocol.Tcp, false, FailureClass.ReadFailed), InlineData(TransportProtocol.Tcp, true, FailureClass.ReadFailed)]
    [InlineData(TransportProtocol.Udp, false, FailureClass.TimedOut), InlineData(TransportProtocol.Udp, true, FailureClass.TimedOut)]
    public async Task A_server_that_never_answers_fails_the_read_or_lets_the_datagram_time_out(TransportProtocol protocol, bool portable, FailureClass expected)
    {
        using Server server = Loopback.Serve("endpoint", EndpointBehavior.Hang);
        var plan = new ConnectPlan { Target = server.Addresses[0], Count = 20, Protocol = protocol, ConnectTimeout = TimeSpan.FromSeconds(0.3) };

        Loopback.AssertAllFailedAs(expected, await Loopback.RunAsync(plan, portable));
    }

    [Theory]
    [InlineData(false, false), InlineData(false, true), InlineData(true, false), InlineData(true, true)]
    public async Task Half_a_name_is_a_failed_read_not_another_endpoint(bool portable, bool listed)
    {
        // Half of "aaaa" is "a" twice, which must not pass for an endpoint "a".
        foreach (string name in new[] { "twin-pods", "aaaa" })
        {
            using Server server = Loopback.Serve(name, EndpointBehavior.Partial);
            var plan = new ConnectPlan { Target = server.Addresses[0], Count = 20, Endpoints = listed ? Loopback.Named(name, "other") : [] };

            ConnectResult result = await Loopback.RunAsync(plan, portable);

            Loopback.AssertAllFailedAs(FailureClass.ReadFailed, result);
            Assert.Equal(listed ? 2 : 0, result.Endpoints.Length);
        }
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task A_server_that_closes_without_a_name_fails_the_read(bool portable)
    {
        using var server = new ScriptedServer((_, _) => Task.CompletedTask);

        ConnectResult result = await Loopback.RunAsync(new ConnectPlan { Target = server.Address, Count = 50 }, portable);

        Loopback.AssertAllFailedAs(FailureClass.ReadFailed, result);
        Assert.Contains("without a name", result.Failures[0].Example, StringComparison.Ordinal);
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task A_server_of_another_protocol_fails_the_read(bool portable)
    {
        using var server = new ScriptedServer(async (connection, _) =>
        {
            await ScriptedServer.Say(connection, "SSH-2.0-Something\r\n");
            while (await connection.ReceiveAsync(new byte[100]) > 0) { }
        });

        Loopback.AssertAllFailedAs(FailureClass.ReadFailed, await Loopback.RunAsync(new ConnectPlan { Target = server.Address, Count = 20 }, portable));
    }

    [Fact]
    public async Task A_server_that_never_stops_talking_is_given_up()
    {
        string chatter = new('x', 9000);
        using var server = new ScriptedServer(async (connection, _) =>
        {
            while (true) await ScriptedServer.Say(connection, chatter);
        });

        ConnectResult result = await Loopback.RunAsync(new ConnectPlan { Target = server.Address, Count = 4 });

        Assert.Equal(4, result.Failures.Where(f => f.Class is FailureClass.ReadFailed or FailureClass.Reset).Sum(f => f.Count));
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task A_dropped_SYN_times_out_and_its_retransmissions_are_counted(bool portable)
    {
        using Server server = Loopback.Serve("endpoint", EndpointBehavior.Drop);
        var plan = new ConnectPlan { Target = server.Addresses[0], Count = 5, ConnectTimeout = TimeSpan.FromSeconds(1.6) };

        ConnectResult result = await Loopback.RunAsync(plan, portable);

        Loopback.AssertAllFailedAs(FailureClass.TimedOut, result);
        Assert.Equal(0, server.Accepted[0]);
        // The first one after 1 s; .NET's sockets do not tell.
        if (!portable) Assert.InRange(result.SynRetransmits, 5, 10);
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task A_source_port_that_is_taken_is_a_fault_of_the_generator(bool portable)
    {
        using Server server = Loopback.Serve("endpoint");
        using var taken = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        taken.Bind(Loopback.At("127.0.0.1"));
        taken.Listen();
        var plan = new ConnectPlan
        {
            Target = server.Addresses[0], Count = 1, Source = "127.0.0.1", SourcePort = ((System.Net.IPEndPoint)taken.LocalEndPoint!).Port,
        };

        Loopback.AssertAllFailedAs(FailureClass.ClientExhausted, await Loopback.RunAsync(plan, portable));
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task Broadcast_is_prohibited_so_the_target_is_unreachable(bool portable)
    {
        // The kernel refuses to connect to the broadcast address of loopback (EACCES, ENETUNREACH): nothing leaves this machine.
        ConnectResult result = await Loopback.RunAsync(new ConnectPlan { Target = Loopback.At("127.255.255.255", 5001), Count = 10 }, portable);

        Loopback.AssertAllFailedAs(FailureClass.Unreachable, result);
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task Failures_and_successes_are_counted_side_by_side(bool portable)
    {
        using var server = new ScriptedServer((connection, number) => number % 2 == 0 ? ScriptedServer.Answer(connection, "endpoint") : Task.CompletedTask);

        ConnectResult result = await Loopback.RunAsync(new ConnectPlan { Target = server.Address, Count = 100 }, portable);

        Assert.Equal((50, 50), (result.Count("endpoint"), result.Failed));
        Assert.Equal(FailureClass.ReadFailed, Assert.Single(result.Failures).Class);
    }
}
