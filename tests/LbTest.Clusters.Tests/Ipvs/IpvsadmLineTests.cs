using LbTest.Clusters.Ipvs;

namespace LbTest.Clusters.Tests.Ipvs;

/// <summary>Single lines: numbers that were cut down, names that were cut off, rules by hand, and lines that are none.</summary>
public class IpvsadmLineTests
{
    [Theory]
    [InlineData("0", 0)]
    [InlineData("99999999", 99_999_999)]
    [InlineData("123456K", 123_456_000)]
    [InlineData("99999M", 99_999_000_000)]
    [InlineData("99999G", 99_999_000_000_000)]
    [InlineData("8796T", 8_796_000_000_000_000)]
    [InlineData("9223372036854775807", long.MaxValue)]
    public void Counters_may_have_been_cut_down_to_a_thousand_times_a_thousand(string text, long value)
    {
        VirtualServer server = Assert.Single(IpvsadmText.Parse($"TCP  10.96.0.10:53 1 2 3 4 {text}\n  -> 11.0.0.1:53 5 {text} 7 8 9"));
        Assert.Equal(new IpvsCounters(1, 2, 3, 4, value), server.Counters);
        Assert.Equal(new IpvsCounters(5, value, 7, 8, 9), server.RealServers[0].Counters);
    }

    [Theory]
    // 28 characters: the port, or a part of it, may be missing.
    [InlineData("TCP  balancer.eu.example.com:http rr", "balancer.eu.example.com", null, "http")]
    [InlineData("TCP  balancer-1.eu.example.com:80 rr", "balancer-1.eu.example.com", null, "80")]
    [InlineData("TCP  balancer-123.eu.example.com: rr", "balancer-123.eu.example.com", null, null)]
    [InlineData("TCP  balancer-1234.eu.example.com rr", "balancer-1234.eu.example.com", null, null)]
    [InlineData("TCP  balancer-1.example.com:8080 rr", "balancer-1.example.com", 8080, null)]
    public void What_was_cut_off_is_not_made_up(string line, string address, int? port, string? portName)
    {
        VirtualServer server = Assert.Single(IpvsadmText.Parse(line));
        Assert.Equal((address, port, portName), (server.Address, server.Port, server.PortName));
    }

    [Fact]
    public void Rules_may_have_long_names_and_leave_out_what_is_usual()
    {
        VirtualServer[] servers =
        [
            .. IpvsadmText.Parse("""
                # by hand
                --add-service --tcp-service 10.96.0.10:53
                --add-server --tcp-service 10.96.0.10:53 --real-server 11.0.0.1
                -A -u www.example.com -p -b sh-port -s sh --ops
                -a -u www.example.com -r 11.0.0.2:7 --masquerading -x 9 -y 5 --weight 0
                -A -f 8 -s rr -6 -p 10800 -M 128
                -a -f 8 -r [fd00::4] -m -6
                -A -f 8 -s rr -M 255.255.255.255
                -a -f 8 -r 11.0.0.3:0 -i --tun-type gre --tun-csum
                """),
        ];
        Assert.Equal(["wlc", "sh", "rr", "rr"], servers.Select(s => s.Scheduler));
        Assert.Equal([53, 0, null, null], servers.Select(s => s.Port));
        Assert.Equal([null, TimeSpan.FromSeconds(300), TimeSpan.FromHours(3), null], servers.Select(s => s.PersistenceTimeout));
        Assert.Equal(["sh-port", "ops"], servers[1].Flags.AsEnumerable());
        Assert.All(servers, s => Assert.Null(s.PersistenceMask));
        Assert.Equal([false, false, true, false], servers.Select(s => s.IPv6));
        Assert.Equal(
            [
                new RealServer { Address = "11.0.0.1", Port = 53, Forward = "Route", Weight = 1 },
                new RealServer { Address = "11.0.0.2", Port = 7, Forward = "Masq", Weight = 0, UpperThreshold = 9, LowerThreshold = 5 },
                new RealServer { Address = "fd00::4", Port = 0, Forward = "Masq", Weight = 1 },
                new RealServer { Address = "11.0.0.3", Port = 0, Forward = "Tunnel", Weight = 1, Tunnel = "gre:+c" },
            ],
            servers.Select(s => Assert.Single(s.RealServers)));
    }

    [Theory]
    [InlineData("  -> 11.0.0.1:53 Masq 1 0 0", "no virtual server stands above")]
    [InlineData("TCP  10.96.0.10:53", "ends too early", "a scheduler")]
    [InlineData("TCP  10.96.0.10:53 rr rr", "goes on with 'rr'")]
    [InlineData("TCP  10.96.0.10:53 1 2 3 4", "'1'", "a scheduler")]
    [InlineData("TCP  10.96.0.10:53 1 2 3 4 -5", "'-5'", "a counter")]
    [InlineData("TCP  10.96.0.10:53 1 2 3 4 9999999999T", "9999999999T", "a counter")]
    [InlineData("TCP  10.96.0.10 rr", "'10.96.0.10'", "a port")]
    [InlineData("TCP  10.96.0.10:65536 rr", "a port from 0 to 65535")]
    [InlineData("TCP  10.96.0:53 rr", "10.96.0:53", "an address")]
    [InlineData("TCP  10.96.0.256:53 rr", "an address")]
    [InlineData("TCP  fd00::1:53 rr", "in brackets")]
    [InlineData("TCP  [fd00::1::2]:53 rr", "an IPv6 address")]
    [InlineData("TCP  [fd00::1]53 rr", "in brackets")]
    [InlineData("TCP  [fd00::1 rr", "an address")]
    [InlineData("TCP  :53 rr", "an address")]
    [InlineData("TCP  a<b>:53 rr", "an address")]
    [InlineData("TCP  10.96.0.10:53 rr persistent soon", "'soon'", "seconds")]
    [InlineData("TCP  10.96.0.10:53 rr persistent 5 mask 255.255.255", "a netmask")]
    [InlineData("TCP  10.96.0.10:53 rr whatever", "goes on with 'whatever'")]
    [InlineData("ICMP 10.96.0.10:53 rr", "none of ipvsadm's", "TCP  10.96.0.10:53 rr")]
    [InlineData("FWM  0 rr", "a firewall mark")]
    [InlineData("FWM  4294967296 rr", "a firewall mark")]
    [InlineData("-A -t 10.96.0.10:53 -s", "ends too early", "a scheduler")]
    [InlineData("-A -t 10.96.0.10:53 -q 5", "'-q'", "an option of a virtual server")]
    [InlineData("-A -s rr", "'-s'", "a service")]
    [InlineData("-a -t 10.96.0.10:53 -r 11.0.0.1:53 -m", "no line above adds")]
    [InlineData("-D -t 10.96.0.10:53", "none of ipvsadm's")]
    [InlineData("IPVS connection entries", "list of connections")]
    [InlineData("Timeout (tcp tcpfin udp): 900 120 300", "none of ipvsadm's")]
    [InlineData("Prot LocalAddress:Port Weight", "other columns")]
    [InlineData("  -> RemoteAddress:Port Whatever", "other columns")]
    [InlineData("==> <==", "names no node")]
    // The kernel's file says all in hexadecimal digits, which could be taken for names.
    [InlineData("TCP  0A600064:1389 rr", "/proc/net/ip_vs", "'ipvsadm -ln'")]
    [InlineData("UDP  [fd00:0096:0000:0000:0000:0000:0000:0100]:138A rr", "/proc/net/ip_vs")]
    [InlineData("FWM  00000007 wlc", "/proc/net/ip_vs")]
    [InlineData("  -> RemoteAddress:Port Forward Weight ActiveConn InActConn", "/proc/net/ip_vs")]
    public void A_line_that_is_none_is_named(string line, params string[] said)
    {
        foreach (string ends in (string[])["\n", "\r\n"])
        {
            FormatException exception = Assert.Throws<FormatException>(() => IpvsadmText.Parse($"TCP  10.96.0.1:443 rr{ends}# the second line{ends}==> node <=={ends}{line}{ends}TCP  10.96.0.1:443 rr"));
            Assert.Contains("Line 4 ", exception.Message, StringComparison.Ordinal);
            Assert.Contains(line.Trim(), exception.Message, StringComparison.Ordinal);
            Assert.Contains("Expected ", exception.Message, StringComparison.Ordinal);
            Assert.All(said, part => Assert.Contains(part, exception.Message, StringComparison.Ordinal));
        }
    }

    [Theory]
    [InlineData("-> 11.0.0.1:53 Masq 1 0", "ends too early", "inactive")]
    [InlineData("-> 11.0.0.1:53 Masq 1 0 0 0 0", "goes on with")]
    [InlineData("-> 11.0.0.1:53 Masq -1 0 0", "a weight")]
    [InlineData("-> 11.0.0.1:53 Masq 2147483648 0 0", "a weight")]
    [InlineData("-> 11.0.0.1:53 Elsewhere 1 0 0", "'Masq', 'Route', 'Tunnel' or 'Local'")]
    [InlineData("-> 11.0.0.1:53 100 50 0 0", "nothing tells what they are")]
    [InlineData("->", "ends too early", "an address")]
    public void So_is_a_real_server_that_is_none(string line, params string[] said)
    {
        FormatException exception = Assert.Throws<FormatException>(() => IpvsadmText.Parse($"TCP  10.96.0.1:443 rr\n{line}"));
        Assert.StartsWith("Line 2 ", exception.Message, StringComparison.Ordinal);
        Assert.All(said, part => Assert.Contains(part, exception.Message, StringComparison.Ordinal));
    }

    [Fact]
    public void Columns_hold_until_the_next_title()
    {
        string rated = string.Join('\n', RealOutput.Rated.Split('\n').Take(3));
        Assert.Throws<FormatException>(() => IpvsadmText.Parse($"{rated}\nTCP  10.96.0.1:443 rr"));
        Assert.NotNull(IpvsadmText.Parse($"{rated}\nTCP  10.96.0.1:443 1 2 3 4 5")[0].Rates);
        Assert.Equal("rr", IpvsadmText.Parse($"{rated}\nIP Virtual Server version 1.2.1 (size=4096)\nTCP  10.96.0.1:443 rr")[0].Scheduler);
    }

    [Fact]
    public void A_message_shows_no_control_characters_and_no_more_of_a_line_than_one_can_read()
    {
        FormatException exception = Assert.Throws<FormatException>(() => IpvsadmText.Parse($"\u001b[2Jwhat\u0007{new string('x', 1_000_000)}"));
        Assert.DoesNotContain(exception.Message, char.IsControl);
        Assert.True(exception.Message.Length < 600);
        Assert.Contains("?[2Jwhat?", exception.Message, StringComparison.Ordinal);
    }

    // Twenty times the text takes about twenty times the steps: not a timing, a text that would take hours if it were not so.
    [Fact]
    public void A_very_large_text_is_read()
    {
        const int services = 200_000;
        IEnumerable<string> listed = Enumerable.Range(0, services).SelectMany(i => (string[])[$"TCP  10.{i >> 16}.{(i >> 8) & 255}.{i & 255}:53 rr", "  -> 11.0.0.1:53 Masq 1 0 0"]);
        IEnumerable<string> ruled = Enumerable.Range(0, services).Select(i => $"-A -u 10.{i >> 16}.{(i >> 8) & 255}.{i & 255}:53 -s rr")
            .Concat(Enumerable.Range(0, services).Select(i => $"-a -u 10.{i >> 16}.{(i >> 8) & 255}.{i & 255}:53 -r 11.0.0.1:53 -m"));
        Assert.Equal(services, IpvsadmText.Parse(string.Join('\n', listed)).Sum(s => s.RealServers.Length));
        Assert.Equal(services, IpvsadmText.Parse(ruled).Sum(s => s.RealServers.Length));
        Assert.Throws<FormatException>(() => IpvsadmText.Parse(string.Concat(Enumerable.Repeat("( ", 5_000_000))));
    }
}
