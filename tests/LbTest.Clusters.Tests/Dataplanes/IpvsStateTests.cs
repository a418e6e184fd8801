using System.Collections.Immutable;
using System.Net;
using LbTest.Clusters.Lab.Dataplanes;
using LbTest.Engine.Sockets;

namespace LbTest.Clusters.Tests.Dataplanes;

/// <summary>What a node in mode IPVS has to have: virtual servers, sets, rules, addresses.</summary>
public class IpvsStateTests
{
    private static readonly string[] All4 = ["11.0.1.2:8080", "11.0.1.3:8080", "11.0.2.2:8080", "11.0.2.3:8080"], Local4 = All4[..2];

    [Fact]
    public void A_service_has_a_virtual_server_for_each_of_its_addresses_and_for_its_port_on_the_node()
    {
        Assert.Equal(
            ["-t 10.96.0.1:80", "-t 10.0.0.1:80", "-t 192.168.1.1:30080", "-t [fd00:96::1]:80", "-t [fd00:10::1]:80", "-t [fd00:192::1]:30080"],
            State(Sample.External).Servers.Select(server => server.Name.ToString()));
        Assert.All(State(Sample.External).Servers.Take(3), server => Assert.Equal(All4, Targets(server)));
        Assert.Equal(["-u 10.96.0.1:80", "-u [fd00:96::1]:80"], State(Sample.Service with { Protocol = TransportProtocol.Udp }).Servers.Select(server => server.Name.ToString()));
    }

    [Theory]
    [InlineData(IpvsScheduler.Rr, null, "-s rr", "-s rr")]
    [InlineData(IpvsScheduler.Sh, null, "-s sh", "-s sh")]
    [InlineData(IpvsScheduler.Mh, null, "-s mh -b mh-port", "-s mh -b mh-port")]
    [InlineData(IpvsScheduler.Lblcr, 10800, "-s lblcr -p 10800 -M 255.255.255.255", "-s lblcr -p 10800 -M 128")]
    [InlineData(IpvsScheduler.Mh, 1, "-s mh -b mh-port -p 1 -M 255.255.255.255", "-s mh -b mh-port -p 1 -M 128")]
    public void Scheduler_and_affinity_are_those_of_all_its_virtual_servers(IpvsScheduler scheduler, int? seconds, string options4, string options6)
    {
        ServicePort service = Sample.External with { ClientIPAffinity = seconds is { } s ? TimeSpan.FromSeconds(s) : null };
        var state = new IpvsState(Sample.State(service) with { Scheduler = scheduler });
        Assert.Equal([options4, options4, options4, options6, options6, options6], state.Servers.Select(server => server.Options));
    }

    [Fact]
    public void Policy_Local_keeps_to_the_nodes_endpoints_and_takes_all_where_it_has_none()
    {
        Assert.Equal([All4, Local4, Local4], State(Sample.ExternalLocal).Servers.Take(3).Select(Targets));
        Assert.Equal([Local4], State(Sample.InternalLocal).Servers.Take(1).Select(Targets));
        string[] others = All4[2..];
        Assert.All(State(Sample.ExternalLocal.Without(Sample.Node)).Servers.Take(3), server => Assert.Equal(others, Targets(server)));
        Assert.Equal(others, Targets(State(Sample.InternalLocal.Without(Sample.Node)).Servers[0]));
    }

    [Fact]
    public void Of_two_services_with_one_address_the_first_has_it() =>
        Assert.Equal(2, State(Sample.Service, Sample.Service with { Name = "other", Endpoints = [] }).Servers.Length);

    [Fact]
    public void The_node_holds_the_addresses_of_services_but_not_a_second_time_its_own()
    {
        Assert.Equal(["10.96.0.1", "fd00:96::1", "10.0.0.1", "fd00:10::1"], State(Sample.External, Sample.Service).Addresses.Select(a => a.ToString()));
        ServicePort own = Sample.Service with { LoadBalancerAddresses = [IPAddress.Parse("192.168.1.1")] };
        Assert.Equal(["10.96.0.1", "fd00:96::1"], State(own).Addresses.Select(a => a.ToString()));
    }

    [Fact]
    public void Sets_hold_what_rules_have_to_know()
    {
        Assert.Equal(
            [
                "KUBE-CLUSTER-IP 10.96.0.1,tcp:80", "KUBE-IPVS-IPS 10.0.0.1", "KUBE-IPVS-IPS 10.96.0.1", "KUBE-LOAD-BALANCER 10.0.0.1,tcp:80", "KUBE-LOAD-BALANCER-LOCAL 10.0.0.1,tcp:80",
                "KUBE-LOOP-BACK 11.0.1.2,tcp:8080,11.0.1.2", "KUBE-LOOP-BACK 11.0.1.3,tcp:8080,11.0.1.3", "KUBE-NODE-PORT-LOCAL-TCP 30080", "KUBE-NODE-PORT-TCP 30080",
            ],
            Entries(Sample.ExternalLocal, "KUBE-6-", not: true));
        Assert.Equal(
            [
                "KUBE-6-CLUSTER-IP fd00:96::1,udp:80", "KUBE-6-IPVS-IPS fd00:10::1", "KUBE-6-IPVS-IPS fd00:96::1", "KUBE-6-LOAD-BALANCER fd00:10::1,udp:80",
                "KUBE-6-LOOP-BACK fd00:11::1:2,udp:8080,fd00:11::1:2", "KUBE-6-LOOP-BACK fd00:11::1:3,udp:8080,fd00:11::1:3", "KUBE-6-NODE-PORT-UDP 30080",
            ],
            Entries(Sample.External with { Protocol = TransportProtocol.Udp }, "KUBE-6-", not: false));

        static IEnumerable<string> Entries(ServicePort service, string prefix, bool not) =>
            State(service).Sets.Where(set => set.Name.StartsWith(prefix, StringComparison.Ordinal) != not).SelectMany(set => set.Entries.Select(entry => $"{set.Name} {entry}")).Order(StringComparer.Ordinal);
    }

    [Fact]
    public void There_are_kube_proxys_sets_with_names_that_fit()
    {
        IpSet[] sets = [.. State().Sets];
        Assert.Equal(2 * 17, sets.Select(set => set.Name).Distinct().Count());
        Assert.All(sets, set => Assert.InRange(set.Name.Length, 1, 31));
        Assert.Contains("create KUBE-6-LOAD-BALANCER-SOURCE-CID hash:ip,port,net family inet6 hashsize 1024 maxelem 65536", sets.SelectMany(set => set.Lines));
        Assert.Contains("create KUBE-NODE-PORT-TCP bitmap:port range 0-65535", sets.SelectMany(set => set.Lines));
    }

    [Fact]
    public void Sets_become_others_by_their_differences()
    {
        IpSet[] before = [.. State(Sample.ExternalLocal).Sets], after = [.. State(Sample.External.Without(Sample.Node)).Sets];
        Assert.Equal("", IpSet.Change(before.SelectMany(set => set.Lines), before));
        Assert.Equal(
            [
                "del KUBE-6-LOAD-BALANCER-LOCAL fd00:10::1,tcp:80", "del KUBE-6-LOOP-BACK fd00:11::1:2,tcp:8080,fd00:11::1:2", "del KUBE-6-LOOP-BACK fd00:11::1:3,tcp:8080,fd00:11::1:3",
                "del KUBE-6-NODE-PORT-LOCAL-TCP 30080", "del KUBE-LOAD-BALANCER-LOCAL 10.0.0.1,tcp:80", "del KUBE-LOOP-BACK 11.0.1.2,tcp:8080,11.0.1.2",
                "del KUBE-LOOP-BACK 11.0.1.3,tcp:8080,11.0.1.3", "del KUBE-NODE-PORT-LOCAL-TCP 30080",
            ],
            Sample.Lines(IpSet.Change(before.SelectMany(set => set.Lines), after)).Order(StringComparer.Ordinal));
        // As 'ipset save' writes it; somebody else's set is left alone.
        Assert.DoesNotContain("del", IpSet.Change(["create KUBE-CLUSTER-IP hash:ip,port family inet hashsize 1024 maxelem 65536 bucketsize 12 initval 0x1", "add others 10.0.0.9"], before), StringComparison.Ordinal);
        Assert.DoesNotContain("create KUBE-CLUSTER-IP ", IpSet.Change(["create KUBE-CLUSTER-IP hash:ip,port family inet hashsize 1024 maxelem 65536 bucketsize 12 initval 0x1"], before), StringComparison.Ordinal);
    }

    [Fact]
    public void What_comes_to_a_load_balancer_or_a_node_port_is_masqueraded_unless_the_policy_is_Local()
    {
        const string set = "-m set --match-set";
        Assert.Equal(["KUBE-MARK-MASQ"], Targets("KUBE-LOAD-BALANCER", Sample.External));
        Assert.Equal([$"{set} KUBE-LOAD-BALANCER-LOCAL dst,dst -j RETURN", "-j KUBE-MARK-MASQ"], Rules("KUBE-LOAD-BALANCER", Sample.ExternalLocal));
        Assert.Equal([$"-p tcp {set} KUBE-NODE-PORT-TCP dst -j KUBE-MARK-MASQ"], Rules("KUBE-NODE-PORT", Sample.External, table: "nat"));
        Assert.Equal([$"-p tcp {set} KUBE-NODE-PORT-LOCAL-TCP dst -j RETURN", $"-p tcp {set} KUBE-NODE-PORT-TCP dst -j KUBE-MARK-MASQ"], Rules("KUBE-NODE-PORT", Sample.ExternalLocal, table: "nat"));
        Assert.Equal(
            [
                "-s 127.0.0.0/8 -j RETURN", $"{set} KUBE-LOAD-BALANCER dst,dst -j KUBE-LOAD-BALANCER", $"{set} KUBE-CLUSTER-IP dst,dst ! -s 11.0.0.0/8 -j KUBE-MARK-MASQ",
                "-m addrtype --dst-type LOCAL -j KUBE-NODE-PORT", $"{set} KUBE-CLUSTER-IP dst,dst -j ACCEPT", $"{set} KUBE-LOAD-BALANCER dst,dst -j ACCEPT",
            ],
            Rules("KUBE-SERVICES", Sample.External));
        Assert.Equal("-m set --match-set KUBE-LOOP-BACK dst,dst,src -j MASQUERADE", Rules("KUBE-POSTROUTING", Sample.External)[0]);
    }

    [Fact]
    public void Without_pod_networks_what_the_node_sends_from_a_service_address_is_masqueraded() =>
        Assert.Contains("-m set --match-set KUBE-CLUSTER-IP src,dst -j KUBE-MARK-MASQ", Rules("KUBE-SERVICES", new IpvsState(Sample.State(Sample.Service) with { PodNetworks = [] })));

    [Fact]
    public void Other_ports_of_service_addresses_are_refused()
    {
        string[] rules = Rules("KUBE-IPVS-FILTER", Sample.Service);
        Assert.Equal(6, rules.Length);
        Assert.Equal("-m conntrack --ctstate NEW -m set --match-set KUBE-IPVS-IPS dst -j REJECT", rules[^1]);
        Assert.All(rules[..^1], rule => Assert.EndsWith(" -j RETURN", rule, StringComparison.Ordinal));
    }

    [Fact]
    public void Rules_of_the_two_families_match_sets_of_their_own()
    {
        ImmutableArray<string> rules = State(Sample.External).Rules;
        Assert.DoesNotContain("KUBE-6-", rules[0], StringComparison.Ordinal);
        Assert.All(Sample.Lines(rules[1]).Where(line => line.Contains("--match-set", StringComparison.Ordinal)), line => Assert.Contains("--match-set KUBE-6-", line, StringComparison.Ordinal));
        Assert.Contains("-s ::1/128 -j RETURN", rules[1], StringComparison.Ordinal);
    }

    // Names of services are in nothing that tools read here. They are looked at all the same: another mode would write them.
    [Theory]
    [InlineData("web\n-D -t 10.0.0.1:80", "http"), InlineData("web", "\"; flush"), InlineData("web ", "http")]
    public void A_name_that_would_write_a_line_of_its_own_is_refused(string name, string port) =>
        Assert.Throws<ArgumentException>(() => State(Sample.Service with { Name = name, PortName = port }));

    [Fact]
    public void Addresses_become_others_by_their_differences()
    {
        ImmutableArray<IPAddress> some = [IPAddress.Parse("10.0.0.1"), IPAddress.Parse("fd00::1")], others = [IPAddress.Parse("10.0.0.2"), IPAddress.Parse("fd00::1")];
        Assert.Equal(["link add kube-ipvs0 type dummy", "addr add 10.0.0.1/32 dev kube-ipvs0", "addr add fd00::1/128 dev kube-ipvs0 nodad"], Sample.Lines(IpvsDataplane.ChangeOfAddresses(false, [], some)));
        Assert.Equal(["addr add 10.0.0.2/32 dev kube-ipvs0", "addr del 10.0.0.1/32 dev kube-ipvs0"], Sample.Lines(IpvsDataplane.ChangeOfAddresses(true, some, others)));
        Assert.Equal("", IpvsDataplane.ChangeOfAddresses(true, some, some));
    }

    private static IpvsState State(params ServicePort[] services) => new(Sample.State(services));

    private static IEnumerable<string> Targets(IpvsServer server) => server.Targets.Select(target => target.Target);

    private static string[] Targets(string chain, ServicePort service) => [.. Rules(chain, service).Select(rule => rule[(rule.LastIndexOf(' ') + 1)..])];

    private static string[] Rules(string chain, ServicePort service, string? table = null) => Rules(chain, State(service), table);

    // Without comments.
    private static string[] Rules(string chain, IpvsState state, string? table = null) =>
    [
        .. from part in state.Rules[0].Split("COMMIT")
           where table is null || part.Contains($"*{table}", StringComparison.Ordinal)
           from line in Sample.Lines(part)
           where line.StartsWith($"-A {chain} ", StringComparison.Ordinal)
           select System.Text.RegularExpressions.Regex.Replace(line[$"-A {chain} ".Length..], "-m comment --comment \"[^\"]*\" ", ""),
    ];
}
