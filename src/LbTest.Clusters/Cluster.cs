using LbTest.Clusters.Lab.Dataplanes;
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
}

/// <summary>From where to where in a cluster a test goes.</summary>
public abstract record TestRequest
{
    /// <summary>Where connections start.</summary>
    public VantagePoint From { get; init; }

    /// <summary>Which node or pod they start from; null takes the first.</summary>
    public string? FromName { get; init; }

    /// <summary>Where they go.</summary>
    public ServiceTarget To { get; init; }

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

    /// <summary>What kind of cluster it is: <c>Lab</c>.</summary>
    public abstract string Kind { get; }

    /// <summary>How its nodes balance.</summary>
    public abstract ProxyMode ProxyMode { get; }

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

    /// <summary>Reads from the kernel what its rules counted per endpoint since the cluster was started.</summary>
    public abstract Task<ImmutableArray<EndpointCounter>> ObserveAsync(CancellationToken cancel);

    /// <summary>Stops it and leaves nothing.</summary>
    public abstract Task StopAsync();
}
