using LbTest.Clusters.Conntrack;
using LbTest.Clusters.Ipvs;
using LbTest.Clusters.Kubernetes;
using LbTest.Clusters.Lab.Dataplanes;
using LbTest.Clusters.Prerequisites;
using LbTest.Engine.Connect;
using LbTest.Engine.Disturbances;
using LbTest.Engine.Traffic;

namespace LbTest.Clusters;

/// <summary>A place that traffic can start from.</summary>
public enum VantagePoint
{
    /// <summary>A tester outside the cluster.</summary>
    External,

    /// <summary>A node of the cluster.</summary>
    Node,

    /// <summary>A pod: one of the endpoints.</summary>
    Pod,

    /// <summary>This machine, in this process.</summary>
    Local,

    /// <summary>A pod of ours that is no endpoint, on a node of a Kubernetes cluster.</summary>
    ClientPod,
}

/// <summary>Which address of the service traffic goes to.</summary>
public enum ServiceTarget
{
    /// <summary>The load balancer's address.</summary>
    LoadBalancer,

    /// <summary>The cluster address.</summary>
    ClusterIP,

    /// <summary>The node port on a node.</summary>
    NodePort,

    /// <summary>An endpoint itself, past the load balancer.</summary>
    Endpoint,

    /// <summary>The service's name, as the cluster's DNS resolves it. Kubernetes.</summary>
    Dns,

    /// <summary>The name of the service without an address, which resolves to all endpoints; each connection takes the first address of an answer. Kubernetes.</summary>
    Headless,
}

/// <summary>From where to where in a cluster a test goes.</summary>
public abstract record TestRequest
{
    /// <summary>Where connections start; null leaves it to the cluster: a lab's tester, a Kubernetes cluster's client pod, or this machine where there is a load balancer.</summary>
    public VantagePoint? From { get; init; }

    /// <summary>Which nodes or pods they start from; empty takes the first. Several, or wildcards that match several, share the connections out. A client pod is named by its node.</summary>
    public ImmutableArray<string> FromName { get; init; } = [];

    /// <summary>Where they go; null leaves it to the cluster: its load balancer if it has one, else its cluster address, or a node's port from this machine.</summary>
    public ServiceTarget? To { get; init; }

    /// <summary>Which node's port or which endpoint they go to; null takes the first.</summary>
    public string? ToName { get; init; }

    /// <summary>True uses the IPv6 address of the target.</summary>
    public bool IPv6 { get; init; }
}

/// <summary>A connect test against a cluster.</summary>
public sealed record ConnectRequest : TestRequest
{
    /// <summary>Count, concurrency, time limits and so on. Target, endpoints and context are filled in by the cluster.</summary>
    public required ConnectPlan Plan { get; init; }
}

/// <summary>A traffic test against a cluster, and what is to happen to the cluster meanwhile.</summary>
public sealed record TrafficRequest : TestRequest
{
    /// <summary>Connections, rate, duration and so on. Target, endpoints and context are filled in by the cluster.</summary>
    public required TrafficPlan Plan { get; init; }

    /// <summary>The disturbances, without those that the caller carries out itself (<see cref="DisturbanceKind.Script"/>).</summary>
    public ImmutableArray<Disturbance> Disturbances { get; init; } = [];
}

/// <summary>A cluster under test: hands out vantage points, runs plans from them and tells which endpoints exist.</summary>
public abstract class Cluster
{
    /// <summary>The cluster's name.</summary>
    public abstract string Name { get; }

    /// <summary>What kind of cluster it is: <c>Lab</c>, <c>Kubernetes</c>.</summary>
    public abstract string Kind { get; }

    /// <summary>How its nodes balance; null where that is not known, or something else than kube-proxy does it.</summary>
    public abstract ProxyMode? ProxyMode { get; }

    /// <summary>The names of its nodes.</summary>
    public abstract ImmutableArray<string> Nodes { get; }

    /// <summary>The names of the endpoints that it says exist.</summary>
    public abstract ImmutableArray<string> Endpoints { get; }

    /// <summary>True while it can be used.</summary>
    public abstract bool Running { get; }

    /// <summary>Runs a connect test. What was measured is returned even when the test is cancelled or the agent is lost.</summary>
    /// <exception cref="Engine.PlanException">The request cannot be carried out here.</exception>
    public abstract Task<ConnectResult> ConnectAsync(ConnectRequest request, IProgress<ConnectProgress>? progress, CancellationToken cancel);

    /// <summary>Runs a traffic test. What was measured is returned even when the test is cancelled or the agent is lost; disturbances are undone in any case.</summary>
    /// <exception cref="Engine.PlanException">The request, or one of its disturbances, cannot be carried out here. Nothing has been started.</exception>
    public abstract Task<TrafficResult> TrafficAsync(TrafficRequest request, IProgress<TrafficProgress>? progress, CancellationToken cancel);

    /// <summary>Finds out which proxy mode is in force: of a lab one report, of a Kubernetes cluster one for each node.</summary>
    public abstract Task<ImmutableArray<ProxyModeReport>> GetProxyModesAsync(CancellationToken cancel);

    /// <summary>Works out a change of the proxy mode. Changes nothing.</summary>
    /// <param name="mode">The mode to change over to; null leaves it.</param>
    /// <param name="scheduler">The scheduler of mode IPVS to change over to; null leaves it.</param>
    /// <param name="look">True looks into the nodes for what they lack, where that is permitted; pods of ours are in the cluster meanwhile.</param>
    /// <param name="cancel">Ends it.</param>
    /// <exception cref="Engine.PlanException">That cannot be done here; the message says why, and how else.</exception>
    public abstract Task<ProxyModeChange> PlanProxyModeAsync(ProxyMode? mode, IpvsScheduler? scheduler, bool look, CancellationToken cancel);

    /// <summary>Reads the IPVS virtual servers of the nodes from their kernel, with their counters.</summary>
    /// <param name="node">A node's name; null for all that are in mode IPVS.</param>
    /// <param name="cancel">Ends the waiting.</param>
    /// <exception cref="Engine.PlanException">There is no such node, it is not in mode IPVS, or the cluster gives no access to its nodes.</exception>
    public abstract Task<ImmutableArray<VirtualServer>> GetVirtualServersAsync(string? node, CancellationToken cancel);

    /// <summary>Compares the service addresses that are bound on the nodes with their virtual servers.</summary>
    /// <param name="node">A node's name; null for all that are in mode IPVS.</param>
    /// <param name="cancel">Ends the waiting.</param>
    /// <exception cref="Engine.PlanException">There is no such node, it is not in mode IPVS, or the cluster gives no access to its nodes.</exception>
    public abstract Task<ImmutableArray<ServiceAddress>> GetServiceAddressesAsync(string? node, CancellationToken cancel);

    /// <summary>Reads which connections the kernel of the nodes tracks.</summary>
    /// <param name="filter">Which of them.</param>
    /// <param name="node">A node's name; null for all.</param>
    /// <param name="cancel">Ends the waiting.</param>
    /// <exception cref="Engine.PlanException">There is no such node, the filter contradicts itself, or the cluster gives no access to its nodes.</exception>
    public abstract Task<ImmutableArray<ConntrackEntry>> GetConntrackAsync(ConntrackFilter filter, string? node, CancellationToken cancel);

    /// <summary>Has the kernel of the nodes forget connections that it tracks: those that exist are balanced anew, or end.</summary>
    /// <param name="filter">Which of them.</param>
    /// <param name="node">A node's name; null for all.</param>
    /// <param name="cancel">Ends the waiting.</param>
    /// <returns>What was forgotten.</returns>
    /// <exception cref="Engine.PlanException">There is no such node, the filter contradicts itself, or the cluster gives no access to its nodes.</exception>
    public abstract Task<ImmutableArray<ConntrackEntry>> ClearConntrackAsync(ConntrackFilter filter, string? node, CancellationToken cancel);

    /// <summary>Finds out what the nodes have and lack.</summary>
    /// <param name="modes">For these modes; empty for all.</param>
    /// <param name="cancel">Ends the waiting.</param>
    /// <exception cref="Engine.PlanException">The cluster gives no access to its nodes.</exception>
    public abstract Task<ImmutableArray<Prerequisite>> GetPrerequisitesAsync(IReadOnlyCollection<ProxyMode> modes, CancellationToken cancel);

    /// <summary>Reads from the kernel what its rules counted per endpoint since the cluster was started.</summary>
    public abstract Task<ImmutableArray<EndpointCounter>> ObserveAsync(CancellationToken cancel);

    /// <summary>Stops it and leaves nothing.</summary>
    public abstract Task StopAsync();
}
