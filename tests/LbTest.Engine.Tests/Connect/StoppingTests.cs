using LbTest.Engine.Connect;
using LbTest.Engine.Serve;
using LbTest.Engine.Sockets;

namespace LbTest.Engine.Tests.Connect;

/// <summary>A run that ends early returns what it measured, and says why it ended.</summary>
public sealed class StoppingTests
{
    private static readonly TimeSpan Long = TimeSpan.FromHours(1);

    [Theory, InlineData(false), InlineData(true)]
    public async Task The_overall_time_limit_leaves_the_rest_unfinished(bool portable)
    {
        using var server = new ScriptedServer((connection, number) => number < 20 ? ScriptedServer.Answer(connection, "endpoint") : Task.Delay(Long));
        var plan = new ConnectPlan { Target = server.Address, Count = 1000, Concurrency = 8, ConnectTimeout = Long, Timeout = TimeSpan.FromSeconds(2.5) };

        ConnectResult result = await Loopback.RunAsync(plan, portable);

        Assert.Equal((20, 0, 980), (result.Connections, result.Failed, result.Unfinished));
        Assert.Contains("time limit of 2.5 s", result.Reason, StringComparison.Ordinal);
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task Cancelling_returns_what_was_measured(bool portable)
    {
        using var cancel = new CancellationTokenSource();
        using var server = new ScriptedServer(async (connection, number) =>
        {
            if (number < 20)
            {
                await ScriptedServer.Answer(connection, "endpoint");
                return;
            }

            await cancel.CancelAsync();
            await Task.Delay(Long);
        });
        // One at a time: the first twenty have ended when the next one cancels.
        var plan = new ConnectPlan { Target = server.Address, Count = 1000, Concurrency = 1, ConnectTimeout = Long, Timeout = Long };

        ConnectResult result = await Loopback.RunAsync(plan, portable, cancel.Token);

        Assert.Equal((20, 0, 980), (result.Count("endpoint"), result.Failed, result.Unfinished));
        Assert.Equal("stopped by the user", result.Reason);
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task A_run_cancelled_before_it_starts_makes_no_connection(bool portable)
    {
        using Server server = Loopback.Serve("endpoint");

        ConnectResult result = await Loopback.RunAsync(new ConnectPlan { Target = server.Addresses[0], Count = 10 }, portable, new CancellationToken(true));

        Assert.Equal(10, result.Unfinished);
        Assert.Equal(0, server.Accepted[0]);
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task Connections_that_are_kept_open_are_all_open_at_once(bool portable)
    {
        using var server = ScriptedServer.InTurn("one", "two", "three");
        var plan = new ConnectPlan { Target = server.Address, Count = 600, Concurrency = 5, KeepOpen = true, Endpoints = Loopback.Named("one", "two", "three") };

        ConnectResult result = await Loopback.RunAsync(plan, portable);

        Assert.Equal(600, result.Connections);
        Assert.Equal(600, server.MostOpen);
    }
}
