using System.Collections.Immutable;
using System.Net;
using LbTest.Clusters.Ipvs;
using LbTest.Engine;

namespace LbTest.Clusters.Tests.Ipvs;

/// <summary>What is bound beside what answers.</summary>
public class ServiceAddressTests
{
    // What 'ip addr show' and 'ip -o addr show' printed of the kernel of RealOutput.
    private const string Addresses = """
        1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN group default qlen 1000
            link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00
            inet 127.0.0.1/8 scope host lo
               valid_lft forever preferred_lft forever
            inet6 ::1/128 scope host
               valid_lft forever preferred_lft forever
        2: dummy0: <BROADCAST,NOARP> mtu 1500 qdisc noop state DOWN group default qlen 1000
            link/ether 42:54:56:cf:71:60 brd ff:ff:ff:ff:ff:ff
        3: kube-ipvs0: <BROADCAST,NOARP> mtu 1500 qdisc noop state DOWN group default qlen 1000
            link/ether da:3b:a1:98:7c:c4 brd ff:ff:ff:ff:ff:ff
            inet 10.96.0.100/32 scope global kube-ipvs0
               valid_lft forever preferred_lft forever
            inet 10.96.0.10/32 scope global kube-ipvs0
               valid_lft forever preferred_lft forever
            inet6 fd00:96::100/128 scope global nodad
               valid_lft forever preferred_lft forever
        """;

    private const string OneLine = """
        1: lo    inet 127.0.0.1/8 scope host lo\       valid_lft forever preferred_lft forever
        1: lo    inet6 ::1/128 scope host \       valid_lft forever preferred_lft forever
        3: kube-ipvs0    inet 10.96.0.100/32 scope global kube-ipvs0\       valid_lft forever preferred_lft forever
        3: kube-ipvs0    inet 10.96.0.10/32 scope global kube-ipvs0\       valid_lft forever preferred_lft forever
        3: kube-ipvs0    inet6 fd00:96::100/128 scope global nodad \       valid_lft forever preferred_lft forever
        """;

    [Theory, InlineData(Addresses), InlineData(OneLine)]
    public void Addresses_are_read_with_their_devices(string text)
    {
        BoundAddress[] expected =
        [
            new("lo", IPAddress.Loopback, 8), new("lo", IPAddress.IPv6Loopback, 128), new("kube-ipvs0", IPAddress.Parse("10.96.0.100"), 32),
            new("kube-ipvs0", IPAddress.Parse("10.96.0.10"), 32), new("kube-ipvs0", IPAddress.Parse("fd00:96::100"), 128),
        ];
        Assert.Equal(expected.AsEnumerable(), BoundAddress.Parse(text));
        Assert.Equal(expected, BoundAddress.Parse(text.ReplaceLineEndings("\r\n")));
    }

    [Fact]
    public void The_far_end_of_a_device_and_of_an_address_are_not_its_own()
    {
        ImmutableArray<BoundAddress> found = BoundAddress.Parse("7: eth0@if8: <UP> mtu 1500\n    inet 192.168.1.1/24 brd 192.168.1.255 scope global eth0\n8: tun0    inet 10.8.0.1 peer 10.8.0.2/32 scope global tun0");
        Assert.Equal([new("eth0", IPAddress.Parse("192.168.1.1"), 24), new("tun0", IPAddress.Parse("10.8.0.1"), 32)], found.AsEnumerable());
    }

    [Theory]
    [InlineData("", "no device")]
    [InlineData("nothing of the kind", "no device")]
    [InlineData("inet 10.96.0.10/32", "Line 1 has an address of no device")]
    [InlineData("3: kube-ipvs0: <UP>\n    inet 10.96.0.300/32", "Line 2 has no address", "'inet 10.96.0.300/32'")]
    [InlineData("3: kube-ipvs0: <UP>\n    inet 10.96.0.3/33", "Line 2 has no address")]
    [InlineData("3: kube-ipvs0: <UP>\n    inet", "Line 2 has no address")]
    public void Text_that_is_none_is_told(string text, params string[] said)
    {
        FormatException exception = Assert.Throws<FormatException>(() => BoundAddress.Parse(text));
        Assert.All([.. said, "Expected"], part => Assert.Contains(part, exception.Message, StringComparison.Ordinal));
    }

    [Fact]
    public void Each_address_is_put_beside_the_servers_that_answer_for_it()
    {
        ImmutableArray<ServiceAddress> rows = ServiceAddressAnalysis.Of(BoundAddress.Parse(Addresses), IpvsadmText.Parse(RealOutput.Listed), "node-1");
        Assert.Equal(
            [
                ("10.96.0.100", "kube-ipvs0", ServiceAddressState.Ok, 9), ("10.96.0.10", "kube-ipvs0", ServiceAddressState.Ok, 2), ("fd00:96::100", "kube-ipvs0", ServiceAddressState.Ok, 2),
                ("0.0.0.0", null, ServiceAddressState.NotBound, 1), ("10.96.0.101", null, ServiceAddressState.NotBound, 1), ("127.0.0.1", "lo", ServiceAddressState.Ok, 1),
                ("fd00:1234:5678:9abc:def0:1111:2222:4444", null, ServiceAddressState.NotBound, 1),
            ],
            rows.Select(row => (row.Address, row.Device, row.State, row.VirtualServers.Length)));
        Assert.Equal(["TCP 10.96.0.10:53", "UDP 10.96.0.10:53"], rows[1].VirtualServers.AsEnumerable());
        Assert.All(rows, row => Assert.Equal("node-1", row.NodeName));
        Assert.DoesNotContain(rows, row => row.VirtualServers.Any(server => server.StartsWith("FWM", StringComparison.Ordinal)));
    }

    [Fact]
    public void An_address_that_nobody_answers_for_is_flagged_and_those_of_node_ports_are_not()
    {
        BoundAddress[] bound =
        [
            new("lo", IPAddress.Loopback, 8), new("eth0", IPAddress.Parse("192.168.1.1"), 24), new("eth0", IPAddress.Parse("fd00::c0a8:101"), 64), new("kube-ipvs0", IPAddress.Parse("10.96.0.1"), 32),
            new("kube-ipvs0", IPAddress.Parse("10.96.0.2"), 32), new("kube-ipvs0", IPAddress.Parse("10.96.0.2"), 32), new("kube-ipvs0", IPAddress.Parse("fe80::1"), 64),
        ];
        ImmutableArray<VirtualServer> servers = IpvsadmText.Parse("""
            TCP  10.96.0.1:443 rr
            TCP  192.168.1.1:30001 rr
            TCP  192.168.1.2:30001 rr
            TCP  127.0.0.9:80 rr
            TCP  [fd00:0::c0a8:0101]:30001 rr
            """);
        Assert.Equal(
            [
                ("10.96.0.1", "kube-ipvs0", ServiceAddressState.Ok), ("10.96.0.2", "kube-ipvs0", ServiceAddressState.NoVirtualServer), ("192.168.1.1", "eth0", ServiceAddressState.Ok),
                ("192.168.1.2", null, ServiceAddressState.NotBound), ("127.0.0.9", "lo", ServiceAddressState.Ok), ("fd00::c0a8:101", "eth0", ServiceAddressState.Ok),
            ],
            ServiceAddressAnalysis.Of(bound, servers).Select(row => (row.Address, row.Device, row.State)));
        Assert.All(ServiceAddressAnalysis.Of(bound, []), row => Assert.Equal(ServiceAddressState.NoVirtualServer, row.State));
        Assert.Equal(2, ServiceAddressAnalysis.Of(bound, []).Length);
        Assert.Empty(ServiceAddressAnalysis.Of([bound[0]], []));
    }

    [Fact]
    public void What_cannot_be_told_is_refused()
    {
        ImmutableArray<BoundAddress> all = BoundAddress.Parse(Addresses);
        PlanException names = Assert.Throws<PlanException>(() => ServiceAddressAnalysis.Of(all, IpvsadmText.Parse("TCP  www.example.com:http rr")));
        Assert.Contains("ipvsadm -ln", names.Remedy, StringComparison.Ordinal);
        PlanException device = Assert.Throws<PlanException>(() => ServiceAddressAnalysis.Of([.. all.Where(one => one.Device == "kube-ipvs0")], IpvsadmText.Parse(RealOutput.Listed)));
        Assert.Contains("'ip addr'", device.Remedy, StringComparison.Ordinal);
    }
}
