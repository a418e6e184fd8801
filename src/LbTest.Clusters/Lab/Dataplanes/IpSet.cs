using System.Globalization;
using System.Text;

namespace LbTest.Clusters.Lab.Dataplanes;

/// <summary>One of kube-proxy's ipsets: the rules of mode IPVS are few, and match whole sets.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">What it holds: <c>hash:ip,port</c> …</param>
/// <param name="Comment">What kube-proxy writes at rules that match it.</param>
/// <param name="Entries">What is in it, in no order.</param>
internal sealed record IpSet(string Name, string Type, string Comment, ImmutableArray<string> Entries)
{
    /// <summary>kube-proxy's names, without those of IPv6.</summary>
    internal const string
        LoopBack = "KUBE-LOOP-BACK", Cluster = "KUBE-CLUSTER-IP", ExternalIP = "KUBE-EXTERNAL-IP", ExternalIPLocal = "KUBE-EXTERNAL-IP-LOCAL",
        LoadBalancer = "KUBE-LOAD-BALANCER", LoadBalancerFirewall = "KUBE-LOAD-BALANCER-FW", LoadBalancerLocal = "KUBE-LOAD-BALANCER-LOCAL",
        LoadBalancerSourceIP = "KUBE-LOAD-BALANCER-SOURCE-IP", LoadBalancerSourceCidr = "KUBE-LOAD-BALANCER-SOURCE-CIDR",
        NodePortTcp = "KUBE-NODE-PORT-TCP", NodePortLocalTcp = "KUBE-NODE-PORT-LOCAL-TCP", NodePortUdp = "KUBE-NODE-PORT-UDP", NodePortLocalUdp = "KUBE-NODE-PORT-LOCAL-UDP",
        NodePortSctp = "KUBE-NODE-PORT-SCTP-HASH", NodePortLocalSctp = "KUBE-NODE-PORT-LOCAL-SCTP-HASH", HealthCheck = "KUBE-HEALTH-CHECK-NODE-PORT", Addresses = "KUBE-IPVS-IPS";

    private const string IPPort = "hash:ip,port", IPPortIP = "hash:ip,port,ip", Ports = "bitmap:port";

    // Those that nothing here puts anything in are made all the same: rules match them.
    private static readonly (string Name, string Type, string Comment)[] All =
    [
        (LoopBack, IPPortIP, "Kubernetes endpoints dst ip:port, source ip for solving hairpin purpose"),
        (Cluster, IPPort, "Kubernetes service cluster ip + port for masquerade purpose"),
        (ExternalIP, IPPort, "Kubernetes service external ip + port for masquerade and filter purpose"),
        (ExternalIPLocal, IPPort, "Kubernetes service external ip + port with externalTrafficPolicy=local"),
        (LoadBalancer, IPPort, "Kubernetes service lb portal"),
        (LoadBalancerFirewall, IPPort, "Kubernetes service load balancer ip + port for load balancer with sourceRange"),
        (LoadBalancerLocal, IPPort, "Kubernetes service load balancer ip + port with externalTrafficPolicy=local"),
        (LoadBalancerSourceIP, IPPortIP, "Kubernetes service load balancer ip + port + source IP for packet filter purpose"),
        (LoadBalancerSourceCidr, "hash:ip,port,net", "Kubernetes service load balancer ip + port + source cidr for packet filter purpose"),
        (NodePortTcp, Ports, "Kubernetes nodeport TCP port for masquerade purpose"),
        (NodePortLocalTcp, Ports, "Kubernetes nodeport TCP port with externalTrafficPolicy=local"),
        (NodePortUdp, Ports, "Kubernetes nodeport UDP port for masquerade purpose"),
        (NodePortLocalUdp, Ports, "Kubernetes nodeport UDP port with externalTrafficPolicy=local"),
        (NodePortSctp, IPPort, "Kubernetes nodeport SCTP port for masquerade purpose with type 'hash ip:port'"),
        (NodePortLocalSctp, IPPort, "Kubernetes nodeport SCTP port with externalTrafficPolicy=local with type 'hash ip:port'"),
        (HealthCheck, Ports, "Kubernetes health check node port"),
        (Addresses, "hash:ip", "Addresses on the ipvs interface"),
    ];

    /// <summary>All sets of a node in one family, by kube-proxy's name for IPv4.</summary>
    /// <param name="node">The node.</param>
    /// <param name="bound">The service addresses that it holds.</param>
    internal static Dictionary<string, IpSet> Of(NodeView node, IEnumerable<IPAddress> bound)
    {
        (string Set, string Entry)[] entries = [.. node.Services.SelectMany(Of), .. bound.Select(address => (Addresses, $"{address}"))];
        ILookup<string, string> bySet = entries.Distinct().ToLookup(entry => entry.Set, entry => entry.Entry);
        return All.ToDictionary(set => set.Name, set => new IpSet(node.IsIPv4 ? set.Name : Name6(set.Name), set.Type, set.Comment, [.. bySet[set.Name]]));
    }

    /// <summary>What <c>ipset restore</c> has to be told to turn sets into others; empty when they are equal.</summary>
    /// <param name="existing">The lines of those that exist, as written here or by <c>ipset save</c>.</param>
    /// <param name="wanted">Those that are wanted. Sets are never taken away: they are always the same ones.</param>
    internal static string Change(IEnumerable<string> existing, IEnumerable<IpSet> wanted)
    {
        // "create name …": what else stands there depends on who wrote it.
        var before = existing.Select(line => line.StartsWith("create ", StringComparison.Ordinal) ? string.Join(' ', line.Split(' ').Take(2)) : line).ToHashSet(StringComparer.Ordinal);
        IpSet[] sets = [.. wanted];
        var lines = new StringBuilder();
        foreach (IpSet set in sets.Where(set => !before.Contains($"create {set.Name}"))) _ = lines.Append(set.Create).Append('\n');
        string[] adds = [.. sets.SelectMany(set => set.Adds)];
        foreach (string add in adds.Where(add => !before.Contains(add))) _ = lines.Append(add).Append('\n');
        var own = sets.Select(set => set.Name).ToHashSet(StringComparer.Ordinal);
        foreach (string add in before.Except(adds).Where(line => line.StartsWith("add ", StringComparison.Ordinal) && own.Contains(line.Split(' ')[1]))) _ = lines.Append("del").Append(add.AsSpan("add".Length)).Append('\n');
        return lines.ToString();
    }

    /// <summary>The lines that make it and fill it.</summary>
    internal IEnumerable<string> Lines => [Create, .. Adds];

    private string Create => $"create {Name} {Type} {(Type == Ports ? "range 0-65535" : $"family {(Name.StartsWith(Prefix6, StringComparison.Ordinal) ? "inet6" : "inet")} hashsize 1024 maxelem 65536")}";

    private IEnumerable<string> Adds => Entries.Select(entry => $"add {Name} {entry}");

    private const string Prefix = "KUBE-", Prefix6 = "KUBE-6-";

    // A name has room for 31 characters.
    private static string Name6(string name) => string.Concat(Prefix6, name.AsSpan(Prefix.Length)) is { Length: > 31 } full ? full[..31] : string.Concat(Prefix6, name.AsSpan(Prefix.Length));

    private static IEnumerable<(string Set, string Entry)> Of(NodeService node)
    {
        FamilyService service = node.Service;
        string port = string.Create(CultureInfo.InvariantCulture, $"{service.Protocol}:{service.Port.Port}");
        foreach (FamilyEndpoint endpoint in node.Local)
            yield return (LoopBack, string.Create(CultureInfo.InvariantCulture, $"{endpoint.Endpoint.Address},{service.Protocol}:{endpoint.Endpoint.Port},{endpoint.Endpoint.Address}"));
        if (service.ClusterAddress is { } cluster) yield return (Cluster, $"{cluster},{port}");
        foreach (IPAddress balancer in service.LoadBalancerAddresses)
        {
            yield return (LoadBalancer, $"{balancer},{port}");
            if (node.IsExternalLocal) yield return (LoadBalancerLocal, $"{balancer},{port}");
        }

        if (service.Port.NodePort is 0) yield break;
        string nodePort = service.Port.NodePort.ToString(CultureInfo.InvariantCulture);
        bool tcp = service.Protocol == "tcp";
        yield return (tcp ? NodePortTcp : NodePortUdp, nodePort);
        if (node.IsExternalLocal) yield return (tcp ? NodePortLocalTcp : NodePortLocalUdp, nodePort);
    }
}
