using LbTest.Clusters.Lab.Dataplanes;
using LbTest.Clusters.Lab.Kernels;
using LbTest.Engine;

namespace LbTest.Clusters.Lab;

/// <summary>A lab, described: what Start-LbCluster was asked for.</summary>
public sealed record LabSpec
{
    /// <summary>The lab's name: letters, digits, '.', '_' and '-', at most 60.</summary>
    public required string Name { get; init; }

    /// <summary>How its nodes balance.</summary>
    public ProxyMode ProxyMode { get; init; } = ProxyMode.Nftables;

    /// <summary>In mode IPVS: how its virtual servers choose; default round robin, as kube-proxy's.</summary>
    public IpvsScheduler IpvsScheduler { get; init; }

    /// <summary>Whose kernel it runs on. A lab that was built says which it is, never <see cref="LabKernel.Auto"/>.</summary>
    public LabKernel Kernel { get; init; }

    /// <summary>How many nodes, 1–250; default 10.</summary>
    public int NodeCount { get; init; } = 10;

    /// <summary>How many endpoints, 0–5000, spread over the nodes as evenly as can be; default 100. At most 250 on a node.</summary>
    public int EndpointCount { get; init; } = 100;

    /// <summary>How many endpoints each node has, instead of an even spread; empty for none. Overrides the two counts.</summary>
    public ImmutableArray<int> EndpointsPerNode { get; init; } = [];

    /// <summary>True: the router spreads over all nodes by a layer-4 hash. False: everything enters through one node.</summary>
    public bool Ecmp { get; init; }

    /// <summary>True: a node that joins or leaves the router's group moves no connection of another node (a resilient next-hop group, kernel 5.13). Needs <see cref="Ecmp"/>.</summary>
    public bool EcmpResilient { get; init; }

    /// <summary>ClientIP session affinity with this timeout, 1 s to 86400 s; null for none.</summary>
    [System.Text.Json.Serialization.JsonConverter(typeof(Engine.Results.SecondsConverter))]
    public TimeSpan? SessionAffinity { get; init; }

    /// <summary>Policy for traffic from outside.</summary>
    public TrafficPolicy ExternalTrafficPolicy { get; init; }

    /// <summary>Policy for traffic to the cluster address.</summary>
    public TrafficPolicy InternalTrafficPolicy { get; init; }

    /// <summary>The service's port, 1–65535; default 5001. Its node port is 30001.</summary>
    public int Port { get; init; } = 5001;

    /// <summary>The service's port for traffic tests: 5003, or 5001 when <see cref="Port"/> is that. Its node port is 30003.</summary>
    public int TrafficPort => Port == 5003 ? 5001 : 5003;

    /// <summary>True when the lab outlives the shell that started it.</summary>
    public bool Detached { get; init; }

    /// <summary>The number of endpoints on each node.</summary>
    internal ImmutableArray<int> Placement => !EndpointsPerNode.IsDefaultOrEmpty
        ? EndpointsPerNode
        : [.. Enumerable.Range(0, NodeCount).Select(i => (EndpointCount / NodeCount) + (i < EndpointCount % NodeCount ? 1 : 0))];

    /// <summary>True for what can be a lab's name: 1 to 60 letters, digits, dots, underscores and dashes.</summary>
    public static bool IsName(string text) => text is { Length: >= 1 and <= 60 } && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-');

    /// <summary>Checks every value; the lab is only built when all are good.</summary>
    /// <exception cref="PlanException">A value is out of its range.</exception>
    public void Validate()
    {
        PlanException.Require(IsName(Name), nameof(Name), Name, "is not a name for a lab", "Use 1 to 60 letters, digits, '.', '_' and '-'");
        PlanException.Require(Enum.IsDefined(ProxyMode), nameof(ProxyMode), ProxyMode, "is not a proxy mode", "Use Iptables, Nftables or Ipvs");
        PlanException.Require(Enum.IsDefined(IpvsScheduler), nameof(IpvsScheduler), IpvsScheduler, "is not a scheduler of IPVS", $"Use one of {string.Join(", ", Enum.GetNames<IpvsScheduler>())}");
        PlanException.Require(ProxyMode == ProxyMode.Ipvs || IpvsScheduler == default, nameof(IpvsScheduler), IpvsScheduler, $"means nothing in mode {ProxyMode}", "Add ProxyMode Ipvs, or leave it out");
        PlanException.Require(Enum.IsDefined(Kernel), nameof(Kernel), Kernel, "is not a kernel for a lab", "Use Auto, Host or UserMode");
        PlanException.Require(Kernel != LabKernel.UserMode || ProxyMode != ProxyMode.Nftables, nameof(Kernel), Kernel, "has no NAT by nftables",
            "Use mode Iptables or Ipvs there, or Kernel Host");
        int nodes = EndpointsPerNode.IsDefaultOrEmpty ? NodeCount : EndpointsPerNode.Length;
        PlanException.Require(nodes is >= 1 and <= MaxNodes, nameof(NodeCount), nodes, "is not a number of nodes a lab can have", $"Give 1 to {MaxNodes}");
        int endpoints = EndpointsPerNode.IsDefaultOrEmpty ? EndpointCount : Placement.Sum();
        PlanException.Require(EndpointCount >= 0 && Placement.All(n => n >= 0) && endpoints <= MaxEndpoints, nameof(EndpointCount), endpoints,
            "is not a number of endpoints a lab can have", $"Give 0 to {MaxEndpoints}");
        PlanException.Require(Placement.Max() <= MaxEndpointsPerNode, nameof(EndpointCount), endpoints,
            $"would put {Placement.Max()} endpoints on one node, which has addresses for {MaxEndpointsPerNode}", "Give more nodes or fewer endpoints");
        PlanException.Require(SessionAffinity is null || (SessionAffinity >= TimeSpan.FromSeconds(1) && SessionAffinity <= TimeSpan.FromDays(1)),
            nameof(SessionAffinity), SessionAffinity, "is not a timeout for session affinity", "Give 1 s to 86400 s, as Kubernetes does");
        PlanException.Require(Ecmp || !EcmpResilient, nameof(EcmpResilient), EcmpResilient, "means nothing without ECMP", "Add Ecmp");
        PlanException.Require(Port is >= 1 and <= 65535, nameof(Port), Port, "is not a port", "Give 1 to 65535");
    }

    internal const int MaxNodes = 250, MaxEndpoints = 5000, MaxEndpointsPerNode = 250;
}
