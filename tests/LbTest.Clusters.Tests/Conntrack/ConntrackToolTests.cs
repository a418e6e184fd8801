using System.Collections.Immutable;
using System.Net;
using LbTest.Clusters.Conntrack;
using LbTest.Engine;

namespace LbTest.Clusters.Tests.Conntrack;

/// <summary>What conntrack prints, and what it is told.</summary>
public sealed class ConntrackToolTests
{
    [Fact]
    public void Lines_of_every_kind_are_read()
    {
        ImmutableArray<ConntrackEntry> entries = ConntrackTool.Read("""
            tcp      6 431999 ESTABLISHED src=172.30.0.1 dst=10.96.0.10 sport=40000 dport=5001 src=10.244.1.5 dst=172.30.0.11 sport=8080 dport=61000 [ASSURED] mark=0 use=1
            tcp      6 119 SYN_SENT src=10.244.1.7 dst=10.96.0.1 sport=40001 dport=443 [UNREPLIED] src=10.0.0.9 dst=10.244.1.7 sport=6443 dport=40001 mark=0 use=1
            udp      17 29 src=fd00::7 dst=fd00::a sport=5000 dport=53 src=fd00::b dst=fd00::7 sport=53 dport=5000 mark=0 use=1
            ipv4     2 icmp     1 29 src=10.0.0.1 dst=10.0.0.2 type=8 code=0 id=7 src=10.0.0.2 dst=10.0.0.1 type=0 code=0 id=7 mark=0 use=1
            conntrack v1.4.7 (conntrack-tools): 4 flow entries have been shown.
            """, "node-1");

        Assert.Equal(["tcp", "tcp", "udp", "icmp"], entries.Select(entry => entry.Protocol));
        Assert.Equal(["ESTABLISHED", "SYN_SENT", null, null], entries.Select(entry => entry.State));
        Assert.Equal([true, false, true, true], entries.Select(entry => entry.Replied));
        Assert.Equal([true, false, false, false], entries.Select(entry => entry.Assured));
        ConntrackEntry first = entries[0];
        Assert.Equal(("node-1", IPAddress.Parse("10.96.0.10"), 5001, IPAddress.Parse("10.244.1.5"), 8080, IPAddress.Parse("172.30.0.11")),
            (first.NodeName, first.Destination, first.DestinationPort, first.Endpoint, first.EndpointPort, first.ReplyDestination));
        Assert.Equal(TimeSpan.FromSeconds(431_999), first.Remaining);
        Assert.Equal(IPAddress.Parse("fd00::b"), entries[2].Endpoint);
    }

    [Fact]
    public void What_is_no_line_of_its_is_an_error() => Assert.Contains("no line of conntrack's", Assert.Throws<FormatException>(() => ConntrackTool.Read("tcp src=x", null)).Message, StringComparison.Ordinal);

    [Fact]
    public void The_filter_becomes_its_options_in_each_family_that_it_is_about()
    {
        Assert.Equal(["-L -f ipv4", "-L -f ipv6"], ConntrackTool.List(new ConntrackFilter()).Select(one => string.Join(' ', one)));
        var filter = new ConntrackFilter { Protocol = "udp", Source = IPAddress.Parse("10.0.0.1"), Destination = IPAddress.Parse("10.96.0.10"), DestinationPort = 53, Endpoint = IPAddress.Parse("10.244.1.5") };
        Assert.Equal("-D -f ipv4 -p udp -s 10.0.0.1 -d 10.96.0.10 --dport 53 -r 10.244.1.5", string.Join(' ', Assert.Single(ConntrackTool.Delete(filter))));
        Assert.Equal("ipv6", Assert.Single(ConntrackTool.List(new ConntrackFilter { Endpoint = IPAddress.IPv6Loopback }))[2]);
        Assert.Contains("another address family", Assert.Throws<PlanException>(() => ConntrackTool.List(new ConntrackFilter { Source = IPAddress.Loopback, Endpoint = IPAddress.IPv6Loopback }).ToArray()).Message, StringComparison.Ordinal);
        Assert.Contains("needs a protocol", Assert.Throws<PlanException>(() => ConntrackTool.List(new ConntrackFilter { DestinationPort = 80 }).ToArray()).Message, StringComparison.Ordinal);
    }
}
