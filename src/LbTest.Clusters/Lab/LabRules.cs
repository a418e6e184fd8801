using LbTest.Clusters.Lab.Dataplanes;
using LbTest.Clusters.Lab.Kernels;
using LbTest.Clusters.Tools;

namespace LbTest.Clusters.Lab;

/// <summary>The service rules of a lab's nodes: what is in force on each, and what its kernel has counted since the lab was started.</summary>
/// <remarks>
/// Replaced rules take their counters along; what they had counted is read a moment before and added. The few connections that come
/// between the reading and the replacing are counted by nobody.
/// </remarks>
internal sealed class LabRules(LabTopology topology)
{
    private readonly ImmutableArray<NodeRules> _nodes = [.. topology.Nodes.Select(node => new NodeRules(node))];

    /// <summary>Puts the rules of a state in force on all nodes that can be reached, side by side.</summary>
    /// <param name="state">The state.</param>
    /// <param name="forgetDatagrams">True: nodes forget the UDP flows of endpoints that leave, as kube-proxy makes them; else such a flow goes on to where nobody is.</param>
    /// <exception cref="ToolException">A node's tool failed; the other nodes have the new rules.</exception>
    internal void Apply(LabState state, bool forgetDatagrams = false)
    {
        LabRuleSet rules = state.Rules();
        // A node that is cut off hears of nothing until it is back.
        // Those that traffic enters through come first: on most of the others nobody waits.
        var entries = topology.EntryNodes.Select(node => node.Name).ToHashSet();
        SideBySide.Run(
            _nodes.Where(node => !state.Silent.Contains(node.Node.Name)).OrderBy(node => !entries.Contains(node.Node.Name)), node => node.Node.Name, node => node.Apply(rules, forgetDatagrams));
    }

    /// <summary>What the kernel counted since the lab was started, node by node.</summary>
    internal async Task<ImmutableArray<EndpointCounter>> ObserveAsync(CancellationToken cancel)
    {
        // IPVS sums up every two seconds (ip_vs_est.c): what is read now has all that came before.
        if (_nodes.Any(node => node.Mode == ProxyMode.Ipvs)) await Task.Delay(TimeSpan.FromSeconds(2.2), cancel).ConfigureAwait(false);
        return [.. _nodes.SelectMany(node => node.Observe())];
    }

    /// <summary>Reads something of some nodes, of each in its namespace while nobody changes its rules. Nodes in another mode than the wanted one are left out.</summary>
    internal ImmutableArray<T> Read<T>(IReadOnlyCollection<LabNode> nodes, ProxyMode mode, Func<LabNode, T> read)
    {
        NodeRules[] chosen = [.. _nodes.Where(node => nodes.Contains(node.Node))];
        var found = new ImmutableArray<T>[chosen.Length];
        SideBySide.Run(Enumerable.Range(0, chosen.Length), i => chosen[i].Node.Name, i => found[i] = chosen[i].Read(mode, read));
        return [.. found.SelectMany(one => one)];
    }

    private sealed class NodeRules(LabNode node)
    {
        private readonly Lock _lock = new();
        private readonly Dictionary<(string Service, string Endpoint, IPAddress Address), EndpointCounter> _before = [];
        // The modes that there may be rules of: more than one after a change that failed.
        private readonly HashSet<ProxyMode> _modes = [];
        private LabRuleSet? _inForce;

        internal LabNode Node => node;

        internal ProxyMode? Mode => _inForce?.Mode;

        // Called in the node's namespace.
        internal void Apply(LabRuleSet rules, bool forgetDatagrams)
        {
            lock (_lock)
            {
                if (_inForce?.Key == rules.Key) return;
                LabRuleSet? old = _inForce;
                // Should this fail, nobody knows what is in force: the next time all is replaced.
                _inForce = null;
                ProxyMode[] others = [.. _modes.Where(mode => mode != rules.Mode)];
                _ = _modes.Add(rules.Mode);
                if (others.Length > 0)
                {
                    if (old is not null) Keep(Count(old));
                    ChangeMode(others, rules);
                }
                else if (old is not null) Dataplane.For(rules.Mode).Apply(Desired(rules), Desired(old), Keep);
                else Dataplane.For(rules.Mode).Apply(Desired(rules));

                _modes.IntersectWith([rules.Mode]);
                if (old is not null && forgetDatagrams) Forget(Gone(old, rules));
                _inForce = rules;
            }
        }

        internal ImmutableArray<EndpointCounter> Observe()
        {
            lock (_lock)
            {
                ImmutableArray<EndpointCounter> now = _inForce is { } rules ? LabNetwork.Namespace(node.Name).Run(() => Count(rules)) : [];
                var rest = new Dictionary<(string, string, IPAddress), EndpointCounter>(_before);
                return [.. now.Select(counter => rest.Remove(Key(counter), out EndpointCounter? before) ? Add(before, counter) : counter), .. rest.Values];
            }
        }

        // Called in the node's namespace.
        internal ImmutableArray<T> Read<T>(ProxyMode mode, Func<LabNode, T> read)
        {
            lock (_lock) return _inForce?.Mode == mode ? [read(node)] : [];
        }

        private ImmutableArray<EndpointCounter> Count(LabRuleSet rules) => Dataplane.For(rules.Mode).Observe(Desired(rules));

        private DesiredState Desired(LabRuleSet rules) => LabTopology.DesiredState(node, rules.Services) with { Scheduler = rules.Scheduler };

        private void Keep(ImmutableArray<EndpointCounter> counters)
        {
            foreach (EndpointCounter counter in counters) _before[Key(counter)] = _before.TryGetValue(Key(counter), out EndpointCounter? before) ? Add(before, counter) : counter;
        }

        // A real node has NAT chains of others too, the kubelet's for one: the kernel goes on translating the connections that exist. Without
        // any such chain it would leave them alone for a moment, and the node would reset what comes back to it. A user-mode kernel has no such
        // tables; there what is left of iptables does it. Connections that IPVS has are in its own table, which goes with that mode: they are lost.
        private void ChangeMode(ProxyMode[] from, LabRuleSet rules)
        {
            const string others = "lbtest-others";
            string[] families = Guest.Inside || Tool.Find("nft") is null ? [] : ["ip", "ip6"];
            foreach (string family in families) _ = Tool.Run("nft", ["-f", "-"], $"table {family} {others} {{\n chain nat {{\n type nat hook prerouting priority 0\n }}\n}}\n");
            try
            {
                foreach (ProxyMode mode in from) Dataplane.For(mode).Remove();
                Dataplane.For(rules.Mode).Apply(Desired(rules));
            }
            finally
            {
                foreach (string family in families) _ = Tool.Run("nft", ["delete", "table", family, others]);
            }
        }

        private static IEnumerable<IPAddress> Gone(LabRuleSet old, LabRuleSet rules)
        {
            var left = rules.Services.SelectMany(s => s.Endpoints).Select(e => e.Address).ToHashSet();
            return old.Services.SelectMany(s => s.Endpoints).Select(e => e.Address).Where(a => !left.Contains(a)).Distinct();
        }

        private static void Forget(IEnumerable<IPAddress> endpoints)
        {
            string[] lines = [.. endpoints.Select(a => $"-D -p udp -f {(a.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork ? "ipv4" : "ipv6")} -r {a}\n")];
            if (lines.Length > 0) _ = Tool.Run("conntrack", ["-R", "-"], string.Concat(lines));
        }

        private static (string, string, IPAddress) Key(EndpointCounter counter) => (counter.Service, counter.EndpointName, counter.Address);

        private static EndpointCounter Add(EndpointCounter one, EndpointCounter other) => other with { Packets = one.Packets + other.Packets, Bytes = one.Bytes + other.Bytes };
    }
}
