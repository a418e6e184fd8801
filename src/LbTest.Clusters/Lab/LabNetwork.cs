using System.Globalization;
using System.Text;
using LbTest.Clusters.Tools;

namespace LbTest.Clusters.Lab;

/// <summary>Builds the network of a lab inside its sandbox: namespaces, links, addresses, routes. One <c>ip -batch</c> per namespace.</summary>
/// <remarks>
/// Neighbours are permanent: the kernel's neighbour table is shared by all namespaces of a machine and holds 1,024 others by default.
/// </remarks>
internal sealed class LabNetwork(LabTopology topology)
{
    private static readonly IPAddress RouterAddress = new([192, 168, 0, 1]), TesterAddress = new([192, 168, 0, 2]);

    private const int ServiceTable = 100;

    // What the router sends to the nodes: the load balancer's address and the network of cluster addresses.
    private static readonly string[] Services4 = [$"{LabTopology.LoadBalancer}/32", $"{LabTopology.ServiceNetwork4}"];
    private static readonly string[] Services6 = [$"{LabTopology.Twin(LabTopology.LoadBalancer)}/128", $"{LabTopology.ServiceNetwork6}"];

    internal static NetworkNamespace Namespace(string name) => new($"/run/netns/{name}");

    /// <summary>Builds everything. Called once, as root of the sandbox.</summary>
    internal void Build()
    {
        string[] names = [LabTopology.Tester, LabTopology.Router, .. topology.Nodes.Select(n => n.Name), .. topology.Endpoints.Select(e => e.Name)];
        Batch(names.Select(name => $"netns add {name}"));
        // No link-local addresses: each would announce itself, and what it sends to goes into that shared table.
        foreach (string name in names) Enter(name, () => SetSysctl("ipv6/conf/default/addr_gen_mode", "1"));
        Enter(LabTopology.Router, () =>
        {
            Forward();
            foreach (string family in (string[])["ipv4", "ipv6"]) HashByConnection(family);
            Batch(RouterLines());
            // Only the tester's packets are led to the nodes. One for a service that no rule took comes back from its node, and would travel
            // to and fro until its TTL ends.
            Batch([$"rule add iif tester lookup {ServiceTable}"]);
            Batch([$"rule add iif tester lookup {ServiceTable}"], "-6");
        });
        Enter(LabTopology.Tester, () =>
        {
            // A local route alone lets IPv4 bind any address of a range, IPv6 not.
            SetSysctl("ipv6/ip_nonlocal_bind", "1");
            Batch(TesterLines());
        });
        var options = new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount };
        _ = Parallel.ForEach(topology.Nodes, options, BuildNode);
        // Next hops are only taken once both ends of their links are up.
        Enter(LabTopology.Router, () => Resilient(() => Batch(
            [.. ServiceLines(Services4, Group4, node => node.Address), .. ServiceLines(Services6, Group6, node => LabTopology.Twin(node.Address))])));
    }

    /// <summary>Makes these the nodes that the router sends to, of those that traffic can enter through; at least one.</summary>
    internal void SetEcmpTargets(ImmutableArray<LabNode> targets)
    {
        int[] places = [.. targets.Select(target => topology.EntryNodes.IndexOf(target))];
        Enter(LabTopology.Router, () => Batch(new[] { Group4, Group6 }.Select(group => $"nexthop replace {GroupOf(group, places, IdleSeconds)}")));
    }

    /// <summary>Shares the buckets of a resilient group out evenly, as at the lab's start, busy ones too.</summary>
    internal void RebalanceEcmp()
    {
        if (!topology.Spec.EcmpResilient) return;
        int[] all = [.. Enumerable.Range(0, topology.EntryNodes.Length)];
        // A bucket that was idle for 0 s is one that may move: all of them.
        Enter(LabTopology.Router, () => Batch(
            from idle in new[] { 0, IdleSeconds } from @group in new[] { Group4, Group6 } select $"nexthop replace {GroupOf(@group, all, idle)}"));
    }

    /// <summary>Adds an endpoint to a lab that was built without it.</summary>
    internal void Add(LabEndpoint endpoint)
    {
        LabNode node = topology.Nodes.Single(n => n.Name == endpoint.Node);
        Batch([$"netns add {endpoint.Name}"]);
        Enter(endpoint.Name, () => SetSysctl("ipv6/conf/default/addr_gen_mode", "1"));
        Enter(node.Name, () => Batch(Link(Device(endpoint), endpoint.Name, node.Gateway, endpoint.Address)));
        Enter(endpoint.Name, () => Batch(EndpointLines(node, endpoint)));
    }

    /// <summary>Takes an added endpoint away. What of it is not there is passed over.</summary>
    internal static void Remove(LabEndpoint endpoint)
    {
        Enter(endpoint.Node, () =>
        {
            if (Tool.Run("ip", ["-o", "link", "show"]).Contains($" {Device(endpoint)}@", StringComparison.Ordinal)) Batch([$"link del {Device(endpoint)}"]);
        });
        if (File.Exists(Namespace(endpoint.Name).Path)) Batch([$"netns del {endpoint.Name}"]);
    }

    /// <summary>The device of its node that leads to an endpoint: pod1 for the first host number, which is 2.</summary>
    internal static string Device(LabEndpoint endpoint) => string.Create(CultureInfo.InvariantCulture, $"pod{endpoint.Address.GetAddressBytes()[3] - 1}");

    // The layer-4 hash spreads connections, not hosts (fib_multipath_hash_policy in the kernel's ip-sysctl). Policy 1 would take the hash that the
    // sender's socket left on the packet, which crosses a veth and changes with every time-out of its TCP: a connection would move to another
    // node because it lost a packet. A router sees addresses and ports only, as policy 3 (kernel 5.12) does with these fields: 1 and 2 the
    // addresses, 4 the protocol, 16 and 32 the ports.
    private static void HashByConnection(string family)
    {
        bool custom = File.Exists($"/proc/sys/net/{family}/fib_multipath_hash_fields");
        if (custom) SetSysctl($"{family}/fib_multipath_hash_fields", "55");
        SetSysctl($"{family}/fib_multipath_hash_policy", custom ? "3" : "1");
    }

    private void BuildNode(LabNode node)
    {
        Enter(node.Name, () =>
        {
            Forward();
            Batch(NodeLines(node));
        });
        foreach (LabEndpoint endpoint in node.Endpoints) Enter(endpoint.Name, () => Batch(EndpointLines(node, endpoint)));
    }

    private IEnumerable<string> RouterLines()
    {
        yield return "link set lo up";
        foreach (string line in Link("tester", LabTopology.Tester, RouterAddress, TesterAddress)) yield return line;
        yield return $"route add {LabTopology.TesterRange4} via {TesterAddress} dev tester onlink";
        yield return $"route add {LabTopology.TesterRange6} via {LabTopology.Twin(TesterAddress)} dev tester onlink";
        foreach (LabNode node in topology.Nodes)
        {
            foreach (string line in Link(node.Name, node.Name, RouterAddress, node.Address)) yield return line;
            yield return $"route add {Network(node)}/24 via {node.Address} dev {node.Name} onlink";
            yield return $"route add {LabTopology.Twin(Network(node))}/120 via {LabTopology.Twin(node.Address)} dev {node.Name} onlink";
        }

    }

    // The names of the two groups; those of their next hops follow on.
    private const int Group4 = 1000, Group6 = 2000;

    // A bucket of a resilient group moves when it has seen no packet for so long: a connection that sends more often is never moved.
    private const int IdleSeconds = 10;

    private string GroupOf(int group, IEnumerable<int> places, int idleSeconds)
    {
        string members = string.Join('/', places.Select(place => group + 1 + place));
        if (!topology.Spec.EcmpResilient) return $"id {group} group {members}";
        // The kernel deals in buckets of flows (nexthop-group-resilient.rst): 32 and more for each target keep their shares within a few per cent.
        uint buckets = Math.Max(128, System.Numerics.BitOperations.RoundUpToPowerOf2((uint)topology.EntryNodes.Length * 32));
        return $"id {group} group {members} type resilient buckets {buckets} idle_timer {idleSeconds}";
    }

    private void Resilient(Action work)
    {
        try
        {
            work();
        }
        catch (ToolException exception) when (topology.Spec.EcmpResilient)
        {
            throw new InvalidOperationException(
                $"This machine has no resilient next-hop groups: {exception.Message} They need kernel 5.13 and iproute2 5.12. Start the lab without EcmpResilient.", exception);
        }
    }

    // A group of next hops (ip-nexthop(8), kernel 5.3): one name for all of them, however many. A line of a batch has room for 85 written out.
    private IEnumerable<string> ServiceLines(string[] services, int group, Func<LabNode, IPAddress> address)
    {
        ImmutableArray<LabNode> entries = topology.EntryNodes;
        for (int i = 0; i < entries.Length; i++) yield return $"nexthop add id {group + 1 + i} via {address(entries[i])} dev {entries[i].Name} onlink";
        yield return $"nexthop add {GroupOf(group, Enumerable.Range(0, entries.Length), IdleSeconds)}";
        foreach (string service in services)
        {
            yield return $"route add unreachable {service}";
            yield return $"route add {service} table {ServiceTable} nhid {group}";
        }
    }

    private static IEnumerable<string> TesterLines() =>
    [
        "link set lo up",
        .. Peer(TesterAddress, RouterAddress),
        // The whole ranges are local (AnyIP): a connection may come from any of their addresses.
        $"route add local {LabTopology.TesterRange4} dev lo",
        $"route add local {LabTopology.TesterRange6} dev lo",
    ];

    private static IEnumerable<string> NodeLines(LabNode node)
    {
        yield return "link set lo up";
        foreach (string line in Peer(node.Address, RouterAddress)) yield return line;
        foreach (LabEndpoint endpoint in node.Endpoints)
        {
            foreach (string line in Link(Device(endpoint), endpoint.Name, node.Gateway, endpoint.Address)) yield return line;
        }
    }

    private static IEnumerable<string> EndpointLines(LabNode node, LabEndpoint endpoint) => ["link set lo up", .. Peer(endpoint.Address, node.Gateway)];

    /// <summary>A point-to-point link to another namespace, seen from the side that makes it.</summary>
    private static IEnumerable<string> Link(string device, string peerNamespace, IPAddress here, IPAddress there) =>
    [
        $"link add {device} address {Mac(here)} type veth peer name eth0 address {Mac(there)} netns {peerNamespace}",
        .. Addresses(device, here),
        $"link set {device} up",
        .. Neighbours(device, there),
        $"route add {there} dev {device}",
        $"route add {LabTopology.Twin(there)} dev {device}",
    ];

    /// <summary>The other side: its only link, and the default route through it.</summary>
    private static IEnumerable<string> Peer(IPAddress here, IPAddress gateway) =>
    [
        .. Addresses("eth0", here),
        "link set eth0 up",
        .. Neighbours("eth0", gateway),
        $"route add default via {gateway} dev eth0 onlink",
        $"route add default via {LabTopology.Twin(gateway)} dev eth0 onlink",
    ];

    // "nodad": without it an IPv6 address could not be used for a second (RFC 4862, duplicate address detection).
    private static IEnumerable<string> Addresses(string device, IPAddress address) =>
        [$"addr add {address}/32 dev {device}", $"addr add {LabTopology.Twin(address)}/128 dev {device} nodad"];

    private static IEnumerable<string> Neighbours(string device, IPAddress there) =>
        new[] { there, LabTopology.Twin(there) }.Select(address => $"neigh add {address} lladdr {Mac(there)} dev {device} nud permanent");

    // 0a:58 and the IPv4 address, as container network plugins make them.
    private static string Mac(IPAddress address) =>
        string.Create(CultureInfo.InvariantCulture, $"0a:58:{string.Join(':', address.GetAddressBytes().Select(b => b.ToString("x2", CultureInfo.InvariantCulture)))}");

    // The network that a node's endpoints have their addresses from.
    private static IPAddress Network(LabNode node)
    {
        byte[] bytes = node.Gateway.GetAddressBytes();
        bytes[3] = 0;
        return new IPAddress(bytes);
    }

    private static void Forward()
    {
        SetSysctl("ipv4/ip_forward", "1");
        SetSysctl("ipv6/conf/all/forwarding", "1");
        // A reply may come in where the route back would not go out.
        SetSysctl("ipv4/conf/all/rp_filter", "0");
        SetSysctl("ipv4/conf/default/rp_filter", "0");
        // A service without endpoints refuses by ICMP. The kernel's limits on that would make some of its refusals look like time-outs.
        SetSysctl("ipv4/icmp_ratemask", "0");
        SetSysctl("ipv6/icmp/ratemask", "\n");
    }

    private static void SetSysctl(string name, string value) => File.WriteAllText($"/proc/sys/net/{name}", value);

    private static void Enter(string name, Action work) => _ = Namespace(name).Run(() =>
    {
        work();
        return true;
    });

    // In a batch, ip takes the address family from the addresses; only rules need to be told.
    private static void Batch(IEnumerable<string> lines, params string[] options)
    {
        var input = new StringBuilder();
        foreach (string line in lines) _ = input.Append(line).Append('\n');
        _ = Tool.Run("ip", [.. options, "-batch", "-"], input.ToString());
    }
}
