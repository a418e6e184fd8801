using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using LbTest.Engine.Tests;

namespace LbTest.Agent.Tests;

/// <summary><c>lbtest serve</c> as a pod runs it: both services in one process, which goes on for a while after it was asked to end.</summary>
public sealed class ServeBothTests
{
    private readonly IPEndPoint _connect = FreeAddress.On(IPAddress.Loopback), _traffic = FreeAddress.On(IPAddress.Loopback);

    [SkippableFact]
    public async Task One_process_serves_both()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "Traffic endpoints need Linux.");
        using Process server = await ServeAsync();
        try
        {
            foreach (string udp in (string[])["--udp=false", "--udp"])
            {
                Outcome connects = await Lbtest.RunAsync("connect", "--address", _connect.ToString(), "--count", "20", "--json", udp);
                Assert.Equal(20, Assert.Single(connects.Result.Endpoints).Connections);
                Outcome traffic = await Lbtest.RunAsync("traffic", "--address", _traffic.ToString(), "-c", "2", "--packets-per-second", "40", "--duration", "1", "--json", udp);
                Assert.Equal((0, ""), (traffic.ExitCode, traffic.Error));
                Assert.Contains("\"pod-1\"", traffic.Output, StringComparison.Ordinal);
            }
        }
        finally
        {
            server.Kill();
        }
    }

    [SkippableFact]
    public async Task While_it_drains_it_serves_old_connections_and_new_ones_then_ends_with_0()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "Traffic endpoints need Linux.");
        Process server = await ServeAsync("--drain-time", "3");
        using Socket old = await ConnectAsync(), held = await ConnectAsync();
        Assert.Equal("pod-1", await AnswerAsync(old));

        server.Signal("-TERM");
        await Task.Delay(500);

        _ = await old.SendAsync("again"u8.ToArray());
        Assert.Equal("pod-1", await AnswerAsync(old));
        using Socket late = await ConnectAsync();
        Assert.Equal("pod-1", await AnswerAsync(late));
        Outcome outcome = await Lbtest.EndAsync(server);
        Assert.Equal((0, "served: 3 connections and datagrams\n", ""), (outcome.ExitCode, outcome.Output, outcome.Error));
    }

    [SkippableFact]
    public async Task A_second_signal_ends_a_drain_at_once()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "Traffic endpoints need Linux.");
        Process server = await ServeAsync("--drain-time", "80000");

        server.Signal("-TERM");
        await Task.Delay(500);
        Assert.False(server.HasExited);
        server.Signal("-TERM");

        Assert.NotEqual(0, (await Lbtest.EndAsync(server)).ExitCode);
    }

    [Theory]
    [InlineData("--drain-time '-1' is not a number of seconds to go on. Give 0 to 86400.", "--drain-time", "-1")]
    [InlineData("--drain-time 'NaN'", "--drain-time", "NaN")]
    [InlineData("--address '127.0.0.1:1' is not an address for each service. Give 2, or none for the default.", "--service", "Both", "--address", "127.0.0.1:1")]
    public async Task Bad_input_is_refused(string message, params string[] arguments) => (await Lbtest.RunAsync(["serve", .. arguments])).AssertRefused(message);

    private async Task<Process> ServeAsync(params string[] more)
    {
        Process server = await Lbtest.ServeAsync(_connect, "pod-1", ["--address", _traffic.ToString(), "--service", "Both", .. more]);
        Assert.Equal($"ready: pod-1 on {_traffic}", await server.StandardOutput.ReadLineAsync().WaitAsync(Lbtest.Guard));
        return server;
    }

    private async Task<Socket> ConnectAsync()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(_connect);
        return socket;
    }

    private static async Task<string> AnswerAsync(Socket socket)
    {
        byte[] buffer = new byte[100];
        int read = await socket.ReceiveAsync(buffer).WaitAsync(Lbtest.Guard);
        return Encoding.UTF8.GetString(buffer, 0, read);
    }
}
