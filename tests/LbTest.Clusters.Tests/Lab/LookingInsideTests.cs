using System.Collections.Immutable;
using LbTest.Clusters.Ipvs;
using LbTest.Clusters.Lab;
using LbTest.Clusters.Lab.Dataplanes;
using LbTest.Clusters.Prerequisites;
using LbTest.Engine;
using LbTest.Engine.Connect;

namespace LbTest.Clusters.Tests.Lab;

/// <summary>What IPVS has on the nodes of a lab, and the addresses bound for it.</summary>
public class LookingInsideTests
{
    [SkippableFact]
    public async Task A_lab_tells_its_virtual_servers_with_what_they_counted_and_no_address_is_amiss()
    {
        LabFixture.Require();
        Skip.IfNot(PrerequisiteCheck.Suffices([ProxyMode.Ipvs]), "this machine has no IPVS, and no user-mode kernel");
        using LabCluster lab = await LabFixture.StartAsync(LabFixture.Spec(ProxyMode.Ipvs, nodes: 2, endpoints: 3));
        ConnectResult result = await lab.ConnectAsync(LabFixture.Request(300), null, default);
        Assert.Equal(300, result.Connections);

        // Its counters the kernel brings up to date every two seconds.
        ImmutableArray<VirtualServer> servers = await lab.GetVirtualServersAsync(null, default);
        for (int turn = 0; turn < 100 && servers.Sum(server => server.Counters!.Connections) < 300; turn++)
        {
            await Task.Delay(100);
            servers = await lab.GetVirtualServersAsync(null, default);
        }

        Assert.Equal(["node-1", "node-2"], servers.Select(server => server.NodeName).Distinct());
        Assert.All(servers, server => Assert.Equal(("rr", 3), (server.Scheduler, server.RealServers.Length)));
        VirtualServer entry = servers.Single(server => server.NodeName == "node-1" && server.Name == $"TCP {LabTopology.LoadBalancer}:{lab.Spec.Port}");
        Assert.Equal(300, entry.Counters!.Connections);
        Assert.All(entry.RealServers, real => Assert.Equal(("Masq", 1, 100L), (real.Forward, real.Weight, real.Counters!.Connections)));
        // Each connection is there until long after its end.
        Assert.Equal(300, entry.RealServers.Sum(real => real.ActiveConnections + real.InactiveConnections));
        Assert.Equal(0, servers.Where(server => server.NodeName == "node-2").Sum(server => server.Counters!.Connections));

        ImmutableArray<ServiceAddress> addresses = await lab.GetServiceAddressesAsync("node-2", default);
        Assert.All(addresses, row => Assert.Equal(("node-2", ServiceAddressState.Ok), (row.NodeName, row.State)));
        string[] bound = [.. new[] { LabTopology.ClusterIP, LabTopology.LoadBalancer }.SelectMany(address => new[] { address, LabTopology.Twin(address) }).Select(address => $"{address}").Order()];
        Assert.Equal(bound, addresses.Where(row => row.Device == ServiceAddress.ServiceDevice).Select(row => row.Address).Order());
        Assert.Equal(
            servers.Where(server => server.NodeName == "node-2").Select(server => server.Name).Order(), addresses.SelectMany(row => row.VirtualServers).Order());

        Assert.Equal("NodeName", (await Assert.ThrowsAsync<PlanException>(() => lab.GetVirtualServersAsync("node-3", default))).Parameter);
    }

    [SkippableFact]
    public async Task A_lab_in_another_mode_says_so()
    {
        using LabCluster lab = await LabFixture.StartAsync(LabFixture.Spec(nodes: 1, endpoints: 1));
        PlanException none = await Assert.ThrowsAsync<PlanException>(() => lab.GetVirtualServersAsync(null, default));
        Assert.Equal(("Cluster", lab.Name), (none.Parameter, none.Value));
        Assert.Contains("-ProxyMode Ipvs", none.Remedy, StringComparison.Ordinal);
        Assert.Equal("NodeName", (await Assert.ThrowsAsync<PlanException>(() => lab.GetServiceAddressesAsync("node-1", default))).Parameter);
    }
}
