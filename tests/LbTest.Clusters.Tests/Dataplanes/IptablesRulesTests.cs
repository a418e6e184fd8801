using System.Net.Sockets;
using LbTest.Clusters.Lab.Dataplanes;
using LbTest.Engine.Sockets;

namespace LbTest.Clusters.Tests.Dataplanes;

public class IptablesRulesTests
{
    private const string Comment = "-m comment --comment \"default/web:http\"";

    private static string Hash { get; } = KubeHash.Of("default/web:httptcp", 16);

    [Fact]
    public void Each_endpoint_gets_the_same_share()
    {
        string statistic = $"{Comment} -m statistic --mode random --probability";
        string[] chains = [.. FamilyService.Of(Sample.Service, AddressFamily.InterNetwork)!.Endpoints.Select(e => e.IptablesChain)];
        Assert.Equal(
            [
                $"{statistic} 0.2500000000 -j {chains[0]}",
                $"{statistic} 0.3333333333 -j {chains[1]}",
                $"{statistic} 0.5000000000 -j {chains[2]}",
                $"{Comment} -j {chains[3]}",
            ],
            Rules("KUBE-SVC-" + Hash, Sample.Service));
    }

    [Fact]
    public void A_cluster_address_masquerades_what_comes_from_no_pod()
    {
        string match = "-d 10.96.0.1/32 -p tcp -m comment --comment \"default/web:http cluster IP\" -m tcp --dport 80";
        string[] rules = Rules("KUBE-SERVICES", Sample.Service);
        Assert.Equal($"! -s 11.0.0.0/8 {match} -j KUBE-MARK-MASQ", rules[0]);
        Assert.Equal($"{match} -j KUBE-SVC-{Hash}", rules[1]);
        Assert.EndsWith("-j KUBE-NODEPORTS", rules[^1], StringComparison.Ordinal);
    }

    [Fact]
    public void A_load_balancer_address_and_a_node_port_masquerade_everything()
    {
        string match = "-d 10.0.0.1/32 -p tcp -m comment --comment \"default/web:http loadbalancer IP\" -m tcp --dport 80";
        Assert.Contains($"{match} -j KUBE-FW-{Hash}", Rules("KUBE-SERVICES", Sample.External));
        Assert.Equal(["KUBE-MARK-MASQ", "KUBE-SVC-" + Hash, "KUBE-MARK-DROP"], Targets("KUBE-FW-" + Hash, Sample.External));
        Assert.Equal(
            [$"-p tcp {Comment} -m tcp --dport 30080 -j KUBE-MARK-MASQ", $"-p tcp {Comment} -m tcp --dport 30080 -j KUBE-SVC-{Hash}"],
            Rules("KUBE-NODEPORTS", Sample.External));
    }

    [Fact]
    public void Policy_Local_from_outside_chooses_among_local_endpoints_and_keeps_the_client()
    {
        Assert.Equal(["KUBE-XLB-" + Hash, "KUBE-MARK-DROP"], Targets("KUBE-FW-" + Hash, Sample.ExternalLocal));
        Assert.Equal(
            [
                $"-s 127.0.0.0/8 -p tcp {Comment} -m tcp --dport 30080 -j KUBE-MARK-MASQ",
                $"-p tcp {Comment} -m tcp --dport 30080 -j KUBE-XLB-{Hash}",
            ],
            Rules("KUBE-NODEPORTS", Sample.ExternalLocal));
        Assert.Equal(
            ["KUBE-SVC-" + Hash, "KUBE-MARK-MASQ", "KUBE-SVC-" + Hash, .. LocalChains(Sample.ExternalLocal)],
            Targets("KUBE-XLB-" + Hash, Sample.ExternalLocal));
    }

    [Fact]
    public void Policy_Local_without_a_local_endpoint_drops()
    {
        ServicePort remote = Sample.ExternalLocal.Without(Sample.Node);
        string comment = "-m comment --comment \"default/web:http has no local endpoints\"";
        Assert.Equal($"{comment} -j KUBE-MARK-DROP", Rules("KUBE-XLB-" + Hash, remote)[^1]);
        string text = Render(Sample.InternalLocal.Without(Sample.Node));
        Assert.Contains($"-A KUBE-SERVICES -d 10.96.0.1/32 -p tcp {comment} -m tcp --dport 80 -j DROP\n", text, StringComparison.Ordinal);
        Assert.DoesNotContain("KUBE-SVC-", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Internal_policy_Local_chooses_among_local_endpoints()
    {
        Assert.Equal("KUBE-SVL-" + Hash, Targets("KUBE-SERVICES", Sample.InternalLocal)[1]);
        Assert.Equal(LocalChains(Sample.InternalLocal), Targets("KUBE-SVL-" + Hash, Sample.InternalLocal));
    }

    [Fact]
    public void Affinity_is_checked_before_chance_and_remembered_at_the_endpoint()
    {
        ServicePort sticky = Sample.Service with { ClientIPAffinity = TimeSpan.FromMinutes(1) };
        string[] rules = Rules("KUBE-SVC-" + Hash, sticky);
        string first = FamilyService.Of(sticky, AddressFamily.InterNetwork)!.Endpoints[0].IptablesChain;
        Assert.Equal(8, rules.Length);
        Assert.Equal($"{Comment} -m recent --rcheck --seconds 60 --reap --name {first} --rsource -j {first}", rules[0]);
        string remember = $"-m recent --set --name {first} --rsource";
        Assert.Equal($"-p tcp {Comment} {remember} -m tcp -j DNAT --to-destination 11.0.1.2:8080", Rules(first, sticky)[^1]);
    }

    [Fact]
    public void Without_endpoints_everything_is_rejected_and_nothing_translated()
    {
        string text = Render(Sample.External with { Endpoints = [] });
        string reject = "-j REJECT --reject-with icmp-port-unreachable";
        string comment = "-m comment --comment \"default/web:http has no endpoints\"";
        Assert.Equal(
            [
                $"-A KUBE-SERVICES -d 10.96.0.1/32 -p tcp {comment} -m tcp --dport 80 {reject}",
                $"-A KUBE-EXTERNAL-SERVICES -d 10.0.0.1/32 -p tcp {comment} -m tcp --dport 80 {reject}",
                $"-A KUBE-EXTERNAL-SERVICES -p tcp {comment} -m tcp --dport 30080 -m addrtype --dst-type LOCAL {reject}",
            ],
            Sample.Lines(text).Where(line => line.Contains("REJECT", StringComparison.Ordinal)));
        Assert.DoesNotContain(Hash, text, StringComparison.Ordinal);
    }

    [Fact]
    public void Udp_and_IPv6_are_written_in_their_own_words()
    {
        ServicePort udp = Sample.External with { Protocol = TransportProtocol.Udp };
        string text = RenderIPv6(udp);
        string comment = "-m comment --comment \"default/web:http cluster IP\"";
        Assert.Contains($"-d fd00:96::1/128 -p udp {comment} -m udp --dport 80", text, StringComparison.Ordinal);
        Assert.Contains("! -s fd00:11::/32 ", text, StringComparison.Ordinal);
        Assert.Contains("--to-destination [fd00:11::1:2]:8080\n", text, StringComparison.Ordinal);
        Assert.DoesNotContain("tcp", text, StringComparison.Ordinal);
        Assert.Contains("icmp6-port-unreachable", RenderIPv6(udp with { Endpoints = [] }), StringComparison.Ordinal);
        Assert.Contains("-s ::1/128 ", RenderIPv6(Sample.ExternalLocal), StringComparison.Ordinal);
    }

    [Fact]
    public void A_service_is_absent_from_the_family_that_it_has_no_address_in()
    {
        ServicePort single = Sample.Service with { ClusterAddresses = [Sample.Service.ClusterAddresses[0]], NodePort = 30080 };
        Assert.DoesNotContain("default/web", RenderIPv6(single), StringComparison.Ordinal);
    }

    private static string Render(ServicePort service) => IptablesRules.Render(Sample.State(service), AddressFamily.InterNetwork);

    private static string RenderIPv6(ServicePort service) => IptablesRules.Render(Sample.State(service), AddressFamily.InterNetworkV6);

    // The rules of one chain of the nat table, which comes first.
    private static string[] Rules(string chain, ServicePort service)
    {
        string start = $"-A {chain} ";
        return [.. Sample.Lines(Render(service)).TakeWhile(line => line != "COMMIT")
            .Where(line => line.StartsWith(start, StringComparison.Ordinal)).Select(line => line[start.Length..])];
    }

    private static string[] Targets(string chain, ServicePort service) =>
        [.. Rules(chain, service).Select(rule => rule[(rule.LastIndexOf(' ') + 1)..])];

    private static IEnumerable<string> LocalChains(ServicePort service) => FamilyService.Of(service, AddressFamily.InterNetwork)!.Endpoints
        .Where(e => e.Endpoint.NodeName == Sample.Node).Select(e => e.IptablesChain);
}
