using LbTest.Clusters.Lab.Dataplanes;

namespace LbTest.Clusters.Lab;

/// <summary>What a lab is meant to be at a moment: what its nodes' rules hold, where the router sends, who answers. The topology does not change.</summary>
/// <remarks>A disturbance is a step from one state to another; <see cref="LabControl"/> puts a state in force.</remarks>
internal sealed record LabState(LabTopology Topology)
{
    /// <summary>The proxy mode in force.</summary>
    internal ProxyMode Mode { get; init; } = Topology.Spec.ProxyMode;

    /// <summary>In mode IPVS: the scheduler in force.</summary>
    internal IpvsScheduler Scheduler { get; init; } = Topology.Spec.IpvsScheduler;

    /// <summary>Both of them; setting it sets them.</summary>
    internal LabMode Balancing
    {
        get => new(Mode, Scheduler);
        init => (Mode, Scheduler) = (value.Mode, value.Scheduler ?? default);
    }

    /// <summary>True once the service has its ports for traffic tests.</summary>
    internal bool Traffic { get; init; }

    /// <summary>Endpoints that the topology does not know: a rollout's.</summary>
    internal ImmutableArray<LabEndpoint> Extra { get; init; } = [];

    /// <summary>Those of the endpoints that do not exist, not yet or not any more.</summary>
    internal ImmutableHashSet<string> Absent { get; init; } = [];

    /// <summary>Endpoints that are in no rules.</summary>
    internal ImmutableHashSet<string> Out { get; init; } = [];

    /// <summary>Endpoints that do not listen, and how they ended their connections.</summary>
    internal ImmutableDictionary<string, ConnectionEnd> Refusing { get; init; } = ImmutableDictionary<string, ConnectionEnd>.Empty;

    /// <summary>Endpoints and nodes that everything to and from is dropped of.</summary>
    internal ImmutableHashSet<string> Silent { get; init; } = [];

    /// <summary>Nodes that the others know to be gone: their endpoints are in no rules, and the router does not send there.</summary>
    internal ImmutableHashSet<string> NodesOut { get; init; } = [];

    /// <summary>Nodes that the router does not send to.</summary>
    internal ImmutableHashSet<string> EcmpOut { get; init; } = [];

    /// <summary>All endpoints that exist.</summary>
    internal ImmutableArray<LabEndpoint> Endpoints => [.. Topology.Endpoints.Concat(Extra).Where(e => !Absent.Contains(e.Name))];

    /// <summary>The endpoints that the rules choose from.</summary>
    internal ImmutableArray<LabEndpoint> InRules => [.. Endpoints.Where(e => !Out.Contains(e.Name) && !NodesOut.Contains(e.Node))];

    /// <summary>True when an endpoint is in the rules and answers.</summary>
    internal bool IsUp(LabEndpoint endpoint) =>
        !Out.Contains(endpoint.Name) && !Refusing.ContainsKey(endpoint.Name) && !Silent.Contains(endpoint.Name) && !Silent.Contains(endpoint.Node) && !NodesOut.Contains(endpoint.Node);

    /// <summary>The nodes that the router sends to. A group cannot be empty: when all are gone it has all, and nobody answers.</summary>
    internal ImmutableArray<LabNode> EcmpTargets
    {
        get
        {
            ImmutableArray<LabNode> targets = [.. Topology.EntryNodes.Where(n => !EcmpOut.Contains(n.Name) && !(Topology.Spec.Ecmp && NodesOut.Contains(n.Name)))];
            return targets.IsEmpty ? Topology.EntryNodes : targets;
        }
    }

    /// <summary>What the rules of every node are made from.</summary>
    internal LabRuleSet Rules() => new(Mode, Scheduler, Topology.Services(InRules, Traffic), RulesKey);

    /// <summary>Equal for states with equal rules.</summary>
    internal string RulesKey => $"{Mode} {(Mode == ProxyMode.Ipvs ? Scheduler : default)} {Traffic} {string.Join(' ', InRules.Select(e => e.Name))}";
}

/// <summary>How an endpoint ends its connections as it ceases to listen.</summary>
internal enum ConnectionEnd
{
    /// <summary>By FIN, once it is out of the rules.</summary>
    Close,

    /// <summary>By RST, before anybody notices.</summary>
    Reset,
}

/// <summary>The rules of a state, the same for all nodes.</summary>
/// <param name="Mode">Whose dataplane they are.</param>
/// <param name="Scheduler">In mode IPVS: the scheduler.</param>
/// <param name="Services">The service ports.</param>
/// <param name="Key">Equal for equal rules.</param>
internal sealed record LabRuleSet(ProxyMode Mode, IpvsScheduler Scheduler, ImmutableArray<ServicePort> Services, string Key);
