using LbTest.Clusters.Lab.Dataplanes;
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
    internal ImmutableArray<EndpointCounter> Observe() => [.. _nodes.SelectMany(node => node.Observe())];

    private sealed class NodeRules(LabNode node)
    {
        private readonly Lock _lock = new();
        private readonly Dictionary<(string Service, string Endpoint, IPAddress Address), EndpointCounter> _before = [];
        private LabRuleSet? _inForce;

        internal LabNode Node => node;

        // Called in the node's namespace.
        internal void Apply(LabRuleSet rules, bool forgetDatagrams)
        {
            lock (_lock)
            {
                if (_inForce?.Key == rules.Key) return;
                IDataplane dataplane = Dataplane.For(rules.Mode);
                LabRuleSet? old = _inForce;
                // Should this fail, nobody knows what is in force: the next time all is replaced.
                _inForce = null;
                if (old is not null) Keep(Count(old));
                if (old is not null && old.Mode != rules.Mode) ChangeMode(old, rules);
                else dataplane.Apply(Desired(rules));
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

        private ImmutableArray<EndpointCounter> Count(LabRuleSet rules) => Dataplane.For(rules.Mode).Observe(Desired(rules));

        private DesiredState Desired(LabRuleSet rules) => LabTopology.DesiredState(node, rules.Services);

        private void Keep(ImmutableArray<EndpointCounter> counters)
        {
            foreach (EndpointCounter counter in counters) _before[Key(counter)] = _before.TryGetValue(Key(counter), out EndpointCounter? before) ? Add(before, counter) : counter;
        }

        // A real node has NAT chains of others too, the kubelet's for one: the kernel goes on translating the connections that exist. Without
        // any such chain it would leave them alone for a moment, and the node would reset what comes back to it.
        private void ChangeMode(LabRuleSet old, LabRuleSet rules)
        {
            const string others = "lbtest-others";
            string[] families = Tool.Find("nft") is null ? [] : ["ip", "ip6"];
            foreach (string family in families) _ = Tool.Run("nft", ["-f", "-"], $"table {family} {others} {{\n chain nat {{\n type nat hook prerouting priority 0\n }}\n}}\n");
            try
            {
                Dataplane.For(old.Mode).Remove();
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
