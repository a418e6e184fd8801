using System.Text;

namespace LbTest.Clusters.Lab.Dataplanes;

/// <summary>Writes the input of <c>iptables-restore</c> for one node in mode IPVS, in one address family: what to masquerade and what to refuse. No rule names a service.</summary>
internal sealed class IpvsRules
{
    private readonly IReadOnlyDictionary<string, IpSet> _sets;
    private readonly StringBuilder _nat = new(), _filter = new();

    private IpvsRules(NodeView node, IReadOnlyDictionary<string, IpSet> sets)
    {
        _sets = sets;
        Nat("KUBE-SERVICES", $"-s {(node.IsIPv4 ? "127.0.0.0/8" : "::1/128")}", "RETURN");
        Nat("KUBE-POSTROUTING", IpSet.LoopBack, "dst,dst,src", "MASQUERADE");
        Nat("KUBE-SERVICES", IpSet.LoadBalancer, "dst,dst", "KUBE-LOAD-BALANCER");
        Nat("KUBE-LOAD-BALANCER", IpSet.LoadBalancerLocal, "dst,dst", "RETURN");
        Nat("KUBE-NODE-PORT -p tcp", IpSet.NodePortLocalTcp, "dst", "RETURN");
        Nat("KUBE-NODE-PORT -p tcp", IpSet.NodePortTcp, "dst", "KUBE-MARK-MASQ");
        Nat("KUBE-NODE-PORT -p udp", IpSet.NodePortLocalUdp, "dst", "RETURN");
        Nat("KUBE-NODE-PORT -p udp", IpSet.NodePortUdp, "dst", "KUBE-MARK-MASQ");
        // Where pods are not known: what the node itself sends to a service address comes from that address.
        if (node.PodNetwork is { } pods) Nat("KUBE-SERVICES", IpSet.Cluster, $"dst,dst ! -s {pods}", "KUBE-MARK-MASQ");
        else Nat("KUBE-SERVICES", IpSet.Cluster, "src,dst", "KUBE-MARK-MASQ");
        Nat("KUBE-SERVICES", "-m addrtype --dst-type LOCAL", "KUBE-NODE-PORT");
        Nat("KUBE-LOAD-BALANCER", "", "KUBE-MARK-MASQ");
        // Nothing behind these may stop what is for a virtual server.
        foreach (string set in (string[])[IpSet.Cluster, IpSet.LoadBalancer])
            if (!sets[set].Entries.IsEmpty) Nat("KUBE-SERVICES", Match(set, "dst,dst"), "ACCEPT");
        // Other ports of service addresses, where something on the node might listen.
        foreach (string set in (string[])[IpSet.LoadBalancer, IpSet.Cluster, IpSet.ExternalIP, IpSet.ExternalIPLocal]) Filter("KUBE-IPVS-FILTER", Match(set, "dst,dst"), "RETURN");
        Filter("KUBE-IPVS-FILTER", Match(IpSet.HealthCheck, "dst"), "RETURN");
        Filter("KUBE-IPVS-FILTER", $"-m conntrack --ctstate NEW {Match(IpSet.Addresses, "dst")}", "REJECT");
    }

    internal static string Render(NodeView node, IReadOnlyDictionary<string, IpSet> sets) => new IpvsRules(node, sets).ToString();

    /// <inheritdoc/>
    public override string ToString() => $"""
        *nat
        :PREROUTING ACCEPT [0:0]
        :INPUT ACCEPT [0:0]
        :OUTPUT ACCEPT [0:0]
        :POSTROUTING ACCEPT [0:0]
        :KUBE-LOAD-BALANCER - [0:0]
        :KUBE-MARK-MASQ - [0:0]
        :KUBE-NODE-PORT - [0:0]
        :KUBE-POSTROUTING - [0:0]
        :KUBE-SERVICES - [0:0]
        -A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
        -A OUTPUT -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
        -A POSTROUTING -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING
        {_nat}-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN
        -A KUBE-POSTROUTING -j MARK --set-xmark 0x4000/0x0
        -A KUBE-POSTROUTING -m comment --comment "kubernetes service traffic requiring SNAT" -j MASQUERADE --random-fully
        -A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000
        COMMIT
        *filter
        :INPUT ACCEPT [0:0]
        :FORWARD ACCEPT [0:0]
        :OUTPUT ACCEPT [0:0]
        :KUBE-FORWARD - [0:0]
        :KUBE-IPVS-FILTER - [0:0]
        :KUBE-IPVS-OUT-FILTER - [0:0]
        :KUBE-NODE-PORT - [0:0]
        :KUBE-PROXY-FIREWALL - [0:0]
        :KUBE-SOURCE-RANGES-FIREWALL - [0:0]
        -A INPUT -m comment --comment "kubernetes ipvs access filter" -j KUBE-IPVS-FILTER
        -A INPUT -m comment --comment "kube-proxy firewall rules" -j KUBE-PROXY-FIREWALL
        -A INPUT -m comment --comment "kubernetes health check rules" -j KUBE-NODE-PORT
        -A FORWARD -m comment --comment "kube-proxy firewall rules" -j KUBE-PROXY-FIREWALL
        -A FORWARD -m comment --comment "kubernetes forwarding rules" -j KUBE-FORWARD
        -A OUTPUT -m comment --comment "kubernetes ipvs access filter" -j KUBE-IPVS-OUT-FILTER
        -A KUBE-SOURCE-RANGES-FIREWALL -j DROP
        -A KUBE-FORWARD -m comment --comment "kubernetes forwarding rules" -m mark --mark 0x4000/0x4000 -j ACCEPT
        -A KUBE-FORWARD -m comment --comment "kubernetes forwarding conntrack rule" -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
        -A KUBE-NODE-PORT {Comment(IpSet.HealthCheck)} {Match(IpSet.HealthCheck, "dst")} -j ACCEPT
        {_filter}COMMIT

        """;

    // A set that is empty has no such rule.
    private void Nat(string chain, string set, string directions, string target)
    {
        if (!_sets[set].Entries.IsEmpty) Nat(chain, $"{Comment(set)} {Match(set, directions)}", target);
    }

    private void Nat(string chain, string match, string target) => Add(_nat, chain, match, target);

    private void Filter(string chain, string match, string target) => Add(_filter, chain, match, target);

    private static void Add(StringBuilder rules, string chain, string match, string target) =>
        rules.Append("-A ").Append(chain).Append(match.Length == 0 ? "" : " ").Append(match).Append(" -j ").Append(target).Append('\n');

    private string Match(string set, string directions) => $"-m set --match-set {_sets[set].Name} {directions}";

    private string Comment(string set) => $"-m comment --comment \"{_sets[set].Comment}\"";
}
