using LbTest.Clusters.Lab;
using LbTest.Clusters.Lab.Dataplanes;
using LbTest.Engine;
using LbTest.Engine.Connect;

namespace LbTest.Clusters.Tests.Lab;

/// <summary>A lab ends with whatever it hangs on, and leaves nothing.</summary>
public class LifetimeTests
{
    [SkippableFact]
    public async Task Stopping_leaves_no_process_and_no_namespace()
    {
        LabFixture.Require();
        (_, string before) = LabFixture.Run("ip", "netns", "list");
        LabCluster lab = await LabCluster.StartAsync(LabFixture.Spec());
        int[] processes = lab.Processes();
        Assert.Equal(2, processes.Length);
        Assert.True(lab.Running);
        await lab.StopAsync();
        Assert.False(lab.Running);
        Assert.True(LabFixture.AllGone(processes));
        Assert.Equal(before, LabFixture.Run("ip", "netns", "list").Output);
    }

    [SkippableFact]
    public async Task Killing_any_process_of_a_lab_takes_all_of_it_down()
    {
        LabFixture.Require();
        for (int victim = 0; victim < 2; victim++)
        {
            using LabCluster lab = await LabCluster.StartAsync(LabFixture.Spec(nodes: 1, endpoints: 1));
            int[] processes = lab.Processes();
            LabFixture.Kill(processes[victim]);
            Assert.True(LabFixture.AllGone(processes));
            await Assert.ThrowsAsync<Protocol.AgentLostException>(() => lab.Connect(LabFixture.Request(1)));
            Assert.False(lab.Running);
        }
    }

    [SkippableFact]
    public async Task An_agent_killed_in_the_middle_of_a_test_leaves_a_partial_result()
    {
        using LabCluster lab = await LabFixture.StartAsync();
        int agent = lab.Processes()[1];
        var progress = new FirstProgress();
        Task<ConnectResult> running = lab.ConnectAsync(LabFixture.Request(10_000_000), progress, default);
        await progress.Seen;
        LabFixture.Kill(agent);
        ConnectResult result = await running;
        Assert.False(result.Completed);
        Assert.Contains("agent is gone", result.Reason, StringComparison.Ordinal);
        Assert.True(result.Connections > 0);
        Assert.Equal(result.Connections, result.Endpoints.Sum(e => e.Connections));
        Assert.Equal(10_000_000, result.Connections + result.Failed + result.Unfinished);
    }

    [SkippableFact]
    public async Task Cancelling_a_test_returns_what_was_measured_and_the_lab_goes_on()
    {
        using LabCluster lab = await LabFixture.StartAsync();
        using var cancel = new CancellationTokenSource();
        var progress = new FirstProgress();
        Task<ConnectResult> running = lab.ConnectAsync(LabFixture.Request(10_000_000), progress, cancel.Token);
        await progress.Seen;
        await cancel.CancelAsync();
        ConnectResult result = await running;
        Assert.Equal((false, "stopped by the user"), (result.Completed, result.Reason));
        Assert.True(result.Connections > 0);
        Assert.Equal(100, (await lab.Connect(LabFixture.Request(100))).Connections);
    }

    [SkippableFact]
    public async Task A_thousand_endpoints_on_a_hundred_nodes_work_too()
    {
        using LabCluster lab = await LabFixture.StartAsync(LabFixture.Spec(nodes: 100, endpoints: 1000) with { Ecmp = true });
        ConnectResult result = await lab.Connect(LabFixture.Request(10000));
        Assert.Equal((10000, 1000), (result.Connections, result.Endpoints.Length));
        Assert.DoesNotContain(result.Endpoints, endpoint => endpoint.Unexpected);
    }

    [SkippableFact]
    public async Task Two_labs_with_the_same_addresses_do_not_meet()
    {
        LabFixture.Require();
        LabCluster[] labs = await Task.WhenAll(LabCluster.StartAsync(LabFixture.Spec(endpoints: 3)), LabCluster.StartAsync(LabFixture.Spec(ProxyMode.Iptables, endpoints: 5)));
        ConnectResult[] results = await Task.WhenAll(labs.Select(lab => lab.Connect(LabFixture.Request(500))));
        Assert.Equal([3, 5], results.Select(result => result.Endpoints.Length));
        Assert.All(results, result => Assert.Equal(500, result.Connections));
        labs[0].Dispose();
        Assert.Equal(50, (await labs[1].Connect(LabFixture.Request(50))).Connections);
        labs[1].Dispose();
    }

    [SkippableFact]
    public async Task A_detached_lab_is_found_by_name_and_its_name_is_taken()
    {
        LabFixture.Require();
        LabSpec spec = LabFixture.Spec() with { Detached = true };
        LabCluster lab = await LabCluster.StartAsync(spec);
        try
        {
            Assert.Contains(spec.Name, LabCluster.DetachedNames());
            PlanException taken = await Assert.ThrowsAsync<PlanException>(() => LabCluster.StartAsync(spec));
            Assert.Equal("Name", taken.Parameter);
            lab.Dispose();
            using LabCluster? again = await LabCluster.FindAsync(spec.Name);
            Assert.NotNull(again);
            Assert.Equal(spec.EndpointCount, again.Endpoints.Length);
            Assert.Equal(100, (await again.Connect(LabFixture.Request(100))).Connections);
        }
        finally
        {
            LabCluster? last = await LabCluster.FindAsync(spec.Name);
            if (last is not null) await last.StopAsync();
        }

        Assert.DoesNotContain(spec.Name, LabCluster.DetachedNames());
        Assert.Null(await LabCluster.FindAsync(spec.Name));
    }

    [SkippableFact]
    public void An_ordinary_user_has_labs_too()
    {
        using var nobody = new OrdinaryUser();
        foreach (string mode in new[] { "nftables", "iptables" })
        {
            _ = nobody.Succeed("lab", "start", "--name", nobody.LabName, "--detached", "--proxy-mode", mode, "--session-affinity", "60");
            // It is the other user's: root neither lists nor reaches it.
            Assert.DoesNotContain(nobody.LabName, LabCluster.DetachedNames());
            Assert.Contains("1,000 of 1,000", nobody.Succeed("connect", "--lab", nobody.LabName, "--count", "1000"), StringComparison.Ordinal);
            _ = nobody.Succeed("lab", "stop", "--name", nobody.LabName);
        }
    }
}
