using System.Globalization;
using System.Net.Sockets;
using System.Numerics;
using LbTest.Clusters.Lab.Netlink;

namespace LbTest.Clusters.Lab;

/// <summary>Builds the network of a lab inside its sandbox: namespaces, links, addresses, routes.</summary>
internal sealed class LabNetwork(LabTopology topology)
{
    private static readonly IPAddress RouterAddress = new([192, 168, 0, 1]), TesterAddress = new([192, 168, 0, 2]);

    private static readonly LabLink TesterLink = new("tester", LabTopology.Tester, RouterAddress, TesterAddress);

    private static readonly IPNetwork[] TesterRanges = [IPNetwork.Parse(LabTopology.TesterRange4), IPNetwork.Parse(LabTopology.TesterRange6)];

    private const byte ServiceTable = 100;

    // What the router sends to the nodes, by a group of next hops: the load balancer's address and the network of cluster addresses.
    private sealed record Family(AddressFamily Number, int Group, Func<IPAddress, IPAddress> Of, params IPNetwork[] Services);

    // The numbers of the groups; those of their next hops follow on.
    private static readonly Family[] Families =
    [
        new(AddressFamily.InterNetwork, 1000, address => address, new IPNetwork(LabTopology.LoadBalancer, 32), LabTopology.ServiceNetwork4),
        new(AddressFamily.InterNetworkV6, 2000, LabTopology.Twin, new IPNetwork(LabTopology.Twin(LabTopology.LoadBalancer), 128), LabTopology.ServiceNetwork6),
    ];

    internal static NetworkNamespace Namespace(string name) => LabNamespaces.Of(name);

    /// <summary>Builds everything. Called once, as root of the sandbox.</summary>
    internal void Build()
    {
        AddNamespaces([LabTopology.Tester, LabTopology.Router, .. topology.Nodes.Select(n => n.Name), .. topology.Endpoints.Select(e => e.Name)]);
        // From here on one thread walks through them all: the kernel makes such changes one by one anyway.
        Enter(LabTopology.Router, () =>
        {
            BuildRouter();
            Enter(LabTopology.Tester, BuildTester);
            foreach (LabNode node in topology.Nodes) Enter(node.Name, () => BuildNode(node));
            // Next hops are only taken once both ends of their links are up.
            Resilient(() => NetworkChange.Make(SpreadServices));
        });
    }

    /// <summary>Makes these the nodes that the router sends to, of those that traffic can enter through; at least one.</summary>
    internal void SetEcmpTargets(ImmutableArray<LabNode> targets)
    {
        int[] places = [.. targets.Select(target => topology.EntryNodes.IndexOf(target))];
        Enter(LabTopology.Router, () => NetworkChange.Make(router => SetGroups(router, places, IdleSeconds)));
    }

    /// <summary>Shares the buckets of a resilient group out evenly, as at the lab's start, busy ones too.</summary>
    internal void RebalanceEcmp()
    {
        if (!topology.Spec.EcmpResilient) return;
        int[] all = [.. Enumerable.Range(0, topology.EntryNodes.Length)];
        Enter(LabTopology.Router, () => NetworkChange.Make(router =>
        {
            // A bucket that was idle for 0 s is one that may move: all of them.
            SetGroups(router, all, 0);
            SetGroups(router, all, IdleSeconds);
        }));
    }

    /// <summary>Adds endpoints to a lab that was built without them.</summary>
    internal void Add(ImmutableArray<LabEndpoint> endpoints)
    {
        if (endpoints.IsEmpty) return;
        AddNamespaces(endpoints.Select(endpoint => endpoint.Name));
        foreach (IGrouping<string, LabEndpoint> some in endpoints.GroupBy(endpoint => endpoint.Node))
        {
            LabNode node = topology.Nodes.Single(n => n.Name == some.Key);
            Enter(node.Name, () => NetworkChange.Make(change => AddEndpoints(change, node, some)));
        }
    }

    /// <summary>Takes an added endpoint away. What of it is not there is passed over.</summary>
    internal static void Remove(LabEndpoint endpoint)
    {
        Enter(endpoint.Node, () => NetworkChange.Make(node => node.DeleteLink(Device(endpoint))));
        LabNamespaces.Remove(endpoint.Name);
    }

    /// <summary>The device of its node that leads to an endpoint: pod1 for the first host number, which is 2.</summary>
    internal static string Device(LabEndpoint endpoint) => string.Create(CultureInfo.InvariantCulture, $"pod{endpoint.Address.GetAddressBytes()[3] - 1}");

    // No link-local addresses: each would announce itself, and what it sends to goes into the neighbour table that all share.
    private static void AddNamespaces(IEnumerable<string> names) => LabNamespaces.Add(names, () => SetSysctl("ipv6/conf/default/addr_gen_mode", "1"));

    private void BuildRouter()
    {
        Forward();
        foreach (string family in (string[])["ipv4", "ipv6"]) HashByConnection(family);
        (LabNode Node, LabLink Link)[] nodes = [.. topology.Nodes.Select(node => (node, Link(node)))];
        NetworkChange.Make(router =>
        {
            router.SetUp("lo");
            foreach (LabLink link in (LabLink[])[TesterLink, .. nodes.Select(n => n.Link)]) link.Add(router);
            TesterLink.SetUp(router);
            AddRoutes(router, TesterLink, TesterRanges);
            foreach ((LabNode node, LabLink link) in nodes)
            {
                link.SetUp(router);
                // The networks that the node's endpoints have their addresses from.
                IPAddress network = new([.. node.Gateway.GetAddressBytes()[..3], 0]);
                AddRoutes(router, link, new IPNetwork(network, 24), new IPNetwork(LabTopology.Twin(network), 120));
            }
        });
    }

    private static void BuildTester()
    {
        // A local route alone lets IPv4 bind any address of a range, IPv6 not.
        SetSysctl("ipv6/ip_nonlocal_bind", "1");
        NetworkChange.Make(tester =>
        {
            TesterLink.SetUpPlace(tester);
            // A connection may come from any address of the ranges.
            foreach (IPNetwork range in TesterRanges) tester.AddLocalRoute(range);
        });
    }

    private static void BuildNode(LabNode node)
    {
        Forward();
        NetworkChange.Make(change =>
        {
            Link(node).SetUpPlace(change);
            AddEndpoints(change, node, node.Endpoints);
        });
    }

    private static void AddEndpoints(NetworkChange node, LabNode of, IEnumerable<LabEndpoint> endpoints)
    {
        LabLink[] links = [.. endpoints.Select(endpoint => new LabLink(Device(endpoint), endpoint.Name, of.Gateway, endpoint.Address))];
        foreach (LabLink link in links) link.Add(node);
        foreach (LabLink link in links) link.SetUp(node);
        node.Commit();
        foreach (LabLink link in links) Enter(link.Place, () => NetworkChange.Make(link.SetUpPlace));
    }

    private static LabLink Link(LabNode node) => new(node.Name, node.Name, RouterAddress, node.Address);

    private static void AddRoutes(NetworkChange change, LabLink through, params IPNetwork[] networks)
    {
        foreach ((IPNetwork network, Family family) in networks.Zip(Families)) change.AddRoute(network, family.Of(through.Address), through.Device);
    }

    private void SpreadServices(NetworkChange router)
    {
        ImmutableArray<LabNode> entries = topology.EntryNodes;
        foreach (Family family in Families)
        {
            for (int i = 0; i < entries.Length; i++) router.AddNextHop(family.Group + 1 + i, family.Of(entries[i].Address), entries[i].Name);
        }

        SetGroups(router, [.. Enumerable.Range(0, entries.Length)], IdleSeconds);
        foreach (Family family in Families)
        {
            foreach (IPNetwork service in family.Services)
            {
                router.AddUnreachableRoute(service);
                router.AddRoute(service, family.Group, ServiceTable);
            }

            // Only the tester's packets are led to the nodes. One for a service that no rule took comes back from its node, and would travel
            // to and fro until its TTL ends.
            router.AddRule(family.Number, TesterLink.Device, ServiceTable);
        }
    }

    // A bucket of a resilient group moves when it has seen no packet for so long: a connection that sends more often is never moved.
    private const int IdleSeconds = 10;

    private void SetGroups(NetworkChange router, int[] places, int idleSeconds)
    {
        // The kernel deals in buckets of flows: 32 and more for each target keep their shares within a few per cent.
        ResilientBuckets? resilient = topology.Spec.EcmpResilient
            ? new((ushort)Math.Max(128, BitOperations.RoundUpToPowerOf2((uint)topology.EntryNodes.Length * 32)), idleSeconds) : null;
        foreach (Family family in Families) router.SetNextHopGroup(family.Group, [.. places.Select(place => family.Group + 1 + place)], resilient);
    }

    private void Resilient(Action work)
    {
        try
        {
            work();
        }
        catch (NetlinkException exception) when (topology.Spec.EcmpResilient)
        {
            throw new InvalidOperationException(
                $"This machine has no resilient next-hop groups. {exception.Message} They need kernel 5.13. Start the lab without EcmpResilient.", exception);
        }
    }

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
}
