using System.Net.Sockets;
using LbTest.Clusters.Lab.Dataplanes;
using LbTest.Engine.Sockets;

namespace LbTest.Clusters.Tests.Dataplanes;

public class NftablesRulesTests
{
    private static string Name { get; } = FamilyService.Of(Sample.Service, AddressFamily.InterNetwork)!.NftablesName;

    private static string[] Endpoints { get; } =
        [.. FamilyService.Of(Sample.Service, AddressFamily.InterNetwork)!.Endpoints.Select(e => "endpoint-" + e.NftablesName)];

    [Fact]
    public void A_cluster_address_leads_to_a_random_endpoint()
    {
        string text = Render(Sample.Service);
        Assert.Contains("elements = { 10.96.0.1 };", text, StringComparison.Ordinal);
        Assert.Contains($"elements = {{ 10.96.0.1 . tcp . 80 : goto service-{Name} }};", text, StringComparison.Ordinal);
        Assert.Equal(
            [
                "ip daddr 10.96.0.1 tcp dport 80 ip saddr != 11.0.0.0/8 jump mark-for-masquerade",
                $"numgen random mod 4 vmap {{ {string.Join(", ", Endpoints.Select((e, i) => $"{i} : goto {e}"))} }}",
            ],
            Chain(text, "service-" + Name));
        Assert.Equal(
            ["ip saddr 11.0.1.2 jump mark-for-masquerade", "meta l4proto tcp counter dnat to 11.0.1.2:8080"],
            Chain(text, Endpoints[0]));
        Assert.DoesNotContain("external-", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_balancer_address_and_node_port_masquerade_everything()
    {
        string text = Render(Sample.External);
        Assert.Contains($"10.0.0.1 . tcp . 80 : goto external-{Name} ", text, StringComparison.Ordinal);
        Assert.Contains($"elements = {{ tcp . 30080 : goto external-{Name} }}", text, StringComparison.Ordinal);
        Assert.Contains("elements = { 192.168.1.1 }", text, StringComparison.Ordinal);
        Assert.Equal(["jump mark-for-masquerade", $"goto service-{Name}"], Chain(text, "external-" + Name));
    }

    [Fact]
    public void Policy_Local_from_outside_chooses_among_local_endpoints_after_the_short_circuits()
    {
        string text = Render(Sample.ExternalLocal);
        Assert.Equal(
            [
                $"ip saddr 11.0.0.0/8 goto service-{Name} comment \"short-circuit pod traffic\"",
                "fib saddr type local jump mark-for-masquerade comment \"masquerade local traffic\"",
                $"fib saddr type local goto service-{Name} comment \"short-circuit local traffic\"",
                $"goto local-{Name}",
            ],
            Chain(text, "external-" + Name));
        Assert.Equal([$"numgen random mod 2 vmap {{ 0 : goto {Endpoints[0]}, 1 : goto {Endpoints[1]} }}"], Chain(text, "local-" + Name));
        Assert.DoesNotContain(": drop", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Policy_Local_without_a_local_endpoint_drops()
    {
        string external = Render(Sample.ExternalLocal.Without(Sample.Node));
        Assert.Contains("10.0.0.1 . tcp . 80 comment \"default/web:http\" : drop }", external, StringComparison.Ordinal);
        Assert.Contains("{ tcp . 30080 comment \"default/web:http\" : drop }", external, StringComparison.Ordinal);
        Assert.Contains($"10.0.0.1 . tcp . 80 : goto external-{Name} ", external, StringComparison.Ordinal);
        Assert.DoesNotContain("local-" + Name, external, StringComparison.Ordinal);

        string inside = Render(Sample.InternalLocal.Without(Sample.Node));
        Assert.Contains("{ 10.96.0.1 . tcp . 80 comment \"default/web:http\" : drop }", inside, StringComparison.Ordinal);
        Assert.DoesNotContain("goto service-", inside, StringComparison.Ordinal);
    }

    [Fact]
    public void Internal_policy_Local_chooses_among_local_endpoints()
    {
        string text = Render(Sample.InternalLocal);
        Assert.Contains($"10.96.0.1 . tcp . 80 : goto local-{Name} ", text, StringComparison.Ordinal);
        Assert.Equal(
            [
                "ip daddr 10.96.0.1 tcp dport 80 ip saddr != 11.0.0.0/8 jump mark-for-masquerade",
                $"numgen random mod 2 vmap {{ 0 : goto {Endpoints[0]}, 1 : goto {Endpoints[1]} }}",
            ],
            Chain(text, "local-" + Name));
        Assert.DoesNotContain(Endpoints[2], text, StringComparison.Ordinal);
    }

    [Fact]
    public void Affinity_is_checked_before_chance_and_remembered_at_the_endpoint()
    {
        string text = Render(Sample.Service with { ClientIPAffinity = TimeSpan.FromMinutes(1) });
        string set = Endpoints[0].Replace("endpoint-", "affinity-", StringComparison.Ordinal);
        Assert.Contains($"set {set} {{ type ipv4_addr; flags dynamic,timeout; timeout 60s; }}", text, StringComparison.Ordinal);
        Assert.Equal($"ip saddr @{set} goto {Endpoints[0]}", Chain(text, "service-" + Name)[1]);
        Assert.Equal(6, Chain(text, "service-" + Name).Length);
        Assert.Equal($"update @{set} {{ ip saddr }}", Chain(text, Endpoints[0])[1]);
    }

    [Fact]
    public void Without_endpoints_everything_is_rejected_and_nothing_translated()
    {
        string text = Render(Sample.External with { Endpoints = [] });
        string reject = "comment \"default/web:http\" : goto reject-chain";
        Assert.Contains($"{{ 10.96.0.1 . tcp . 80 {reject}, 10.0.0.1 . tcp . 80 {reject} }}", text, StringComparison.Ordinal);
        Assert.Contains($"{{ tcp . 30080 {reject} }}", text, StringComparison.Ordinal);
        Assert.DoesNotContain(Name, text, StringComparison.Ordinal);
    }

    [Fact]
    public void Udp_and_IPv6_are_written_in_their_own_words()
    {
        ServicePort udp = Sample.External with { Protocol = TransportProtocol.Udp };
        string text = NftablesRules.Render(Sample.State(udp), AddressFamily.InterNetworkV6);
        string mark = "ip6 saddr != fd00:11::/32 jump mark-for-masquerade";
        Assert.Contains($"ip6 daddr fd00:96::1 udp dport 80 {mark}", text, StringComparison.Ordinal);
        Assert.Contains("meta l4proto udp counter dnat to [fd00:11::1:2]:8080", text, StringComparison.Ordinal);
        Assert.Contains("-default/web/udp/http__fd00.11..1.2/8080 {", text, StringComparison.Ordinal);
        Assert.Contains("ip6 daddr { fd00:96::/112 } drop", text, StringComparison.Ordinal);
        Assert.DoesNotContain("tcp", text, StringComparison.Ordinal);
    }

    private static string Render(params ServicePort[] services) => NftablesRules.Render(Sample.State(services), AddressFamily.InterNetwork);

    private static string[] Chain(string text, string chain) =>
        [.. Sample.Lines(text).SkipWhile(line => line != $"chain {chain} {{").Skip(1).TakeWhile(line => line != "}")];
}
