using LbTest.Clusters.Lab.Dataplanes;
using LbTest.Engine;

namespace LbTest.Clusters.Kubernetes;

/// <summary>The type of a Kubernetes service.</summary>
public enum KubernetesServiceType
{
    /// <summary>A cluster address alone.</summary>
    ClusterIP,

    /// <summary>A port on every node too.</summary>
    NodePort,

    /// <summary>An address of a load balancer's too.</summary>
    LoadBalancer,
}

/// <summary>Which address families a Kubernetes service has.</summary>
public enum IPFamilyPolicy
{
    /// <summary>One.</summary>
    SingleStack,

    /// <summary>Both where the cluster has both.</summary>
    PreferDualStack,

    /// <summary>Both, or none.</summary>
    RequireDualStack,
}

/// <summary>What is to be deployed on a Kubernetes cluster for tests.</summary>
public sealed record KubernetesSpec
{
    /// <summary>The kubeconfig file; null leaves it to kubectl.</summary>
    public string? KubeConfig { get; init; }

    /// <summary>Its context; null for the current one.</summary>
    public string? Context { get; init; }

    /// <summary>The namespace; default <c>lbtest</c>. One that does not exist is made, and deleted at the end.</summary>
    public string Namespace { get; init; } = "lbtest";

    /// <summary>How many endpoints, 0–10,000; default 100.</summary>
    public int EndpointCount { get; init; } = 100;

    /// <summary>The service's type.</summary>
    public KubernetesServiceType ServiceType { get; init; } = KubernetesServiceType.NodePort;

    /// <summary>The endpoints' image. One of mconnect's or ctraffic's servers will do as well.</summary>
    public string Image { get; init; } = DefaultImage;

    /// <summary>The service's address families; null leaves it to the cluster.</summary>
    public IPFamilyPolicy? IPFamilyPolicy { get; init; }

    /// <summary>How long connections of one client stay together; null for no affinity.</summary>
    public TimeSpan? SessionAffinity { get; init; }

    /// <summary>Which endpoints a node may choose for traffic from outside.</summary>
    public TrafficPolicy ExternalTrafficPolicy { get; init; }

    /// <summary>Which endpoints a node may choose for traffic to the cluster address; Kubernetes 1.22 or later.</summary>
    public TrafficPolicy InternalTrafficPolicy { get; init; }

    /// <summary>Labels of the nodes that may have endpoints; empty for all.</summary>
    public ImmutableSortedDictionary<string, string> NodeSelector { get; init; } = ImmutableSortedDictionary<string, string>.Empty;

    /// <summary>Permits pods of ours in the nodes' own network, privileged: tests from nodes, and looking into them.</summary>
    public bool NodeAccess { get; init; }

    /// <summary>How long it may take until all is ready; default 5 minutes.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>The image of this version: <c>lbtest:0.1.0</c>.</summary>
    public static string DefaultImage { get; } = $"lbtest:{typeof(KubernetesSpec).Assembly.GetName().Version!.ToString(3)}";

    /// <summary>Checks every value that can be checked without asking the cluster.</summary>
    /// <exception cref="PlanException">A value is out of its range, or two contradict each other.</exception>
    public void Validate()
    {
        PlanException.Require(IsLabel(Namespace), nameof(Namespace), Namespace, "is not a namespace's name", "Use lower-case letters, digits and '-', 63 at most (RFC 1123)");
        PlanException.Require(EndpointCount is >= 0 and <= 10_000, nameof(EndpointCount), EndpointCount, "is out of range", "Give 0 to 10,000");
        PlanException.Require(!string.IsNullOrWhiteSpace(Image) && !Image.Any(char.IsWhiteSpace), nameof(Image), Image, "is not an image's name", $"Give a name like {DefaultImage}");
        PlanException.Require(SessionAffinity is not { } affinity || affinity.TotalSeconds is >= 1 and <= 86_400, "SessionAffinityTimeout", SessionAffinity, "is out of range", "Give 1 s to 86,400 s");
        PlanException.Require(ExternalTrafficPolicy == TrafficPolicy.Cluster || ServiceType != KubernetesServiceType.ClusterIP, nameof(ExternalTrafficPolicy), ExternalTrafficPolicy,
            "means nothing for a service of type ClusterIP", "Give ServiceType NodePort or LoadBalancer");
        PlanException.Require(Timeout > TimeSpan.Zero && Timeout <= TimeSpan.FromDays(1), "TimeoutSec", Timeout, "is not a time to wait", "Give 1 s to a day");
        foreach ((string key, string value) in NodeSelector) PlanException.Require(key.Length > 0 && !key.Any(char.IsWhiteSpace) && !value.Any(char.IsWhiteSpace), nameof(NodeSelector), $"{key}={value}", "is not a label", "Give name and value of a node's label");
    }

    // RFC 1123: the kind of name that namespaces have.
    private static bool IsLabel(string name) => name.Length is >= 1 and <= 63 && name.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-') && name[0] != '-' && name[^1] != '-';
}

/// <summary>How far the start of a Kubernetes cluster is.</summary>
/// <param name="Doing">What is being done or waited for.</param>
/// <param name="Ready">Endpoints that are ready.</param>
/// <param name="Wanted">Endpoints that are wanted.</param>
/// <param name="Waiting">Why the rest wait, <c>3 × ImagePullBackOff: …</c>; empty where nothing is known.</param>
public sealed record KubernetesProgress(string Doing, int Ready, int Wanted, ImmutableArray<string> Waiting);
