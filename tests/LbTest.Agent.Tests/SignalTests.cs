using System.Diagnostics;
using System.Net;
using LbTest.Engine.Connect;
using LbTest.Engine.Serve;
using LbTest.Engine.Tests;

namespace LbTest.Agent.Tests;

/// <summary>Stopped runs print what they measured; stopped servers end cleanly.</summary>
public sealed class SignalTests
{
    [Theory, InlineData("-INT"), InlineData("-TERM")]
    public async Task A_stopped_test_prints_the_partial_result(string signal)
    {
        using var server = Server.Start([new ServedEndpoint("endpoint", new IPEndPoint(IPAddress.Loopback, 0)) { Behavior = EndpointBehavior.Hang }]);
        Process client = Lbtest.Start("connect", "--address", server.Addresses[0].ToString(), "--count", "1000", "--timeout", "3600", "--connect-timeout", "3600", "--json");
        while (server.Accepted[0] == 0 && !client.HasExited) await Task.Delay(10);

        client.Signal(signal);
        Outcome outcome = await Lbtest.EndAsync(client);

        ConnectResult result = outcome.Result;
        Assert.Equal((1, false, 1000), (outcome.ExitCode, result.Completed, result.Unfinished));
        Assert.Equal("stopped by the user", result.Reason);
    }

    [Theory, InlineData("-INT"), InlineData("-TERM")]
    public async Task A_stopped_server_ends_cleanly_and_frees_its_port(string signal)
    {
        IPEndPoint address = FreeAddress.On(IPAddress.Loopback);
        Process server = await Lbtest.ServeAsync(address, "endpoint");

        server.Signal(signal);

        Assert.Equal(new Outcome(0, "served: 0 connections and datagrams\n", ""), await Lbtest.EndAsync(server));
        using var again = Server.Start([new ServedEndpoint("again", address)]);
    }

    [SkippableFact]
    public async Task A_refusing_server_sleeps()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "Only Linux tells.");
        using Process server = await Lbtest.ServeAsync(FreeAddress.On(IPAddress.Loopback), "endpoint", "--behavior", "refuse");
        try
        {
            // A thread that spins is never seen asleep.
            Assert.True(SpinWait.SpinUntil(() => IsAsleep(server), Lbtest.Guard), "The server's thread does not wait for anything.");
        }
        finally
        {
            server.Kill();
        }
    }

    private static bool IsAsleep(Process process) =>
        Directory.GetDirectories($"/proc/{process.Id}/task").Select(task => File.ReadAllLines(Path.Combine(task, "status")))
            .Any(status => status[0].EndsWith("lbtest serve", StringComparison.Ordinal) && status.Contains("State:\tS (sleeping)"));
}
