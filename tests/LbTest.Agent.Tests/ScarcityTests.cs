using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using LbTest.Engine.Connect;
using LbTest.Engine.Tests;

namespace LbTest.Agent.Tests;

/// <summary>Too few descriptors, ports or routes: a complete result or a clear error, never a hang, and never the balancer's fault.</summary>
public sealed class ScarcityTests
{
    private const string Serve = "lbtest serve --address 127.0.0.1:5001 --name endpoint >/dev/null & server=$!; i=0; "
        + "while [ $i -lt 300 ] && ! grep -q ':1389 00000000:0000 0A' /proc/net/tcp; do sleep 0.1; i=$((i+1)); done; ";

    // In a network namespace of its own, where nothing is connected to anything.
    private static readonly string[] Isolated = ["unshare", "--user", "--map-root-user", "--net", "--pid", "--fork", "--kill-child"];

    [SkippableFact]
    public async Task A_target_without_a_route_is_unreachable()
    {
        await NeedsNamespaces();

        Outcome outcome = await Lbtest.ShellAsync("lbtest connect --address 10.0.0.1:5001 --count 50 --json", Isolated);

        Assert.Equal(1, outcome.ExitCode);
        FailureCount failure = Assert.Single(outcome.Result.Failures);
        Assert.Equal((FailureClass.Unreachable, 50, "Network is unreachable"), (failure.Class, failure.Count, failure.Example));
    }

    [SkippableFact]
    public async Task Ports_that_run_out_are_a_fault_of_the_generator()
    {
        await NeedsNamespaces();

        Outcome outcome = await Lbtest.ShellAsync("ip link set lo up; echo '6000 6009' > /proc/sys/net/ipv4/ip_local_port_range; echo 0 > /proc/sys/net/ipv4/tcp_tw_reuse; "
            + Serve + "lbtest connect --address 127.0.0.1:5001 --count 100 --json; code=$?; kill $server; exit $code", Isolated);

        Assert.Equal(1, outcome.ExitCode);
        ConnectResult result = outcome.Result;
        Assert.Equal((10, 90), (result.Connections, result.Failed));
        Assert.Equal((FailureClass.ClientExhausted, "Cannot assign requested address"), (result.Failures.Single().Class, result.Failures.Single().Example));
        Assert.Contains(result.Warnings, warning => warning.Contains("Source range", StringComparison.Ordinal));
    }

    [SkippableFact]
    public async Task A_source_range_makes_up_for_few_ports()
    {
        await NeedsNamespaces();

        Outcome outcome = await Lbtest.ShellAsync("ip link set lo up; echo '6000 6009' > /proc/sys/net/ipv4/ip_local_port_range; "
            + Serve + "lbtest connect --address 127.0.0.1:5001 --count 100 --source 127.1.0.0/16 --seed 1 --json; code=$?; kill $server; exit $code", Isolated);

        Assert.Equal((0, 100), (outcome.ExitCode, outcome.Result.Connections));
        Assert.Empty(outcome.Result.Warnings);
    }

    [SkippableFact]
    public async Task More_kept_connections_than_ports_are_refused_beforehand()
    {
        await NeedsNamespaces();

        (await Lbtest.ShellAsync("ip link set lo up; echo '6000 6009' > /proc/sys/net/ipv4/ip_local_port_range; lbtest connect --address 127.0.0.1:5001 --count 11 --keep-open", Isolated))
            .AssertRefused("Count '11'", "the 10 that ports and source addresses allow");
    }

    [SkippableTheory, InlineData(20), InlineData(40), InlineData(60), InlineData(80), InlineData(100)]
    public async Task Few_descriptors_give_a_result_or_an_error_but_no_hang(int descriptors)
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "Limits are set on Linux only.");

        Outcome outcome = await Lbtest.ShellAsync($"ulimit -n {descriptors}; lbtest connect --address 127.0.0.1:1 --count 500 --concurrency 200 --json");

        // With very few the runtime itself cannot start, and says so.
        if (!outcome.Output.StartsWith('{')) Assert.True(outcome.ExitCode != 0 && outcome.Error.Length > 0);
        else Assert.Contains(outcome.Result.Warnings, warning => warning.Contains("ulimit -n", StringComparison.Ordinal));
    }

    [SkippableFact]
    public async Task Connections_wait_for_each_other_where_descriptors_are_few()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "Limits are set on Linux only.");
        using var server = LbTest.Engine.Serve.Server.Start([new("endpoint", new(System.Net.IPAddress.Loopback, 0))]);

        Outcome outcome = await Lbtest.ShellAsync(
            $"ulimit -n 100; lbtest connect --address {server.Addresses[0]} --count 5000 --concurrency 2000 --threads 1 --source 127.1.0.0/16 --json");

        Assert.Equal((0, 5000), (outcome.ExitCode, outcome.Result.Connections));
        Assert.Contains("2000 may need more descriptors than the 100", Assert.Single(outcome.Result.Warnings), StringComparison.Ordinal);
    }

    [SkippableTheory, InlineData("Traffic"), InlineData("Connect")]
    public async Task A_server_short_of_descriptors_serves_whom_it_can_and_the_others_later(string service)
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "Limits are set on Linux only.");
        IPEndPoint address = FreeAddress.On(IPAddress.Loopback);
        using Process server = Lbtest.StartProcess(["sh", "-c", $"ulimit -n 150; exec '{string.Join("' '", Lbtest.CommandLine)}' serve --address {address} --name endpoint --service {service}"]);
        Assert.Equal($"ready: endpoint on {address}", await server.StandardOutput.ReadLineAsync().WaitAsync(Lbtest.Guard));
        var clients = new List<Socket>();
        try
        {
            for (int i = 0; i < 300; i++)
            {
                clients.Add(new Socket(SocketType.Stream, ProtocolType.Tcp));
                await clients[i].ConnectAsync(address);
                _ = await clients[i].SendAsync(new byte[64]);
            }

            byte[] answer = new byte[64];
            foreach (Socket client in clients)
            {
                Assert.InRange(await client.ReceiveAsync(answer).WaitAsync(Lbtest.Guard), 8, 64);
                Assert.Equal("endpoint"u8.ToArray(), answer[..8]);
                client.Dispose();
            }

            server.Signal("-TERM");
            Assert.Equal("served: 300 connections and datagrams", await server.StandardOutput.ReadLineAsync().WaitAsync(Lbtest.Guard));
        }
        finally
        {
            foreach (Socket client in clients) client.Dispose();
            server.Kill();
        }
    }

    private static async Task NeedsNamespaces()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "Network namespaces exist only on Linux.");
        Outcome tried = await Lbtest.ShellAsync(string.Join(' ', Isolated) + " ip link set lo up");
        Skip.If(tried.ExitCode != 0, $"No namespaces for this user here: {tried.Error}");
    }
}
