using System.Net.Sockets;
using System.Text;

namespace LbTest.Clusters.Lab.Dataplanes;

/// <summary>Writes the input of <c>nft -f</c> for one node and one address family.</summary>
internal sealed class NftablesRules
{
    private readonly NodeView _node;
    private readonly string _ip, _address;
    private readonly List<string> _clusterIPs = [], _serviceIPs = [], _serviceNodePorts = [];
    private readonly List<string> _noEndpointServices = [], _noEndpointNodePorts = [];

    // Chains of endpoints with their affinity sets, one text each; and chains of services, which lead to them.
    private readonly List<string> _endpoints = [], _services = [];

    // The chain that is being written.
    private readonly StringBuilder _chain = new();
    private int _rules;

    private NftablesRules(NodeView node)
    {
        _node = node;
        (_ip, _address) = node.IsIPv4 ? ("ip", "ipv4_addr") : ("ip6", "ipv6_addr");
    }

    /// <summary>The whole state, for one transaction.</summary>
    internal static string Render(DesiredState state, AddressFamily family) => string.Concat(Stages(state, family));

    /// <summary>The same in parts, each of which is a transaction that nft takes on its own; only the last one puts rules in force.</summary>
    internal static ImmutableArray<string> Stages(DesiredState state, AddressFamily family)
    {
        var rules = new NftablesRules(new NodeView(state, family));
        foreach (NodeService service in rules._node.Services) rules.Add(service);
        IEnumerable<string> chains = [.. rules._endpoints.Chunk(PerStage).Select(chunk => string.Concat(chunk)), .. rules._services];
        return [rules.EmptyTable, .. chains.Select(text => $"table {rules._ip} kube-proxy {{\n{text}}}\n"), rules.InForce];
    }

    // So many endpoints, or rules of one chain, fit in a transaction of an ordinary user with room to spare.
    private const int PerStage = 50;

    // 'add, delete, add' in one transaction replaces the table whether or not it is there.
    private string EmptyTable => $$"""
        add table {{_ip}} kube-proxy
        delete table {{_ip}} kube-proxy
        table {{_ip}} kube-proxy {
          comment "rules for kube-proxy"
          chain mark-for-masquerade {
            mark set mark or 0x4000
          }
        }

        """;

    // nft 1.0.6 wants a ';' before a '}' on the same line, and knows no name for priority -100 in an output hook.
    private string InForce => $$"""
        table {{_ip}} kube-proxy {
          set cluster-ips { type {{_address}}; comment "Active ClusterIPs"; {{Elements(_clusterIPs.Distinct())}}}
          set nodeport-ips { type {{_address}}; comment "IPs that accept NodePort traffic"; {{Elements(_node.NodeAddresses.Distinct())}}}
          map service-ips {
            type {{_address}} . inet_proto . inet_service : verdict; comment "ClusterIP, ExternalIP and LoadBalancer IP traffic"
            {{Elements(_serviceIPs)}}
          }
          map service-nodeports { type inet_proto . inet_service : verdict; comment "NodePort traffic"; {{Elements(_serviceNodePorts)}}}
          map no-endpoint-services {
            type {{_address}} . inet_proto . inet_service : verdict; comment "vmap to drop or reject packets to services with no endpoints"
            {{Elements(_noEndpointServices)}}
          }
          map no-endpoint-nodeports {
            type inet_proto . inet_service : verdict; comment "vmap to drop or reject packets to service nodeports with no endpoints"
            {{Elements(_noEndpointNodePorts)}}
          }
          chain filter-forward {
            type filter hook forward priority 0
            ct state invalid drop
            ct state new jump service-endpoints-check
            ct state new jump cluster-ips-check
          }
          chain filter-input {
            type filter hook input priority 0
            ct state new jump nodeport-endpoints-check
            ct state new jump service-endpoints-check
          }
          chain filter-output {
            type filter hook output priority 0
            ct state new jump service-endpoints-check
            ct state new jump cluster-ips-check
          }
          chain nat-prerouting {
            type nat hook prerouting priority -100
            jump services
          }
          chain nat-output {
            type nat hook output priority -100
            jump services
          }
          chain nat-postrouting {
            type nat hook postrouting priority 100
            jump masquerading
          }
          chain cluster-ips-check {
            {{_ip}} daddr @cluster-ips reject comment "Reject traffic to invalid ports of ClusterIPs"
            {{DropUnallocated}}
          }
          chain service-endpoints-check {
            {{_ip}} daddr . meta l4proto . th dport vmap @no-endpoint-services
          }
          chain nodeport-endpoints-check {
            {{_ip}} daddr @nodeport-ips meta l4proto . th dport vmap @no-endpoint-nodeports
          }
          chain reject-chain {
            comment "helper for @no-endpoint-services / @no-endpoint-nodeports"
            reject
          }
          chain masquerading {
            mark and 0x4000 == 0 return
            mark set mark xor 0x4000
            masquerade fully-random
          }
          chain services {
            {{_ip}} daddr . meta l4proto . th dport vmap @service-ips
            {{_ip}} daddr @nodeport-ips meta l4proto . th dport vmap @service-nodeports
          }
        }

        """;

    private string DropUnallocated => _node.ServiceNetwork is { } network
        ? $"{_ip} daddr {{ {network} }} drop comment \"Drop traffic to unallocated ClusterIPs\"" : "";

    private void Add(NodeService node)
    {
        FamilyService service = node.Service;
        string name = service.NftablesName, cluster = "service-" + name, local = "local-" + name, external = "external-" + name;
        AddClusterAddress(node, node.IsInternalLocal ? local : cluster);
        if (node.HasExternalTraffic) AddExternalAddresses(node, external);
        if (node.UsesCluster) AddBalancing(cluster, node, service.Endpoints, isInternal: !node.IsInternalLocal);
        if (!node.Local.IsEmpty && (node.IsInternalLocal || (node.IsExternalLocal && node.HasExternalTraffic)))
            AddBalancing(local, node, node.Local, isInternal: node.IsInternalLocal);
        if (node.HasExternalTraffic && !service.Endpoints.IsEmpty) AddExternal(node, external, cluster, local);
        foreach (FamilyEndpoint endpoint in node.Reachable) AddEndpoint(service, endpoint);
    }

    private void AddClusterAddress(NodeService node, string chain)
    {
        if (node.Service.ClusterAddress is not { } address) return;
        _clusterIPs.Add(address.ToString());
        string key = Key(address, node.Service);
        if (node.Internal.IsEmpty) _noEndpointServices.Add(NoEndpoint(key, node));
        else _serviceIPs.Add($"{key} : goto {chain}");
    }

    private void AddExternalAddresses(NodeService node, string chain)
    {
        FamilyService service = node.Service;
        foreach (IPAddress address in service.LoadBalancerAddresses) Add(Key(address, service), _serviceIPs, _noEndpointServices);
        if (service.Port.NodePort is not 0 and int port) Add($"{service.Protocol} . {port}", _serviceNodePorts, _noEndpointNodePorts);

        // Both may apply: with policy Local and no local endpoint the chain serves pods and the node itself; what it lets pass is dropped.
        void Add(string key, List<string> endpoints, List<string> noEndpoints)
        {
            if (!service.Endpoints.IsEmpty) endpoints.Add($"{key} : goto {chain}");
            if (node.External.IsEmpty) noEndpoints.Add(NoEndpoint(key, node));
        }
    }

    private void AddBalancing(string chain, NodeService node, ImmutableArray<FamilyEndpoint> endpoints, bool isInternal)
    {
        FamilyService service = node.Service;
        Open(chain);
        if (isInternal && service.ClusterAddress is { } address && _node.PodNetwork is { } pods)
            Rule($"{_ip} daddr {address} {service.Protocol} dport {service.Port.Port} {_ip} saddr != {pods} jump mark-for-masquerade");
        if (service.AffinitySeconds is not null)
            foreach (FamilyEndpoint endpoint in endpoints)
            {
                Rule($"{_ip} saddr @affinity-{endpoint.NftablesName} goto endpoint-{endpoint.NftablesName}");
                // The next part of a chain goes on where the last one ended.
                if (_rules < PerStage) continue;
                Close();
                Open(chain);
            }
        string goals = string.Join(", ", endpoints.Select((endpoint, i) => $"{i} : goto endpoint-{endpoint.NftablesName}"));
        Rule($"numgen random mod {endpoints.Length} vmap {{ {goals} }}");
        Close();
    }

    private void AddExternal(NodeService node, string chain, string cluster, string local)
    {
        Open(chain);
        if (node.IsExternalLocal)
        {
            if (_node.PodNetwork is { } pods) Rule($"{_ip} saddr {pods} goto {cluster} comment \"short-circuit pod traffic\"");
            Rule("fib saddr type local jump mark-for-masquerade comment \"masquerade local traffic\"");
            Rule($"fib saddr type local goto {cluster} comment \"short-circuit local traffic\"");
            if (!node.Local.IsEmpty) Rule($"goto {local}");
        }
        else
        {
            Rule("jump mark-for-masquerade");
            Rule($"goto {cluster}");
        }
        Close();
    }

    private void AddEndpoint(FamilyService service, FamilyEndpoint endpoint)
    {
        string affinity = "affinity-" + endpoint.NftablesName;
        string set = service.AffinitySeconds is { } seconds ? $"  set {affinity} {{ type {_address}; flags dynamic,timeout; timeout {seconds}s; }}\n" : "";
        string update = set.Length > 0 ? $"    update @{affinity} {{ {_ip} saddr }}\n" : "";
        // An endpoint that reaches itself would see its own address as the source. The counter is ours: what Observe reads.
        _endpoints.Add($$"""
            {{set}}  chain endpoint-{{endpoint.NftablesName}} {
                {{_ip}} saddr {{endpoint.Endpoint.Address}} jump mark-for-masquerade
            {{update}}    meta l4proto {{service.Protocol}} counter dnat to {{endpoint.Target}}
              }

            """);
    }

    private static string Key(IPAddress address, FamilyService service) => $"{address} . {service.Protocol} . {service.Port.Port}";

    // No endpoint anywhere is an error that the client is told of; none here may be a moment in a rollout, so its packet is only dropped.
    private static string NoEndpoint(string key, NodeService node) =>
        $"{key} comment \"{node.Service.Port.FullName}\" : {(node.Service.Endpoints.IsEmpty ? "goto reject-chain" : "drop")}";

    private static string Elements<T>(IEnumerable<T> elements)
    {
        string all = string.Join(", ", elements);
        // nft knows no empty list.
        return all.Length == 0 ? "" : $"elements = {{ {all} }}; ";
    }

    private void Open(string chain) => _chain.Append("  chain ").Append(chain).Append(" {\n");

    private void Rule(string rule)
    {
        _ = _chain.Append("    ").Append(rule).Append('\n');
        _rules++;
    }

    private void Close()
    {
        _services.Add(_chain.Append("  }\n").ToString());
        _ = _chain.Clear();
        _rules = 0;
    }
}
