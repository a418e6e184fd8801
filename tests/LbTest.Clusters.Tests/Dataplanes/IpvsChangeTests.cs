using System.Collections.Immutable;
using System.Net;
using LbTest.Clusters.Ipvs;
using LbTest.Clusters.Lab.Dataplanes;
using LbTest.Engine.Sockets;

namespace LbTest.Clusters.Tests.Dataplanes;

/// <summary>From what the kernel has to what is wanted, without touching what stays.</summary>
public class IpvsChangeTests
{
    private const string Kernel = """
        IP Virtual Server version 1.2.1 (size=4096)
        Prot LocalAddress:Port Scheduler Flags
          -> RemoteAddress:Port           Forward Weight ActiveConn InActConn
        TCP  10.96.0.1:80 rr
          -> 11.0.1.2:8080                Masq    0      1          2
          -> 11.0.1.3:8080                Masq    1      0          0
        UDP  10.96.0.1:80 rr ops
          -> 11.0.1.2:8080                Masq    1      9          0
        TCP  [fd00:96::1]:80 rr persistent 10800
          -> [fd00:11::1:2]:8080          Masq    1      3          4
        FWM  1 rr
          -> 11.0.9.9:8080                Masq    1      0          0
        """;

    private static readonly IpvsName Tcp4 = new(TransportProtocol.Tcp, IPEndPoint.Parse("10.96.0.1:80")), Tcp6 = new(TransportProtocol.Tcp, IPEndPoint.Parse("[fd00:96::1]:80")),
        Udp4 = new(TransportProtocol.Udp, IPEndPoint.Parse("10.96.0.1:80"));

    [Fact]
    public void Virtual_servers_are_known_by_protocol_address_and_port()
    {
        var table = new IpvsTable(IpvsadmText.Parse(Kernel));
        Assert.Equal([Tcp4, Udp4, Tcp6], table.Keys);
        Assert.Equal((0, 1L, 2L), (table[Tcp4][IPEndPoint.Parse("11.0.1.2:8080")].Weight, table[Tcp4][IPEndPoint.Parse("11.0.1.2:8080")].ActiveConnections, table[Tcp4][IPEndPoint.Parse("11.0.1.2:8080")].InactiveConnections));
        Assert.Equal([IPEndPoint.Parse("[fd00:11::1:2]:8080")], table[Tcp6].Keys);
    }

    [Fact]
    public void Only_where_endpoints_leave_or_come_the_kernel_has_to_be_asked()
    {
        Assert.False(IpvsChange.MovesTargets(Servers(Local), Servers(Local)));
        Assert.False(IpvsChange.MovesTargets(Servers(Local, IpvsScheduler.Lc), Servers(Local)));
        Assert.False(IpvsChange.MovesTargets(Servers(Local with { Port = 81 }), Servers(Local)));
        Assert.True(IpvsChange.MovesTargets(Servers(Local), Servers(Sample.Service)));
        Assert.True(IpvsChange.MovesTargets(Servers(Sample.Service), Servers(Local)));
        // What is told to the kernel without asking it.
        Assert.Equal(["-E -t 10.96.0.1:80 -s lc", "-E -t [fd00:96::1]:80 -s lc"], Lines(new IpvsChange(Servers(Local, IpvsScheduler.Lc), new IpvsTable(Servers(Local)), Servers(Local))));
    }

    [Fact]
    public void What_is_new_is_added() => Assert.Equal(
        [
            "-A -t 10.96.0.1:80 -s rr", "-a -t 10.96.0.1:80 -r 11.0.1.2:8080 -m -w 1", "-a -t 10.96.0.1:80 -r 11.0.1.3:8080 -m -w 1",
            "-A -t [fd00:96::1]:80 -s rr", "-a -t [fd00:96::1]:80 -r [fd00:11::1:2]:8080 -m -w 1", "-a -t [fd00:96::1]:80 -r [fd00:11::1:3]:8080 -m -w 1",
        ],
        Lines(new IpvsChange(Servers(Local), new IpvsTable(ImmutableArray<VirtualServer>.Empty), null)));

    [Fact]
    public void What_is_the_same_is_left_alone()
    {
        IpvsChange change = Change(Local, Has(Local), Local);
        Assert.Equal("", change.Lines);
        Assert.Empty(change.Leaving);
        Assert.Empty(change.Entering);
    }

    [Fact]
    public void A_change_of_scheduler_or_affinity_edits_virtual_servers_only()
    {
        Assert.Equal(["-E -t 10.96.0.1:80 -s mh -b mh-port", "-E -t [fd00:96::1]:80 -s mh -b mh-port"], Lines(new IpvsChange(Servers(Local, IpvsScheduler.Mh), Has(Local), Servers(Local))));
        ServicePort affinity = Local with { ClientIPAffinity = TimeSpan.FromSeconds(60) };
        Assert.Equal(["-E -t 10.96.0.1:80 -s rr -p 60 -M 255.255.255.255", "-E -t [fd00:96::1]:80 -s rr -p 60 -M 128"], Lines(Change(affinity, Has(Local), Local)));
        // Where nobody knows what was told to the kernel, it is told again.
        Assert.Equal(["-E -t 10.96.0.1:80 -s rr", "-E -t [fd00:96::1]:80 -s rr"], Lines(new IpvsChange(Servers(Local), Has(Local), null)));
    }

    [Theory]
    [InlineData(TransportProtocol.Tcp, 5, "-e -t 10.96.0.1:80 -r 11.0.1.3:8080 -m -w 0")]
    [InlineData(TransportProtocol.Tcp, 0, "-d -t 10.96.0.1:80 -r 11.0.1.3:8080")]
    [InlineData(TransportProtocol.Udp, 5, "-d -u 10.96.0.1:80 -r 11.0.1.3:8080")]
    public void An_endpoint_leaves_at_once_or_once_it_has_no_connection(TransportProtocol protocol, int connections, string line)
    {
        ServicePort before = Local with { Protocol = protocol }, after = before with { Endpoints = [.. before.Endpoints.Where(e => !e.Address.ToString().EndsWith('3'))] };
        IpvsTable has = Has(before, connections);
        IpvsChange change = Change(after, has, before);
        Assert.Equal([line, line.Replace("10.96.0.1", "[fd00:96::1]", StringComparison.Ordinal).Replace("11.0.1.3", "[fd00:11::1:3]", StringComparison.Ordinal)], Lines(change));
        Assert.Equal(["11.0.1.3:8080", "[fd00:11::1:3]:8080"], change.Leaving.Select(pair => pair.Target.ToString()));
        Assert.Empty(change.Entering);

        // Once more: what drains goes on draining, and goes when it has drained. Nobody counts it any more.
        foreach (IPEndPoint target in has.Values.SelectMany(targets => targets.Keys).Where(target => target.Address.ToString().EndsWith('3')).ToArray())
            foreach (Dictionary<IPEndPoint, RealServer> targets in has.Values.Where(targets => targets.ContainsKey(target))) targets[target] = Real(0, connections);
        IpvsChange next = Change(after, has, after);
        Assert.Equal(protocol == TransportProtocol.Tcp && connections > 0 ? 0 : 2, Lines(next).Length);
        Assert.Empty(next.Leaving);
    }

    [Fact]
    public void An_endpoint_comes_back_while_it_drains()
    {
        IpvsTable has = Has(Local, 1);
        has[Tcp4][IPEndPoint.Parse("11.0.1.3:8080")] = Real(0, 1);
        _ = has[Tcp6].Remove(IPEndPoint.Parse("[fd00:11::1:3]:8080"));
        ServicePort before = Local with { Endpoints = [.. Local.Endpoints.Where(e => !e.Address.ToString().EndsWith('3'))] };
        IpvsChange change = Change(Local, has, before);
        Assert.Equal(["-e -t 10.96.0.1:80 -r 11.0.1.3:8080 -m -w 1", "-a -t [fd00:96::1]:80 -r [fd00:11::1:3]:8080 -m -w 1"], Lines(change));
        // Both may have counted something before.
        Assert.Equal(["11.0.1.3:8080", "[fd00:11::1:3]:8080"], change.Entering.Select(pair => pair.Target.ToString()));
        Assert.Empty(change.Leaving);
    }

    [Fact]
    public void What_nobody_wants_any_more_goes_and_firewall_marks_are_left_alone()
    {
        IpvsTable has = new IpvsTable(IpvsadmText.Parse(Kernel));
        Assert.Equal(["-D -t 10.96.0.1:80", "-D -u 10.96.0.1:80", "-D -t [fd00:96::1]:80"], Lines(new IpvsChange([], has, null)));
        IpvsChange change = Change(Local with { ClusterAddresses = [Local.ClusterAddresses[0]] }, Has(Local), Local);
        Assert.Equal(["-D -t [fd00:96::1]:80"], Lines(change));
        Assert.Equal([Tcp6, Tcp6], change.Leaving.Select(pair => pair.Server));
    }

    private static ServicePort Local { get; } = Sample.Service.Without("node-2");

    private static ImmutableArray<IpvsServer> Servers(ServicePort service, IpvsScheduler scheduler = default) => IpvsServer.Of(Sample.State(service) with { Scheduler = scheduler });

    private static IpvsChange Change(ServicePort wanted, IpvsTable has, ServicePort inForce) => new(Servers(wanted), has, Servers(inForce));

    private static IpvsTable Has(ServicePort service, long connections = 1)
    {
        var table = new IpvsTable(Servers(service));
        foreach (Dictionary<IPEndPoint, RealServer> targets in table.Values)
            foreach (IPEndPoint target in targets.Keys) targets[target] = Real(1, connections);
        return table;
    }

    private static RealServer Real(int weight, long connections) => new() { Address = "", Weight = weight, ActiveConnections = connections, InactiveConnections = 0 };

    private static string[] Lines(IpvsChange change) => Sample.Lines(change.Lines);
}
