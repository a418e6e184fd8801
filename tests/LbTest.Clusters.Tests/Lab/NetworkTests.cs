using System.Text.Json;
using LbTest.Clusters.Lab;

namespace LbTest.Clusters.Tests.Lab;

/// <summary>A lab's network, as the kernel shows it: of the tester, the router, a node and an endpoint, in both families.</summary>
public class NetworkTests
{
    [SkippableFact]
    public async Task A_labs_network_is_what_it_is_meant_to_be()
    {
        using LabCluster lab = await LabFixture.StartAsync(LabFixture.Spec(nodes: 2, endpoints: 3) with { Ecmp = true });

        var tester = new Place(lab, "tester");
        Assert.Equal(["eth0 0a:58:c0:a8:00:02 veth UP", "lo loopback UP"], tester.Links);
        Assert.Equal([.. Loopback, "eth0 192.168.0.2/32", "eth0 fd00::c0a8:2/128"], tester.Addresses);
        Assert.Equal(["eth0 192.168.0.1 0a:58:c0:a8:00:01", "eth0 fd00::c0a8:1 0a:58:c0:a8:00:01"], tester.Neighbours);
        Assert.Equal(
            [
                "local 20.0.0.0/16 dev lo host table local", "local fd00::1400:0/112 dev lo global table local",
                "unicast default via 192.168.0.1 dev eth0 onlink global table main", "unicast default via fd00::c0a8:1 dev eth0 onlink global table main",
            ],
            tester.Routes);

        var endpoint = new Place(lab, "tserver-003");
        Assert.Equal(["eth0 0a:58:0b:00:02:02 veth UP", "lo loopback UP"], endpoint.Links);
        Assert.Equal([.. Loopback, "eth0 11.0.2.2/32", "eth0 fd00::b00:202/128"], endpoint.Addresses);
        Assert.Equal(["eth0 11.0.2.1 0a:58:0b:00:02:01", "eth0 fd00::b00:201 0a:58:0b:00:02:01"], endpoint.Neighbours);
        Assert.Equal(["unicast default via 11.0.2.1 dev eth0 onlink global table main", "unicast default via fd00::b00:201 dev eth0 onlink global table main"], endpoint.Routes);

        var node = new Place(lab, "node-1");
        Assert.Equal(["eth0 0a:58:c0:a8:01:01 veth UP", "lo loopback UP", "pod1 0a:58:0b:00:01:01 veth UP", "pod2 0a:58:0b:00:01:01 veth UP"], node.Links);
        Assert.Equal(
            [.. Loopback, "eth0 192.168.1.1/32", "eth0 fd00::c0a8:101/128", "pod1 11.0.1.1/32", "pod1 fd00::b00:101/128", "pod2 11.0.1.1/32", "pod2 fd00::b00:101/128"], node.Addresses);
        Assert.Equal(
            [
                "eth0 192.168.0.1 0a:58:c0:a8:00:01", "eth0 fd00::c0a8:1 0a:58:c0:a8:00:01", "pod1 11.0.1.2 0a:58:0b:00:01:02", "pod1 fd00::b00:102 0a:58:0b:00:01:02",
                "pod2 11.0.1.3 0a:58:0b:00:01:03", "pod2 fd00::b00:103 0a:58:0b:00:01:03",
            ],
            node.Neighbours);
        Assert.Equal(
            [
                "unicast 11.0.1.2 dev pod1 link table main", "unicast 11.0.1.3 dev pod2 link table main",
                "unicast default via 192.168.0.1 dev eth0 onlink global table main", "unicast default via fd00::c0a8:1 dev eth0 onlink global table main",
                "unicast fd00::b00:102 dev pod1 global table main", "unicast fd00::b00:103 dev pod2 global table main",
            ],
            node.Routes);
    }

    [SkippableTheory]
    [InlineData(false), InlineData(true)]
    public async Task The_router_leads_services_to_all_nodes(bool resilient)
    {
        using LabCluster lab = await LabFixture.StartAsync(LabFixture.Spec(nodes: 2, endpoints: 3) with { Ecmp = true, EcmpResilient = resilient });

        var router = new Place(lab, "router");
        Assert.Equal(["lo loopback UP", "node-1 0a:58:c0:a8:00:01 veth UP", "node-2 0a:58:c0:a8:00:01 veth UP", "tester 0a:58:c0:a8:00:01 veth UP"], router.Links);
        Assert.Equal(
            [
                "unicast 10.0.0.1 nhid 1000 global table 100", "unicast 10.96.0.0/16 nhid 1000 global table 100",
                "unicast 11.0.1.0/24 via 192.168.1.1 dev node-1 onlink global table main", "unicast 11.0.2.0/24 via 192.168.1.2 dev node-2 onlink global table main",
                "unicast 192.168.0.2 dev tester link table main", "unicast 192.168.1.1 dev node-1 link table main", "unicast 192.168.1.2 dev node-2 link table main",
                "unicast 20.0.0.0/16 via 192.168.0.2 dev tester onlink global table main",
                "unicast fd00::1400:0/112 via fd00::c0a8:2 dev tester onlink global table main",
                "unicast fd00::a00:1 nhid 2000 global table 100", "unicast fd00::a60:0/112 nhid 2000 global table 100",
                "unicast fd00::b00:100/120 via fd00::c0a8:101 dev node-1 onlink global table main", "unicast fd00::b00:200/120 via fd00::c0a8:102 dev node-2 onlink global table main",
                "unicast fd00::c0a8:101 dev node-1 global table main", "unicast fd00::c0a8:102 dev node-2 global table main", "unicast fd00::c0a8:2 dev tester global table main",
                "unreachable 10.0.0.1 global table main", "unreachable 10.96.0.0/16 global table main",
                "unreachable fd00::a00:1 global table main", "unreachable fd00::a60:0/112 global table main",
            ],
            router.Routes);
        foreach (string family in new[] { "-4", "-6" }) Assert.Contains("from all iif tester lookup 100", lab.Inside("router", $"ip {family} rule"), StringComparison.Ordinal);

        string kind = resilient ? " type resilient buckets 128 idle_timer 10" : "";
        string hops = lab.Inside("router", "ip nexthop");
        foreach (string hop in new[]
        {
            "id 1001 via 192.168.1.1 dev node-1 scope link onlink", "id 1002 via 192.168.1.2 dev node-2 scope link onlink", $"id 1000 group 1001/1002{kind}",
            "id 2001 via fd00::c0a8:101 dev node-1 scope link onlink", "id 2002 via fd00::c0a8:102 dev node-2 scope link onlink", $"id 2000 group 2001/2002{kind}",
        }) Assert.Contains(hop, hops, StringComparison.Ordinal);
    }

    private static readonly string[] Loopback = ["lo 127.0.0.1/8", "lo ::1/128"];

    // What ip(8) says of a place, a line for each, in order.
    private sealed class Place(LabCluster lab, string name)
    {
        internal string[] Links => Lines("-d link", link => Is(link, "link_type", "loopback")
            ? $"{Text(link, "ifname")} loopback {State(link)}"
            : $"{Text(link, "ifname")} {Text(link, "address")} {Text(link.GetProperty("linkinfo"), "info_kind")} {State(link)}");

        // Of all of them: there are no link-local ones.
        internal string[] Addresses => [.. Lines("addr", link => string.Join('\n',
            link.GetProperty("addr_info").EnumerateArray().Select(a => $"{Text(link, "ifname")} {Text(a, "local")}/{a.GetProperty("prefixlen")}")))
            .SelectMany(lines => lines.Split('\n')).OrderBy(line => !line.StartsWith("lo ", StringComparison.Ordinal)).ThenBy(line => line, StringComparer.Ordinal)];

        internal string[] Neighbours => Lines("neigh show nud permanent", neighbour => $"{Text(neighbour, "dev")} {Text(neighbour, "dst")} {Text(neighbour, "lladdr")}");

        // Of those that the kernel made by itself there are others.
        internal string[] Routes => Lines("-d route show table all", route => !Is(route, "protocol", "boot") ? ""
            : $"{Text(route, "type")} {Text(route, "dst")}{Word(route, "via", "gateway")}{Word(route, "nhid", "nhid")}{(Is(route, "type", "unreachable") ? "" : Word(route, "dev", "dev"))}"
                + $"{(route.GetProperty("flags").EnumerateArray().Any(flag => flag.GetString() == "onlink") ? " onlink" : "")} {Text(route, "scope")} table {Text(route, "table")}");

        private string[] Lines(string question, Func<JsonElement, string> line)
        {
            using JsonDocument said = JsonDocument.Parse(lab.Inside(name, $"ip -j {question}"));
            return [.. said.RootElement.EnumerateArray().Select(line).Where(text => text.Length > 0).Order(StringComparer.Ordinal)];
        }

        private static string State(JsonElement link) => link.GetProperty("flags").EnumerateArray().Any(flag => flag.GetString() == "UP") ? "UP" : "DOWN";

        private static bool Is(JsonElement of, string property, string value) => Text(of, property) == value;

        private static string Text(JsonElement of, string property) => of.TryGetProperty(property, out JsonElement value) ? value.ToString() : "";

        private static string Word(JsonElement of, string word, string property) => Text(of, property) is { Length: > 0 } text ? $" {word} {text}" : "";
    }
}
