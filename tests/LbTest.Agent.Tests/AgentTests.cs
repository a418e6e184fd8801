using System.Diagnostics;
using System.Net;
using System.Text.Json;
using LbTest.Clusters.Protocol;
using LbTest.Engine.Connect;
using LbTest.Engine.Serve;
using LbTest.Engine.Traffic;

namespace LbTest.Agent.Tests;

/// <summary><c>lbtest agent</c>: plans in and results out, as JSON lines over its stdin and stdout.</summary>
public sealed class AgentTests : IDisposable
{
    private readonly Process _agent = Lbtest.Start("agent");

    [Fact]
    public async Task A_connect_plan_gives_a_result()
    {
        using var server = Server.Start([new ServedEndpoint("endpoint", new IPEndPoint(IPAddress.Loopback, 0))]);

        Ask(new AgentRequest { Id = 7, Verb = AgentVerb.Connect, Plan = new ConnectPlan { Target = server.Addresses[0], Count = 200 } });

        ConnectResult result = (await LastAsync(7)).Result!;
        Assert.Equal((true, 200L, "endpoint"), (result.Completed, result.Connections, Assert.Single(result.Endpoints).Name));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_name_is_resolved_where_the_agent_is(bool eachLookup)
    {
        using var server = Server.Start([new ServedEndpoint("endpoint", new IPEndPoint(IPAddress.Loopback, 0))]);
        int port = server.Addresses[0].Port;

        // More connections than ask for their names before the first is made, and not a multiple of them.
        Ask(new AgentRequest { Id = 5, Verb = AgentVerb.Connect, Plan = new ConnectPlan { Target = new IPEndPoint(IPAddress.Any, port), Count = 1203 }, Name = $"localhost:{port}", EachLookup = eachLookup });

        ConnectResult result = (await LastAsync(5)).Result!;
        Assert.Equal((true, 1203L, 1203L, "endpoint"), (result.Completed, result.Requested, result.Connections, Assert.Single(result.Endpoints).Name));
        Assert.Equal(eachLookup ? $"localhost:{port}" : $"127.0.0.1:{port}", result.Target);
        Assert.Empty(result.Entries);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_name_that_nobody_knows_is_an_error(bool eachLookup)
    {
        Ask(new AgentRequest { Id = 6, Verb = AgentVerb.Connect, Plan = new ConnectPlan { Target = new IPEndPoint(IPAddress.Any, 5001), Count = 5 }, Name = "nobody.invalid:5001", EachLookup = eachLookup });

        Assert.Contains("'nobody.invalid", (await LastAsync(6)).Error!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_traffic_plan_gives_a_result_and_every_second_before_it()
    {
        using var server = Server.Start([new ServedEndpoint("endpoint", new IPEndPoint(IPAddress.Loopback, 0)) { Service = ServedService.Traffic }]);

        Ask(new AgentRequest { Id = 1, Verb = AgentVerb.Traffic, Traffic = new TrafficPlan { Target = server.Addresses[0], Connections = 3, PacketsPerSecond = 60, Duration = TimeSpan.FromSeconds(2.5) } });

        var seconds = new List<TrafficProgress>();
        TrafficResult result = (await LastAsync(1, line => seconds.Add(line.TrafficProgress!))).TrafficResult!;
        Assert.Equal((true, 3), (result.Completed, result.Connections.Length));
        Assert.Equal(result.Sent, result.Received);
        Assert.NotEmpty(seconds);
    }

    [Fact]
    public async Task Its_clock_can_be_put_beside_ours()
    {
        DateTimeOffset before = DateTimeOffset.UtcNow;

        Tell("""{"id":3,"verb":"Clock"}""");

        DateTimeOffset clock = (await LastAsync(3)).Clock!.Value;
        Assert.InRange(clock, before, DateTimeOffset.UtcNow);
        Assert.Equal(TimeSpan.Zero, clock.Offset);
    }

    [Fact]
    public async Task Plans_run_side_by_side_and_each_can_be_stopped()
    {
        using var server = Server.Start([new ServedEndpoint("silent", new IPEndPoint(IPAddress.Loopback, 0)) { Behavior = EndpointBehavior.Hang }]);
        Ask(Endless(1, server));
        Ask(Endless(2, server));
        while (server.Accepted[0] < 10 && !_agent.HasExited) await Task.Delay(10);
        Tell("""{"id":3,"verb":"Cancel","cancel":2}""");
        ConnectResult stopped = (await LastAsync(2)).Result!;

        Assert.Equal((false, 5L, "stopped by the user"), (stopped.Completed, stopped.Unfinished, stopped.Reason));
        Tell("""{"id":4,"verb":"Clock"}""");
        Assert.NotNull((await LastAsync(4)).Clock);
    }

    [Fact]
    public async Task A_test_that_asks_for_its_name_each_time_hands_over_what_it_has_when_it_is_stopped()
    {
        using var server = Server.Start([new ServedEndpoint("endpoint", new IPEndPoint(IPAddress.Loopback, 0))]);
        int port = server.Addresses[0].Port;
        const long count = 500_000_000;
        Ask(new AgentRequest { Id = 1, Verb = AgentVerb.Connect, Plan = new ConnectPlan { Target = new IPEndPoint(IPAddress.Any, port), Count = count }, Name = $"localhost:{port}", EachLookup = true });
        ConnectProgress? told = null;

        ConnectResult stopped = (await LastAsync(1, line =>
        {
            if (told is null) Tell("""{"id":2,"verb":"Cancel","cancel":1}""");
            told = line.Progress;
        })).Result!;

        Assert.Equal(count, told!.Requested);
        Assert.Equal((false, count, "stopped by the user"), (stopped.Completed, stopped.Requested, stopped.Reason));
        Assert.InRange(stopped.Connections, told.Connections, count - 1);
        Assert.Equal(count, stopped.Connections + stopped.Failed + stopped.Unfinished);
    }

    [Fact]
    public async Task A_test_that_asks_for_its_name_each_time_keeps_to_its_time_limit()
    {
        using var server = Server.Start([new ServedEndpoint("endpoint", new IPEndPoint(IPAddress.Loopback, 0))]);
        int port = server.Addresses[0].Port;
        var plan = new ConnectPlan { Target = new IPEndPoint(IPAddress.Any, port), Count = 500_000_000, Timeout = TimeSpan.FromSeconds(1.5) };
        Ask(new AgentRequest { Id = 1, Verb = AgentVerb.Connect, Plan = plan, Name = $"localhost:{port}", EachLookup = true });

        ConnectResult ended = (await LastAsync(1)).Result!;

        Assert.Equal((false, "the time limit of 1.5 s for the whole test was reached"), (ended.Completed, ended.Reason));
        Assert.True(ended.Connections > 0);
        Assert.Equal(plan.Count, ended.Connections + ended.Failed + ended.Unfinished);
    }

    [Fact]
    public async Task When_its_stdin_closes_it_tells_what_it_had_measured_and_ends()
    {
        using var server = Server.Start([new ServedEndpoint("silent", new IPEndPoint(IPAddress.Loopback, 0)) { Behavior = EndpointBehavior.Hang }]);
        Ask(Endless(1, server));
        while (server.Accepted[0] < 5 && !_agent.HasExited) await Task.Delay(10);

        _agent.StandardInput.Close();

        Assert.Equal(5, (await LastAsync(1)).Result!.Unfinished);
        await _agent.WaitForExitAsync().WaitAsync(Lbtest.Guard);
        Assert.Equal(0, _agent.ExitCode);
    }

    [Fact]
    public async Task A_signal_ends_it()
    {
        Tell("""{"id":1,"verb":"Clock"}""");
        _ = await LastAsync(1);

        _agent.Signal("-TERM");

        await _agent.WaitForExitAsync().WaitAsync(Lbtest.Guard);
        Assert.Equal(0, _agent.ExitCode);
    }

    [Theory]
    [InlineData("""{"id":5,"verb":"Connect","plan":{"target":"127.0.0.1:1","count":0,"concurrency":1,"connectTimeoutSeconds":1}}""", "Count '0' is not a number of connections. Give 1 to 1,000,000,000.", "Count")]
    [InlineData("""{"id":5,"verb":"Connect"}""", "A connect test needs a plan.", null)]
    [InlineData("""{"id":5,"verb":"Traffic"}""", "A traffic test needs a plan.", null)]
    [InlineData("""{"id":5,"verb":"Observe"}""", "The agent of a machine does not know 'Observe'.", null)]
    public async Task What_it_cannot_do_is_an_error_and_it_goes_on(string line, string message, string? parameter)
    {
        Tell(line);
        AgentResponse response = await LastAsync(5);

        Assert.Equal((message, parameter), (response.Error!.Message, response.Error.Parameter));
        Tell("""{"id":6,"verb":"Clock"}""");
        Assert.NotNull((await LastAsync(6)).Clock);
    }

    [Fact]
    public async Task A_line_that_is_no_request_ends_it()
    {
        Tell("hello");

        Assert.StartsWith("Not a request: ", (await LastAsync(0)).Error!.Message, StringComparison.Ordinal);
        await _agent.WaitForExitAsync().WaitAsync(Lbtest.Guard);
    }

    private static AgentRequest Endless(long id, Server server) => new()
    {
        Id = id, Verb = AgentVerb.Connect,
        Plan = new ConnectPlan { Target = server.Addresses[0], Count = 5, ConnectTimeout = TimeSpan.FromHours(1), Timeout = TimeSpan.FromHours(1) },
    };

    private void Ask(AgentRequest request) => Tell(JsonSerializer.Serialize(request, AgentJson.Default.AgentRequest));

    private void Tell(string line)
    {
        _agent.StandardInput.WriteLine(line);
        _agent.StandardInput.Flush();
    }

    private async Task<AgentResponse> LastAsync(long id, Action<AgentResponse>? before = null)
    {
        while (true)
        {
            string? line = await _agent.StandardOutput.ReadLineAsync().WaitAsync(Lbtest.Guard);
            Assert.NotNull(line);
            AgentResponse response = JsonSerializer.Deserialize(line, AgentJson.Default.AgentResponse)!;
            if (response.Id != id) continue;
            if (response.Last) return response;
            before?.Invoke(response);
        }
    }

    public void Dispose()
    {
        if (!_agent.HasExited) _agent.Kill(entireProcessTree: true);
        _agent.Dispose();
    }
}
