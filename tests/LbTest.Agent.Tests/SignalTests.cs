using System.Diagnostics;
using System.Net;
using LbTest.Engine.Connect;
using LbTest.Engine.Serve;

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
        IPEndPoint address = Lbtest.FreeAddress();
        Process server = await Lbtest.ServeAsync(address, "endpoint");

        server.Signal(signal);

        Assert.Equal(new Outcome(0, "served: 0 connections and datagrams\n", ""), await Lbtest.EndAsync(server));
        using var again = Server.Start([new ServedEndpoint("again", address)]);
    }

    [SkippableFact]
    public async Task A_refusing_server_sleeps()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "Only Linux tells.");
        using Process server = await Lbtest.ServeAsync(Lbtest.FreeAddress(), "endpoint", "--behavior", "refuse");
        try
        {
            // A thread that waits gives the processor away time and again; one that spins never does.
            long first = GivenAway(server);
            Assert.True(SpinWait.SpinUntil(() => GivenAway(server) > first + 10, Lbtest.Guard), "The server's thread does not wait for anything.");
        }
        finally
        {
            server.Kill();
        }
    }

    private static long GivenAway(Process process) =>
        (from task in Directory.GetDirectories($"/proc/{process.Id}/task")
         let status = File.ReadAllLines(Path.Combine(task, "status"))
         where status[0].EndsWith("lbtest serve", StringComparison.Ordinal)
         from line in status
         where line.StartsWith("voluntary_ctxt_switches:", StringComparison.Ordinal)
         select long.Parse(line.Split('\t')[1], System.Globalization.CultureInfo.InvariantCulture)).Single();
}
