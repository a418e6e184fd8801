using System.Collections.Immutable;
using LbTest.Clusters.Ipvs;

namespace LbTest.Clusters.Tests.Ipvs;

/// <summary>Each form of ipvsadm's output says the same of the same kernel.</summary>
public class IpvsadmTextTests
{
    private static readonly ImmutableArray<VirtualServer> Listed = IpvsadmText.Parse(RealOutput.Listed);

    [Fact]
    public void A_list_is_read_in_full()
    {
        Assert.Equal(20, Listed.Length);
        Assert.Equal(14, Listed.Sum(s => s.RealServers.Length));
        AssertSame(
            new VirtualServer
            {
                Protocol = "TCP",
                Address = "10.96.0.100",
                Port = 5001,
                Scheduler = "rr",
                RealServers =
                [
                    new RealServer { Address = "11.0.1.2", Port = 5001, Forward = "Masq", Weight = 0, ActiveConnections = 0, InactiveConnections = 0 },
                    new RealServer { Address = "11.0.1.3", Port = 5001, Forward = "Masq", Weight = 0, ActiveConnections = 0, InactiveConnections = 0 },
                    new RealServer { Address = "127.0.0.1", Port = 5001, Forward = "Masq", Weight = 1, ActiveConnections = 1, InactiveConnections = 1 },
                ],
            },
            Listed[9]);
        AssertSame(
            new VirtualServer
            {
                Protocol = "UDP",
                Address = "10.96.0.10",
                Port = 53,
                Scheduler = "wrr",
                Flags = ["ops"],
                PersistenceTimeout = TimeSpan.FromSeconds(300),
                PersistenceMask = "255.255.255.0",
                RealServers =
                [
                    new RealServer { Address = "11.0.2.2", Port = 53, Forward = "Tunnel", Weight = 1, ActiveConnections = 0, InactiveConnections = 0 },
                    new RealServer { Address = "11.0.2.3", Port = 53, Forward = "Route", Weight = 100, ActiveConnections = 0, InactiveConnections = 0 },
                ],
            },
            Listed[12]);
        Assert.Equal(("TCP", "fd00:96::100", 5001, true, "64"), Listed[15] is var v6 ? (v6.Protocol, v6.Address, v6.Port, v6.IPv6, v6.PersistenceMask) : default);
        Assert.Equal(["fd00::2", "fd00:1234:5678:9abc:def0:1111:2222:3333"], Listed[15].RealServers.Select(s => s.Address));
        Assert.Equal(("UDP", "fd00:1234:5678:9abc:def0:1111:2222:4444", 65535, "nq"), (Listed[17].Protocol, Listed[17].Address, Listed[17].Port, Listed[17].Scheduler));
        Assert.Equal(("SCTP", "lc"), (Listed[14].Protocol, Listed[14].Scheduler));
        Assert.Equal("sip", Listed[13].PersistenceEngine);
        // An IPv6 real server of an IPv4 service, behind a tunnel.
        Assert.Equal("fd00::4", Assert.Single(Listed[10].RealServers).Address);
    }

    [Fact]
    public void Marks_have_no_address_and_no_sign()
    {
        Assert.Equal([4294967295, 7, 8], Listed.Where(s => s.Protocol == "FWM").Select(s => s.FirewallMark));
        Assert.Equal([false, false, true], Listed.Where(s => s.Protocol == "FWM").Select(s => s.IPv6));
        Assert.All(Listed.Where(s => s.Protocol == "FWM"), s => Assert.Equal(("", null), (s.Address, s.Port)));
        Assert.Equal(["lblc", "wlc", "sed"], Listed.Where(s => s.Protocol == "FWM").Select(s => s.Scheduler));
    }

    [Fact]
    public void Flags_stand_as_they_were_printed()
    {
        Assert.Equal(["sh-fallback,sh-port", "mh-port", "mh-fallback", "flag-1,flag-2,flag-3", "ops"], Listed.Where(s => !s.Flags.IsEmpty).Select(s => string.Join(',', s.Flags)));
    }

    [Fact]
    public void Names_stand_for_numbers()
    {
        ImmutableArray<VirtualServer> named = IpvsadmText.Parse(RealOutput.Named);
        VirtualServer web = named.Single(s => s.Address == "localhost");
        Assert.Equal((null, "http"), (web.Port, web.PortName));
        Assert.Equal(("localhost", null, "ssh"), (web.RealServers[0].Address, web.RealServers[0].Port, web.RealServers[0].PortName));
        Assert.Equal(("10.96.0.10", null, "domain"), (named[2].Address, named[2].Port, named[2].PortName));
        Assert.Equal((5001, null), (named[9].Port, named[9].PortName));
        Assert.Equal(("fd00::4", "http"), (named[10].RealServers[0].Address, named[10].RealServers[0].PortName));
        Assert.Equal(Listed.Select(s => (s.Protocol, s.Scheduler, s.RealServers.Length)), named.Select(s => (s.Protocol, s.Scheduler, s.RealServers.Length)));
    }

    [Fact]
    public void Counters_are_read_and_what_the_text_does_not_say_is_not_made_up()
    {
        ImmutableArray<VirtualServer> counted = IpvsadmText.Parse(RealOutput.Counted);
        Assert.Equal(Listed.Select(Place), counted.Select(Place));
        Assert.Equal(new IpvsCounters(2, 7, 4, 5380, 224), counted[9].Counters);
        Assert.Equal([new IpvsCounters(0, 0, 0, 0, 0), new IpvsCounters(0, 0, 0, 0, 0), new IpvsCounters(2, 7, 4, 5380, 224)], counted[9].RealServers.Select(s => s.Counters));
        Assert.All(counted, s => Assert.Equal("", s.Scheduler));
        Assert.All(counted.SelectMany(s => s.RealServers), s => Assert.Equal(("", null, null, null), (s.Forward, s.Weight, s.ActiveConnections, s.InactiveConnections)));
        Assert.All(Listed, s => Assert.Null(s.Counters));
    }

    [Fact]
    public void Rates_are_not_counters()
    {
        ImmutableArray<VirtualServer> rated = IpvsadmText.Parse(RealOutput.Rated);
        Assert.Equal(Listed.Select(Place), rated.Select(Place));
        Assert.Equal(new IpvsRates(0, 1, 0, 672, 28), rated[9].Rates);
        Assert.Equal(new IpvsRates(0, 1, 0, 672, 28), rated[9].RealServers[2].Rates);
        Assert.All(rated, s => Assert.Null(s.Counters));
        Assert.All(rated.SelectMany(s => s.RealServers), s => Assert.Null(s.Counters));
    }

    [Fact]
    public void Thresholds_and_persistence_entries_and_tunnels_have_columns_of_their_own()
    {
        RealServer web = IpvsadmText.Parse(RealOutput.Thresholds).Single(s => s.Scheduler == "sh").RealServers[0];
        Assert.Equal((100, 50, 0, 0, null), (web.UpperThreshold, web.LowerThreshold, web.ActiveConnections, web.InactiveConnections, web.Weight));
        RealServer dns = IpvsadmText.Parse(RealOutput.Persistent)[12].RealServers[1];
        Assert.Equal((100, 0, 0, 0, ""), (dns.Weight, dns.PersistentConnections, dns.ActiveConnections, dns.InactiveConnections, dns.Forward));
        ImmutableArray<VirtualServer> tunnels = IpvsadmText.Parse(RealOutput.Tunnels);
        Assert.Equal(["gue:6078:-c", "ipip", "ipip"], tunnels.SelectMany(s => s.RealServers).Where(s => s.Tunnel is not null).Select(s => s.Tunnel));
        Assert.Equal(Listed.Select(Place), tunnels.Select(Place));
        Assert.Equal(Listed.SelectMany(s => s.RealServers), tunnels.SelectMany(s => s.RealServers).Select(s => s with { Tunnel = null }));
    }

    [Theory]
    [InlineData(RealOutput.Ruled, RealOutput.Listed)]
    [InlineData(RealOutput.RuledByName, RealOutput.Named)]
    public void Rules_say_what_a_list_says(string rules, string list)
    {
        VirtualServer[] fromList = [.. IpvsadmText.Parse(list)], fromRules = [.. IpvsadmText.Parse(rules)];
        Assert.Equal(fromList.Length, fromRules.Length);
        for (int i = 0; i < fromList.Length; i++)
        {
            Assert.Equal(fromList[i].Flags.AsEnumerable(), fromRules[i].Flags);
            Assert.Equal(Shape(fromList[i]), Shape(fromRules[i]));
            Assert.Equal(
                fromList[i].RealServers.Select(s => s with { ActiveConnections = null, InactiveConnections = null }),
                fromRules[i].RealServers.Select(s => s with { Tunnel = null }));
        }

        static VirtualServer Shape(VirtualServer server) => server with { Flags = [], RealServers = [] };
    }

    [Fact]
    public void Several_outputs_follow_each_other()
    {
        string all = string.Join('\n', RealOutput.Listed, RealOutput.Counted, "", RealOutput.Ruled, RealOutput.Rated, RealOutput.Thresholds, RealOutput.Ruled, RealOutput.Listed);
        ImmutableArray<VirtualServer> servers = IpvsadmText.Parse(all);
        Assert.Equal(7 * 20, servers.Length);
        Assert.Equal(7 * 14, servers.Sum(s => s.RealServers.Length));
        Assert.All(servers.Chunk(20), one => Assert.Equal(Listed.Select(Place), one.Select(Place)));
        Assert.Equal([0, 20, 0, 0, 0, 0, 0], servers.Chunk(20).Select(one => one.Count(s => s.Counters is not null)));
    }

    [Fact]
    public void Line_ends_trailing_blanks_indentation_and_a_mark_of_byte_order_do_not_matter()
    {
        foreach (string text in (string[])[RealOutput.Listed, RealOutput.Counted, RealOutput.Ruled, RealOutput.Persistent])
        {
            string same = "\uFEFF" + string.Concat(text.Split('\n').Select(line => $"  {line}\t  \r\n"));
            AssertSame(IpvsadmText.Parse(text), IpvsadmText.Parse(same));
            AssertSame(IpvsadmText.Parse(text), IpvsadmText.Parse(text.Split('\n')));
            AssertSame(IpvsadmText.Parse(text), IpvsadmText.Parse(same.Split('\n')));
        }
    }

    [Theory]
    [InlineData(RealOutput.Listed)]
    [InlineData(RealOutput.Named)]
    [InlineData(RealOutput.Counted)]
    [InlineData(RealOutput.Tunnels)]
    public void Titles_may_be_missing(string text) =>
        AssertSame(IpvsadmText.Parse(text), IpvsadmText.Parse(string.Join('\n', text.Split('\n').Skip(3))));

    [Fact]
    public void A_line_as_head_writes_it_names_the_node()
    {
        ImmutableArray<VirtualServer> servers = IpvsadmText.Parse($"==> node1 <==\n{RealOutput.Listed}\n\n==> node2 <==\n{RealOutput.Ruled}", "node0");
        Assert.Equal([.. Enumerable.Repeat("node1", 20), .. Enumerable.Repeat("node2", 20)], servers.Select(s => s.NodeName));
        Assert.All(IpvsadmText.Parse(RealOutput.Listed, "node0"), s => Assert.Equal("node0", s.NodeName));
        Assert.All(Listed, s => Assert.Null(s.NodeName));
    }

    [Fact]
    public void Nothing_comes_of_nothing()
    {
        Assert.Empty(IpvsadmText.Parse(""));
        Assert.Empty(IpvsadmText.Parse(Array.Empty<string>()));
        Assert.Empty(IpvsadmText.Parse("\n\r\n  \n# ipvsadm -ln\n"));
        Assert.Empty(IpvsadmText.Parse(string.Join('\n', RealOutput.Listed.Split('\n').Take(3))));
    }

    private static (string, string, int?, long?, string) Place(VirtualServer server) =>
        (server.Protocol, server.Address, server.Port, server.FirewallMark, string.Join(' ', server.RealServers.Select(s => $"{s.Address}:{s.Port}")));

    // Arrays in records are compared by what they are, not by what they hold.
    private static void AssertSame(VirtualServer expected, VirtualServer actual)
    {
        Assert.Equal(expected.Flags.AsEnumerable(), actual.Flags);
        Assert.Equal(expected.RealServers.AsEnumerable(), actual.RealServers);
        Assert.Equal(expected with { Flags = [], RealServers = [] }, actual with { Flags = [], RealServers = [] });
    }

    private static void AssertSame(ImmutableArray<VirtualServer> expected, ImmutableArray<VirtualServer> actual)
    {
        Assert.NotEmpty(expected);
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++) AssertSame(expected[i], actual[i]);
    }
}
