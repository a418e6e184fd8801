using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace LbTest.Clusters.Lab.Dataplanes;

/// <summary>Writes the input of <c>iptables-restore</c> for one node and one address family.</summary>
internal sealed class IptablesRules
{
    private readonly NodeView _node;
    private readonly string _host, _loopback, _reject;
    private readonly StringBuilder _natChains = new(), _nat = new(), _filter = new();

    private IptablesRules(NodeView node)
    {
        _node = node;
        (_host, _loopback, _reject) = node.IsIPv4
            ? ("/32", "127.0.0.0/8", "REJECT --reject-with icmp-port-unreachable")
            : ("/128", "::1/128", "REJECT --reject-with icmp6-port-unreachable");
    }

    internal static string Render(DesiredState state, AddressFamily family)
    {
        var rules = new IptablesRules(new NodeView(state, family));
        foreach (NodeService service in rules._node.Services) rules.Add(service);
        return rules.ToString();
    }

    /// <inheritdoc/>
    public override string ToString() => $"""
        *nat
        :PREROUTING ACCEPT [0:0]
        :INPUT ACCEPT [0:0]
        :OUTPUT ACCEPT [0:0]
        :POSTROUTING ACCEPT [0:0]
        :KUBE-MARK-DROP - [0:0]
        :KUBE-MARK-MASQ - [0:0]
        :KUBE-NODEPORTS - [0:0]
        :KUBE-POSTROUTING - [0:0]
        :KUBE-SERVICES - [0:0]
        {_natChains}-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
        -A OUTPUT -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
        -A POSTROUTING -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING
        -A KUBE-MARK-DROP -j MARK --set-xmark 0x8000/0x8000
        -A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000
        -A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN
        -A KUBE-POSTROUTING -j MARK --set-xmark 0x4000/0x0
        -A KUBE-POSTROUTING -m comment --comment "kubernetes service traffic requiring SNAT" -j MASQUERADE --random-fully
        {_nat}{NodePortRule}
        COMMIT
        *filter
        :INPUT ACCEPT [0:0]
        :FORWARD ACCEPT [0:0]
        :OUTPUT ACCEPT [0:0]
        :KUBE-EXTERNAL-SERVICES - [0:0]
        :KUBE-FIREWALL - [0:0]
        :KUBE-FORWARD - [0:0]
        :KUBE-SERVICES - [0:0]
        -A INPUT -m conntrack --ctstate NEW -m comment --comment "kubernetes externally-visible service portals" -j KUBE-EXTERNAL-SERVICES
        -A INPUT -j KUBE-FIREWALL
        -A FORWARD -m comment --comment "kubernetes forwarding rules" -j KUBE-FORWARD
        -A FORWARD -m conntrack --ctstate NEW -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
        -A FORWARD -m conntrack --ctstate NEW -m comment --comment "kubernetes externally-visible service portals" -j KUBE-EXTERNAL-SERVICES
        -A OUTPUT -m conntrack --ctstate NEW -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
        -A OUTPUT -j KUBE-FIREWALL
        -A KUBE-FIREWALL -m comment --comment "kubernetes firewall for dropping marked packets" -m mark --mark 0x8000/0x8000 -j DROP
        -A KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP
        -A KUBE-FORWARD -m comment --comment "kubernetes forwarding rules" -m mark --mark 0x4000/0x4000 -j ACCEPT
        -A KUBE-FORWARD -m comment --comment "kubernetes forwarding conntrack pod source rule" {Established}
        -A KUBE-FORWARD -m comment --comment "kubernetes forwarding conntrack pod destination rule" {Established}
        {_filter}COMMIT

        """;

    private const string Established = "-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT";

    private const string NodePortRule =
        "-A KUBE-SERVICES -m comment --comment \"kubernetes service nodeports; NOTE: this must be the last rule in this chain\" "
        + "-m addrtype --dst-type LOCAL -j KUBE-NODEPORTS";

    private void Add(NodeService node)
    {
        if (node.Service.Endpoints.IsEmpty)
        {
            AddRejects(node.Service);
            return;
        }
        string hash = node.Service.IptablesHash, cluster = "KUBE-SVC-" + hash;
        if (node.UsesCluster)
        {
            AddChain(cluster);
            AddBalancing(cluster, node.Service, node.Service.Endpoints);
        }
        AddClusterAddress(node, cluster);
        if (node.HasExternalTraffic) AddExternal(node, cluster);
        foreach (FamilyEndpoint endpoint in node.Reachable) AddEndpoint(node.Service, endpoint);
    }

    private void AddRejects(FamilyService service)
    {
        if (service.ClusterAddress is { } address)
            Filter($"KUBE-SERVICES -d {address}{_host} {Match(service, " has no endpoints", service.Port.Port)} -j {_reject}");
        foreach (IPAddress balancer in service.LoadBalancerAddresses)
            Filter($"KUBE-EXTERNAL-SERVICES -d {balancer}{_host} {Match(service, " has no endpoints", service.Port.Port)} -j {_reject}");
        if (service.Port.NodePort is not 0 and int port)
            Filter($"KUBE-EXTERNAL-SERVICES {Match(service, " has no endpoints", port)} -m addrtype --dst-type LOCAL -j {_reject}");
    }

    private void AddClusterAddress(NodeService node, string cluster)
    {
        FamilyService service = node.Service;
        if (service.ClusterAddress is not { } address) return;
        if (node.Internal.IsEmpty)
        {
            Filter($"KUBE-SERVICES -d {address}{_host} {Match(service, " has no local endpoints", service.Port.Port)} -j DROP");
            return;
        }
        string chain = node.IsInternalLocal ? "KUBE-SVL-" + service.IptablesHash : cluster;
        string match = $"-d {address}{_host} {Match(service, " cluster IP", service.Port.Port)}";
        if (_node.PodNetwork is { } pods) Nat($"KUBE-SERVICES ! -s {pods} {match} -j KUBE-MARK-MASQ");
        Nat($"KUBE-SERVICES {match} -j {chain}");
        if (!node.IsInternalLocal) return;
        AddChain(chain);
        AddBalancing(chain, service, node.Local);
    }

    private void AddExternal(NodeService node, string cluster)
    {
        FamilyService service = node.Service;
        string firewall = "KUBE-FW-" + service.IptablesHash;
        string chain = node.IsExternalLocal ? "KUBE-XLB-" + service.IptablesHash : cluster;
        if (!service.LoadBalancerAddresses.IsEmpty)
        {
            string comment = Comment(service, " loadbalancer IP");
            AddChain(firewall);
            foreach (IPAddress balancer in service.LoadBalancerAddresses)
                Nat($"KUBE-SERVICES -d {balancer}{_host} {Match(service, " loadbalancer IP", service.Port.Port)} -j {firewall}");
            if (!node.IsExternalLocal) Nat($"{firewall} {comment} -j KUBE-MARK-MASQ");
            Nat($"{firewall} {comment} -j {chain}");
            Nat($"{firewall} {comment} -j KUBE-MARK-DROP");
        }
        if (service.Port.NodePort is not 0 and int port)
        {
            // With policy Local only loopback is masqueraded: an endpoint could not answer to it.
            string source = node.IsExternalLocal ? $"-s {_loopback} " : "";
            Nat($"KUBE-NODEPORTS {source}{Match(service, "", port)} -j KUBE-MARK-MASQ");
            Nat($"KUBE-NODEPORTS {Match(service, "", port)} -j {chain}");
        }
        if (node.IsExternalLocal) AddExternalLocal(node, chain, cluster);
    }

    private void AddExternalLocal(NodeService node, string chain, string cluster)
    {
        string name = node.Service.Port.FullName;
        AddChain(chain);
        const string Local = "-m addrtype --src-type LOCAL";
        if (_node.PodNetwork is { } pods)
        {
            string redirect = "-m comment --comment \"Redirect pods trying to reach external loadbalancer VIP to clusterIP\"";
            Nat($"{chain} -s {pods} {redirect} -j {cluster}");
        }
        Nat($"{chain} -m comment --comment \"masquerade LOCAL traffic for {name} LB IP\" {Local} -j KUBE-MARK-MASQ");
        Nat($"{chain} -m comment --comment \"route LOCAL traffic for {name} LB IP to service chain\" {Local} -j {cluster}");
        if (node.Local.IsEmpty) Nat($"{chain} {Comment(node.Service, " has no local endpoints")} -j KUBE-MARK-DROP");
        else AddBalancing(chain, node.Service, node.Local, numbered: true);
    }

    private void AddBalancing(string chain, FamilyService service, ImmutableArray<FamilyEndpoint> endpoints, bool numbered = false)
    {
        string comment = Comment(service, "");
        if (service.AffinitySeconds is { } seconds)
            foreach (FamilyEndpoint endpoint in endpoints)
            {
                string sep = endpoint.IptablesChain;
                Nat($"{chain} {comment} -m recent --rcheck --seconds {seconds} --reap --name {sep} --rsource -j {sep}");
            }
        for (int i = 0; i < endpoints.Length; i++)
        {
            if (numbered) comment = $"-m comment --comment \"Balancing rule {i} for {service.Port.FullName}\"";
            // Of those that reach rule i, one in as many as there are endpoints left takes it: each endpoint gets the same share.
            int left = endpoints.Length - i;
            string chance = left == 1 ? ""
                : $" -m statistic --mode random --probability {(1.0 / left).ToString("F10", CultureInfo.InvariantCulture)}";
            Nat($"{chain} {comment}{chance} -j {endpoints[i].IptablesChain}");
        }
    }

    private void AddEndpoint(FamilyService service, FamilyEndpoint endpoint)
    {
        string chain = endpoint.IptablesChain, comment = Comment(service, "");
        string remember = service.AffinitySeconds is null ? "" : $"-m recent --set --name {chain} --rsource ";
        AddChain(chain);
        Nat($"{chain} -s {endpoint.Endpoint.Address}{_host} {comment} -j KUBE-MARK-MASQ");
        Nat($"{chain} -p {service.Protocol} {comment} {remember}-m {service.Protocol} -j DNAT --to-destination {endpoint.Target}");
    }

    private static string Match(FamilyService service, string comment, int port) =>
        $"-p {service.Protocol} {Comment(service, comment)} -m {service.Protocol} --dport {port}";

    private static string Comment(FamilyService service, string text) => $"-m comment --comment \"{service.Port.FullName}{text}\"";

    private void AddChain(string name) => _natChains.Append(':').Append(name).Append(" - [0:0]\n");

    private void Nat(string rule) => _nat.Append("-A ").Append(rule).Append('\n');

    private void Filter(string rule) => _filter.Append("-A ").Append(rule).Append('\n');
}
