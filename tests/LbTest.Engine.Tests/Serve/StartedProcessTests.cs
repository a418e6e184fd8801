using System.Diagnostics;
using System.Net;
using LbTest.Engine.Connect;
using LbTest.Engine.Serve;
using LbTest.Engine.Traffic;

namespace LbTest.Engine.Tests.Serve;

/// <summary>A process that is being started holds copies of all descriptors for a moment: sockets closed meanwhile go on giving events.</summary>
public sealed class StartedProcessTests
{
    [Fact]
    public async Task Starting_processes_disturbs_neither_server_nor_clients()
    {
        using Server server = Server.Start(
            [new ServedEndpoint("one", new IPEndPoint(IPAddress.Loopback, 0)), new ServedEndpoint("two", new IPEndPoint(IPAddress.Loopback, 0)) { Service = ServedService.Traffic }], threads: 2);
        using var done = new CancellationTokenSource();
        Task[] starting = [.. Enumerable.Range(0, 2).Select(_ => Task.Run(async () =>
        {
            while (!done.IsCancellationRequested)
            {
                using Process process = Process.Start("true");
                await process.WaitForExitAsync();
            }
        }))];
        Task<TrafficResult> traffic = TrafficRun.RunAsync(new TrafficPlan { Target = server.Addresses[1], Connections = 50, PacketsPerSecond = 500, Duration = TimeSpan.FromSeconds(2) });
        Task<ConnectResult> connects = ConnectRun.RunAsync(new ConnectPlan { Target = server.Addresses[0], Count = 20_000 });
        for (int i = 0; i < 10; i++)
        {
            await Task.Delay(100);
            server.Disconnect(1, reset: i % 2 == 0);
        }

        ConnectResult connected = await connects;
        TrafficResult held = await traffic;
        await done.CancelAsync();
        await Task.WhenAll(starting);
        Assert.Equal((20_000, 0), (connected.Connections, connected.Failed));
        Traffic.TrafficRunTests.Consistent(held);
        Assert.True(held.LostConnections >= 50);
        Assert.True(held.FailedConnects == 0, string.Join(", ", held.Failures));
    }
}
