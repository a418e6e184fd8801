using System.Collections.Immutable;
using LbTest.Clusters.Ipvs;
using LbTest.Clusters.Lab;
using LbTest.Clusters.Lab.Dataplanes;
using LbTest.Clusters.Tests.Lab.Disturbances;
using LbTest.Engine.Connect;
using LbTest.Engine.Disturbances;
using LbTest.Engine.Sockets;
using LbTest.Engine.Traffic;

namespace LbTest.Clusters.Tests.Lab.Ipvs;

/// <summary>Three nodes with two endpoints each.</summary>
public sealed class SixEndpoints() : UserModeLab(LabFixture.Spec(ProxyMode.Ipvs));

/// <summary>A lab in mode IPVS: every way through it, what changes of its rules cost, what its kernel counts.</summary>
public class IpvsLabTests(SixEndpoints lab) : IClassFixture<SixEndpoints>
{
    // From a pod to its own service some connections come back to where they started.
    [SkippableTheory]
    [InlineData(ProxyMode.Ipvs), InlineData(ProxyMode.Iptables)]
    public async Task Every_vantage_point_reaches_every_address_in_both_families_and_protocols(ProxyMode mode)
    {
        LabCluster cluster = lab.Cluster;
        await cluster.SetModeAsync(cluster.Mode.To(mode, mode == ProxyMode.Ipvs ? IpvsScheduler.Rr : null));
        foreach ((VantagePoint from, ServiceTarget to, bool ipv6, TransportProtocol protocol) in LabFixture.Ways())
        {
            ConnectRequest request = LabFixture.Request(60, from, to, ipv6);
            ConnectResult result = await cluster.Connect(request with { Plan = request.Plan with { Protocol = protocol } });
            Assert.True(result.Connections == 60, $"{from} to {to}, IPv6 {ipv6}, {protocol}: {result.Connections} of 60, {string.Join(", ", result.Failures)}");
            Assert.Equal(to == ServiceTarget.Endpoint ? 1 : 6, result.Endpoints.Length);
            if (mode == ProxyMode.Iptables || to == ServiceTarget.Endpoint) continue;
            bool promised = protocol == TransportProtocol.Tcp;
            Assert.Equal(promised ? 1 : null, result.Context!.RoundRobinEntries);
            Assert.Equal(promised ? true : null, ConnectAnalysis.Measure(result).RoundRobinPromiseKept);
        }
    }

    [SkippableFact]
    public async Task An_endpoint_that_leaves_costs_its_own_connections_and_no_others()
    {
        LabCluster cluster = await lab.With(IpvsScheduler.Rr);
        var watcher = new Watcher();
        Task<TrafficProgress> left = watcher.Sees(DisturbanceKind.EndpointDown);
        Disturbance down = LabFixture.Disturb(DisturbanceKind.EndpointDown, 0.5, "tserver-002") with { DrainTime = TimeSpan.FromSeconds(3) };
        TrafficRequest request = LabFixture.Traffic(6, down);
        Task<TrafficResult> running = cluster.Traffic(request with { Plan = request.Plan with { ResponseTimeout = TimeSpan.FromSeconds(10) } }, watcher);
        _ = await left;
        RealServer[] drains = await Gone(cluster);
        TrafficResult result = await running;

        // For traffic it has connections, so it stays with weight 0; where it has none, it is gone. Connect tests of a moment ago count as well.
        Assert.All(drains, real => Assert.Equal(0, real.Weight));
        RealServer traffic = Assert.Single(drains, real => real.Port == cluster.Spec.TrafficPort);
        Assert.True(traffic.ActiveConnections + traffic.InactiveConnections > 0);
        TrafficConnection[] its = [.. result.Connections.Where(c => c.Endpoint == "tserver-002")];
        Assert.InRange(its.Length, 1, 19);
        Assert.All(result.Connections, c => Assert.Equal(c.Endpoint == "tserver-002", c.WasLost));
        Assert.Equal((0L, its.Length), (result.FailedConnects, (int)result.LostConnections));
        // They were closed in the end, not cut off while it drained.
        DisturbanceEvent leaves = result.Disturbances.First(e => !e.Undo);
        Assert.All(its, c => Assert.True(c.Ended > leaves.Applied + TimeSpan.FromSeconds(2), $"ended {c.Ended}, left {leaves.Applied}"));
        // It is back.
        Assert.All((await cluster.GetVirtualServersAsync("node-1", default)).SelectMany(server => server.RealServers), real => Assert.Equal(1, real.Weight));

        static async Task<RealServer[]> Gone(LabCluster cluster)
        {
            // Rules follow the event; poll for them.
            for (int turn = 0; ; turn++)
            {
                ImmutableArray<VirtualServer> servers = await cluster.GetVirtualServersAsync("node-1", default);
                RealServer[] left = [.. servers.Where(server => !server.IPv6).SelectMany(server => server.RealServers).Where(real => real.Address == "11.0.1.3")];
                if (left.All(real => real.Weight == 0) || turn == 50) return left;
                await Task.Delay(50);
            }
        }
    }

    [SkippableFact]
    public async Task Datagrams_of_an_endpoint_that_leaves_go_to_others()
    {
        LabCluster cluster = await lab.With(IpvsScheduler.Rr);
        TrafficRequest request = LabFixture.Traffic(7, LabFixture.Disturb(DisturbanceKind.EndpointDown, 1, "tserver-003") with { DrainTime = TimeSpan.FromSeconds(1) });
        TrafficResult result = await cluster.Traffic(request with { Plan = request.Plan with { Protocol = TransportProtocol.Udp } });
        Assert.Equal(20, result.Connections.Length);
        // Round robin: three or four of twenty were with it.
        Assert.InRange(result.Connections.Count(c => c.EndpointChanges > 0), 3, 4);
        Assert.All(result.Connections, c => Assert.InRange(c.EndpointChanges, 0, 1));
        Assert.All(result.Connections, c => Assert.NotEqual("tserver-003", c.Endpoint));
    }

    [SkippableFact]
    public async Task The_kernels_counters_go_on_over_every_change_of_rules()
    {
        LabCluster cluster = await lab.With(IpvsScheduler.Rr);
        Dictionary<string, long> before = Sum(await cluster.ObserveAsync(default), ":connect");
        ConnectResult connects = await cluster.Connect(LabFixture.Request(300));
        Assert.Equal(connects.Endpoints.ToDictionary(e => e.Name, e => e.Connections), await Counted());

        // An endpoint goes and comes back, the scheduler changes, all endpoints are replaced, the mode changes for a moment.
        TrafficResult traffic = await cluster.Traffic(LabFixture.Traffic(
            8, LabFixture.Disturb(DisturbanceKind.EndpointDown, 0.3, "tserver-002") with { Mode = EndpointDownMode.Reset, Duration = TimeSpan.FromSeconds(1) },
            LabFixture.Disturb(DisturbanceKind.ProxyModeSwitch, 2) with { IpvsScheduler = "lc", Duration = TimeSpan.FromSeconds(0.5) },
            LabFixture.Disturb(DisturbanceKind.RollingUpdate, 3), LabFixture.Disturb(DisturbanceKind.ProxyModeSwitch, 6) with { ProxyMode = "Iptables" }));
        Assert.All(traffic.Disturbances, e => Assert.Null(e.Error));
        Assert.Equal(connects.Endpoints.ToDictionary(e => e.Name, e => e.Connections), await Counted());
        // And on.
        ConnectResult more = await cluster.Connect(LabFixture.Request(300));
        Dictionary<string, long> then = await Counted();
        Assert.All(connects.Endpoints.Zip(more.Endpoints), both => Assert.Equal(both.First.Connections + both.Second.Connections, then[both.First.Name]));

        async Task<Dictionary<string, long>> Counted() =>
            Sum(await cluster.ObserveAsync(default), ":connect").Where(c => connects.Endpoints.Any(e => e.Name == c.Key)).ToDictionary(c => c.Key, c => c.Value - before.GetValueOrDefault(c.Key));

        static Dictionary<string, long> Sum(ImmutableArray<EndpointCounter> counters, string port) =>
            counters.Where(c => c.Service.EndsWith(port, StringComparison.Ordinal)).GroupBy(c => c.EndpointName).ToDictionary(g => g.Key, g => g.Sum(c => c.Packets));
    }

    [SkippableFact]
    public async Task A_change_of_scheduler_loses_no_connection()
    {
        LabCluster cluster = await lab.With(IpvsScheduler.Rr);
        TrafficRequest request = LabFixture.Traffic(4, LabFixture.Disturb(DisturbanceKind.ProxyModeSwitch, 1) with { IpvsScheduler = "mh", Duration = TimeSpan.FromSeconds(1) });
        TrafficResult result = await cluster.Traffic(request with { Plan = request.Plan with { ResponseTimeout = TimeSpan.FromSeconds(10) } });
        Assert.All(result.Disturbances, e => Assert.Null(e.Error));
        Assert.Equal((0L, 0L, 2), (result.LostConnections, result.FailedConnects, result.Disturbances.Length));
    }

    [SkippableFact]
    public async Task Every_service_address_has_its_virtual_server()
    {
        LabCluster cluster = await lab.With(IpvsScheduler.Mh);
        ImmutableArray<ServiceAddress> addresses = await cluster.GetServiceAddressesAsync("node-2", default);
        Assert.Equal(["10.0.0.1", "10.96.0.100", "fd00::a00:1", "fd00::a60:64"], addresses.Where(a => a.Device == ServiceAddress.ServiceDevice).Select(a => a.Address).Order(StringComparer.Ordinal));
        Assert.All(addresses, address => Assert.Equal(ServiceAddressState.Ok, address.State));
        Assert.All(await cluster.GetVirtualServersAsync("node-2", default), server => Assert.Equal(("mh", "mh-port", null), (server.Scheduler, Assert.Single(server.Flags), server.PersistenceTimeout)));
    }
}
