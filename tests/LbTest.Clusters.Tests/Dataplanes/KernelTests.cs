using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using LbTest.Clusters.Lab.Dataplanes;
using LbTest.Clusters.Tests.Lab;
using LbTest.Clusters.Lab.Kernels;
using LbTest.Clusters.Tools;
using LbTest.Engine.Sockets;

namespace LbTest.Clusters.Tests.Dataplanes;

/// <summary>A real kernel loads the rules and balances by them, in network namespaces that end with the test's shell.</summary>
public class KernelTests
{
    public static TheoryData<ProxyMode, AddressFamily> All => new()
    {
        { ProxyMode.Iptables, AddressFamily.InterNetwork }, { ProxyMode.Iptables, AddressFamily.InterNetworkV6 },
        { ProxyMode.Nftables, AddressFamily.InterNetwork }, { ProxyMode.Nftables, AddressFamily.InterNetworkV6 },
    };

    [SkippableTheory]
    [MemberData(nameof(All))]
    public void Many_services_of_all_kinds_load_twice(ProxyMode mode, AddressFamily family)
    {
        DesiredState state = Sample.State([.. Sample.Many(22)]);
        Dictionary<string, RuleCounter> counters = Run(mode, family, state, Load(mode, family));
        int reachable = new NodeView(state, family).Services.Sum(service => service.Reachable.Length);
        Assert.Equal(reachable, counters.Count);
        Assert.All(counters.Values, counter => Assert.Equal(default, counter));
    }

    [SkippableTheory]
    [MemberData(nameof(All))]
    public void A_thousand_endpoints_load(ProxyMode mode, AddressFamily family)
    {
        Skip.If(mode == ProxyMode.Nftables && !Environment.IsPrivilegedProcess, "An ordinary user's nft takes some 200 endpoints at once.");
        Assert.Equal(1000, Run(mode, family, Sample.State(Large), Load(mode, family)).Count);
    }

    [SkippableTheory]
    [InlineData(AddressFamily.InterNetwork), InlineData(AddressFamily.InterNetworkV6)]
    public void In_parts_a_thousand_endpoints_with_affinity_load_for_an_ordinary_user_too(AddressFamily family)
    {
        DesiredState state = Sample.State(Large with { ClientIPAffinity = TimeSpan.FromMinutes(5) });
        Dictionary<string, RuleCounter> counters = Run(ProxyMode.Nftables, family, state, """
            for stage in "$rules".*; do nft -f "$stage" || exit 7; done
            """);
        Assert.Equal(1000, counters.Count);
    }

    private static ServicePort Large => Sample.External with
    {
        Endpoints = [.. from i in Enumerable.Range(0, 1000)
                        from address in (string[])[$"11.1.{i / 250}.{i % 250}", $"fd00:11::1:{i:x}"]
                        select new EndpointAddress($"pod-{i}", IPAddress.Parse(address), 8080, $"node-{i % 100}")],
    };

    [SkippableTheory]
    [MemberData(nameof(All))]
    public void Every_packet_is_counted_at_one_endpoint_by_chance_or_by_affinity(ProxyMode mode, AddressFamily family)
    {
        ServicePort udp = Sample.External with { Protocol = TransportProtocol.Udp };
        long[] chance = Packets(udp), affinity = Packets(udp with { ClientIPAffinity = TimeSpan.FromMinutes(5) });

        // Four endpoints: that one of them gets nothing by chance has probability 10⁻²⁵. A datagram whose source port
        // the kernel chose once before belongs to a known flow and is not counted; of 200 that is hardly ever more than one or two.
        Assert.Equal(4, chance.Length);
        Assert.InRange(chance.Sum(), 190, 200);
        Assert.All(chance, count => Assert.NotEqual(0, count));
        Assert.Equal([0, 0, 0], affinity.Order().SkipLast(1));
        Assert.InRange(affinity.Max(), 190, 200);

        long[] Packets(ServicePort service)
        {
            string destination = service.LoadBalancerAddresses.Single(a => a.AddressFamily == family).ToString();
            // Virtual address and endpoints are on loopback; bash sends each datagram from a new socket, so from a new port.
            IEnumerable<string> addresses = service.Endpoints.Where(e => e.Address.AddressFamily == family)
                .Select(e => e.Address.ToString()).Append(destination);
            string script = $"""
                ip link set lo up
                {string.Join('\n', addresses.Select(address => $"ip addr add {address} dev lo"))}
                {Load(mode, family)}
                for i in $(seq 200); do echo x > /dev/udp/{destination}/80; done
                """;
            return [.. Run(mode, family, Sample.State(service), script).Values.Select(counter => counter.Packets)];
        }
    }

    [SkippableTheory]
    [MemberData(nameof(All))]
    public void Without_endpoints_a_client_is_refused_at_once(ProxyMode mode, AddressFamily family)
    {
        ServicePort empty = Sample.External with { Endpoints = [] };
        string address = empty.ClusterAddresses.Single(a => a.AddressFamily == family).ToString();
        // The address leads out of a device with nobody behind it: only a reject can tell the client anything.
        string script = $"""
            ip link set lo up
            ip link add name veth-a type veth peer name veth-b && ip link set veth-a up && ip link set veth-b up
            ip addr add {(family == AddressFamily.InterNetwork ? "192.168.9.1/24" : "fd00:9::1/64 nodad")} dev veth-a
            ip route add {address} dev veth-a
            {Load(mode, family)}
            timeout 5 bash -c 'echo > /dev/tcp/{address}/80' 2> "$errors" && exit 9
            grep -q refused "$errors" || exit 8
            """;
        Assert.Empty(Run(mode, family, Sample.State(empty), script));
    }

    // Without IPVS itself, which few kernels have: that is tried in labs.
    [SkippableFact]
    public void Sets_and_rules_of_mode_IPVS_load_and_sets_become_others()
    {
        string isolate = Isolation();
        Skip.If(Tool.Find("ipset") is null, "'ipset' is not on this machine.");
        string? problem = Prerequisites.PrerequisiteCheck.Of([ProxyMode.Ipvs], LabKernel.Host).FirstOrDefault(p => p.Name.StartsWith("ipset", StringComparison.Ordinal) && !p.Present)?.Name;
        Skip.If(problem is not null, $"This kernel has no {problem}.");
        ImmutableArray<ServicePort> services = Sample.Many(22);
        IpvsState first = new(Sample.State([.. services])), second = new(Sample.State([.. services.Skip(11)]));
        string folder = Directory.CreateTempSubdirectory("lbtest-").FullName;
        try
        {
            File.WriteAllText(Path.Combine(folder, "sets"), IpSet.Change([], first.Sets));
            File.WriteAllText(Path.Combine(folder, "change"), IpSet.Change(first.Sets.SelectMany(set => set.Lines), second.Sets));
            for (int i = 0; i < 2; i++) File.WriteAllText(Path.Combine(folder, $"rules{i}"), first.Rules[i]);
            string saved = Tool.Run("unshare", [isolate, "bash", "-c", $"""
                export XTABLES_LOCKFILE={folder}/lock PATH=$PATH:/usr/sbin:/sbin; set -e; cd {folder}
                ipset restore -exist < sets; ipset restore -exist < sets
                {LabFixture.Iptables(AddressFamily.InterNetwork)}-restore -w 5 rules0; {LabFixture.Iptables(AddressFamily.InterNetworkV6)}-restore -w 5 rules1
                ipset save; echo ====
                ipset restore -exist < change; ipset save
                """]);
            // What the kernel says of them is what is written of them: nothing is left to change.
            string[] both = saved.Split("====\n");
            Assert.Equal("", IpSet.Change(both[0].Split('\n'), first.Sets));
            Assert.Equal("", IpSet.Change(both[1].Split('\n'), second.Sets));
            Assert.NotEqual("", IpSet.Change(both[0].Split('\n'), second.Sets));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    // Twice: the second time replaces what the first one left.
    private static string Load(ProxyMode mode, AddressFamily family) => mode == ProxyMode.Nftables
        ? "nft -f \"$rules\" && nft -f \"$rules\" || exit 7"
        : $"{LabFixture.Iptables(family)}-restore -w 5 \"$rules\" && {LabFixture.Iptables(family)}-restore -w 5 \"$rules\" || exit 7";

    private static Dictionary<string, RuleCounter> Run(ProxyMode mode, AddressFamily family, DesiredState state, string script)
    {
        string isolate = Isolation();
        string rules = mode == ProxyMode.Nftables ? NftablesRules.Render(state, family) : IptablesRules.Render(state, family);
        string list = mode == ProxyMode.Nftables
            ? $"nft -t list table {(family == AddressFamily.InterNetwork ? "ip" : "ip6")} kube-proxy"
            : $"{LabFixture.Iptables(family)}-save -c -t nat";
        string folder = Directory.CreateTempSubdirectory("lbtest-").FullName;
        try
        {
            File.WriteAllText(Path.Combine(folder, "rules"), rules);
            int stage = 100;
            if (mode == ProxyMode.Nftables)
                foreach (string part in NftablesRules.Stages(state, family)) File.WriteAllText(Path.Combine(folder, $"rules.{stage++}"), part);
            // The lock of iptables-legacy lies where only root may write.
            string setUp = $"export rules={folder}/rules errors={folder}/errors XTABLES_LOCKFILE={folder}/lock PATH=$PATH:/usr/sbin:/sbin";
            string output = Tool.Run("unshare", [isolate, "bash", "-c", $"{setUp}\n{script}\n{list}"]);
            return mode == ProxyMode.Nftables ? NftablesDataplane.ReadCounters(output) : IptablesDataplane.ReadCounters(output);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static string Isolation()
    {
        Skip.If(!OperatingSystem.IsLinux(), "This needs a Linux kernel.");
        foreach (string tool in (string[])["unshare", "ip", "nft", "iptables-restore"])
            Skip.If(Tool.Find(tool) is null, $"'{tool}' is not on this machine.");
        string isolate = Environment.IsPrivilegedProcess ? "-n" : "-Urn";
        try
        {
            Tool.Run("unshare", [isolate, "true"]);
        }
        catch (ToolException fault)
        {
            Skip.If(true, $"This machine allows no network namespace: {fault.Message}");
        }
        return isolate;
    }
}
