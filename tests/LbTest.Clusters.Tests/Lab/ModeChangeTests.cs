using System.Net.Sockets;
using LbTest.Clusters.Lab;
using LbTest.Clusters.Lab.Dataplanes;
using LbTest.Clusters.Lab.Kernels;
using LbTest.Clusters.Tests.Lab.Disturbances;
using LbTest.Engine;
using LbTest.Engine.Connect;
using LbTest.Engine.Disturbances;
using LbTest.Engine.Traffic;

namespace LbTest.Clusters.Tests.Lab;

/// <summary>A running lab changes over to another mode for good.</summary>
public class ModeChangeTests
{
    [SkippableFact]
    public async Task A_lab_changes_mode_and_everyone_who_looks_sees_it()
    {
        LabSpec spec = LabFixture.Spec() with { Detached = true };
        LabCluster lab = await LabFixture.StartAsync(spec);
        try
        {
            using LabCluster other = (await LabCluster.FindAsync(spec.Name))!;
            ConnectResult before = await other.Connect(LabFixture.Request(30));
            Assert.Equal(("nftables", "Nftables"), (before.Label, before.Context!.ProxyMode));

            await lab.SetModeAsync(lab.Mode.To(ProxyMode.Iptables, null));
            Assert.Equal((ProxyMode.Iptables, ProxyMode.Iptables, null), (lab.ProxyMode, lab.Spec.ProxyMode, lab.IpvsScheduler));
            using LabCluster found = (await LabCluster.FindAsync(spec.Name))!;
            Assert.Equal(ProxyMode.Iptables, found.ProxyMode);
            // One that was in touch before learns it from its next test.
            ConnectResult after = await other.Connect(LabFixture.Request(300));
            Assert.Equal(("iptables", "Iptables", 300L, 6), (after.Label, after.Context!.ProxyMode, after.Connections, after.Endpoints.Count(e => e.Connections > 0)));
            Assert.Equal(ProxyMode.Iptables, other.ProxyMode);
            // What the rules of both counted is there: every connection once.
            Assert.Equal(330, (await lab.ObserveAsync(CancellationToken.None)).Where(c => c.Service.EndsWith(":connect", StringComparison.Ordinal)).Sum(c => c.Packets));

            await lab.SetModeAsync(lab.Mode.To(ProxyMode.Nftables, null));
            Assert.Equal("nftables", (await lab.Connect(LabFixture.Request(30))).Label);
        }
        finally
        {
            await lab.StopAsync();
        }
    }

    [SkippableFact]
    public async Task Connections_stay_where_they_are_while_a_test_without_disturbances_runs()
    {
        using LabCluster lab = await LabFixture.StartAsync();
        var watcher = new Watcher();
        Task samples = watcher.SeesSamples(2);
        Task<TrafficResult> running = lab.Traffic(LabFixture.Traffic(4), watcher);
        await samples;
        await lab.SetModeAsync(lab.Mode.To(ProxyMode.Iptables, null));
        TrafficResult result = await running;
        Assert.Equal((0L, 0L), (result.LostConnections, result.FailedConnects));
        Assert.All(result.Connections, connection => Assert.Equal(0, connection.EndpointChanges));
        Assert.Contains("-A KUBE-SERVICES", lab.Inside("node-2", $"{LabFixture.Iptables(AddressFamily.InterNetwork)}-save -t nat"), StringComparison.Ordinal);
        Assert.DoesNotContain("kube-proxy", lab.Inside("node-2", "nft list tables"), StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task It_is_refused_while_the_lab_is_disturbed_and_where_the_kernel_cannot()
    {
        using LabCluster lab = await LabFixture.StartAsync();
        if (HostKernel.Problem(lab.Spec with { ProxyMode = ProxyMode.Ipvs }) is { } problem)
        {
            PlanException cannot = await Assert.ThrowsAsync<PlanException>(() => lab.SetModeAsync(lab.Mode.To(ProxyMode.Ipvs, IpvsScheduler.Lc)));
            Assert.Equal("ProxyMode", cannot.Parameter);
            Assert.Contains(problem, cannot.Message, StringComparison.Ordinal);
            Assert.Contains("Start-LbCluster -ProxyMode Ipvs -IpvsScheduler Lc -Kernel UserMode", cannot.Remedy, StringComparison.Ordinal);
        }

        var watcher = new Watcher();
        Task flushed = watcher.Sees(DisturbanceKind.ConntrackFlush);
        using var cancel = new CancellationTokenSource();
        Task<TrafficResult> running = lab.Traffic(LabFixture.Traffic(60, LabFixture.Disturb(DisturbanceKind.ConntrackFlush, 0.3)), watcher, cancel.Token);
        await flushed;
        PlanException disturbed = await Assert.ThrowsAsync<PlanException>(() => lab.SetModeAsync(lab.Mode.To(ProxyMode.Iptables, null)));
        Assert.Contains("another traffic test with disturbances", disturbed.Message, StringComparison.Ordinal);
        await cancel.CancelAsync();
        _ = await running;
        Assert.Equal(ProxyMode.Nftables, lab.ProxyMode);
        await lab.SetModeAsync(lab.Mode.To(ProxyMode.Iptables, null));
        Assert.Equal(ProxyMode.Iptables, lab.ProxyMode);
    }

    [SkippableFact]
    public async Task What_fails_on_a_node_is_taken_back_on_all()
    {
        LabFixture.Require();
        Skip.IfNot(LabFixture.IsRoot, "needs to hide a tool from the sandbox, by a mount");
        using LabCluster lab = await LabFixture.StartAsync();
        // A tool that works where it is tried, fails on node-2 the first time, and works again after that.
        string folder = Directory.CreateTempSubdirectory("lbtest-tool-").FullName, tool = Path.Combine(folder, "tool"), real = Tools.Tool.Find("iptables-restore")!;
        await File.WriteAllTextAsync(tool, $"""
            #!/bin/sh
            if [ ! -e {folder}/failed ] && ip -o addr | grep -q ' 192.168.1.2/'; then touch {folder}/failed; echo 'no room' >&2; exit 4; fi
            exec "{folder}/$(basename "$0")" "$@"

            """);
        try
        {
            // One program under many names.
            Assert.Equal((0, ""), LabFixture.Run("sh", "-ec", $"chmod 755 {tool}; for name in iptables ip6tables; do cp $(readlink -f {real}) {folder}/$name-restore; cp $(readlink -f {real}) {folder}/$name-save; done"));
            _ = lab.Inside("node-1", $"mount --bind {tool} $(readlink -f {real})");
            InvalidOperationException failed = await Assert.ThrowsAsync<InvalidOperationException>(() => lab.SetModeAsync(lab.Mode.To(ProxyMode.Iptables, null)));
            Assert.Contains("could not change over from Nftables to Iptables", failed.Message, StringComparison.Ordinal);
            Assert.Contains("no room", failed.Message, StringComparison.Ordinal);
            Assert.EndsWith("They are back in Nftables.", failed.Message, StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }

        Assert.Equal(ProxyMode.Nftables, lab.ProxyMode);
        foreach (string node in lab.Nodes) Assert.Contains("table ip kube-proxy", lab.Inside(node, "nft list tables"), StringComparison.Ordinal);
        Assert.Equal(60, (await lab.Connect(LabFixture.Request(60))).Connections);
    }
}
