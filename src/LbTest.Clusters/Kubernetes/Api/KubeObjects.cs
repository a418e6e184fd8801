using System.Text.Json.Serialization;

namespace LbTest.Clusters.Kubernetes.Api;

// Of each object only what LbTest uses, by the names of the Kubernetes API reference. Whatever a server may leave out is nullable.

internal sealed record KubeList<T>(ImmutableArray<T>? Items);

internal sealed record KubeConfigView
{
    [JsonPropertyName("current-context")]
    public string? CurrentContext { get; init; }

    public ImmutableArray<KubeNamed>? Contexts { get; init; }
}

internal sealed record KubeNamed(string Name);

internal sealed record KubeMeta
{
    public string Name { get; init; } = "";

    public string? Namespace { get; init; }

    public string? Uid { get; init; }

    public Dictionary<string, string>? Labels { get; init; }

    public Dictionary<string, string>? Annotations { get; init; }

    public DateTimeOffset? CreationTimestamp { get; init; }

    public DateTimeOffset? DeletionTimestamp { get; init; }

    public ImmutableArray<KubeOwner>? OwnerReferences { get; init; }

    public long? Generation { get; init; }

    /// <summary>Which version of the object this is: a change that names it fails where there is a newer one.</summary>
    public string? ResourceVersion { get; init; }

    internal string? Label(string name) => Labels?.GetValueOrDefault(name);
}

internal sealed record KubeOwner(string Kind, string Name, string? Uid);

internal sealed record KubePod
{
    public KubeMeta Metadata { get; init; } = new();

    public KubePodSpec? Spec { get; init; }

    public KubePodStatus? Status { get; init; }

    [JsonIgnore]
    internal string Name => Metadata.Name;

    [JsonIgnore]
    internal bool Ready => Metadata.DeletionTimestamp is null && (Status?.Conditions?.Any(one => one is { Type: "Ready", Status: "True" }) ?? false);

    /// <summary>Why the first of its containers that does not run waits or has ended; null where all run, or none says.</summary>
    [JsonIgnore]
    internal KubeStateReason? Halted => Status?.ContainerStatuses?.Select(one => one.State?.Waiting ?? one.State?.Terminated).FirstOrDefault(one => one?.Reason is not null);

    /// <summary>What it is doing, in the word that <c>kubectl get pods</c> has for it.</summary>
    [JsonIgnore]
    internal string State => Metadata.DeletionTimestamp is not null ? "Terminating" : Halted?.Reason ?? Status?.Reason ?? Status?.Phase ?? "";
}

internal sealed record KubePodSpec(string? NodeName, ImmutableArray<KubeContainer>? Containers, bool? HostNetwork);

internal sealed record KubeContainer(string Name, string? Image, ImmutableArray<string>? Command, ImmutableArray<string>? Args)
{
    public ImmutableArray<KubeVariable>? Env { get; init; }
}

internal sealed record KubeVariable(string Name, string? Value);

internal sealed record KubePodStatus
{
    public string? Phase { get; init; }

    public string? Reason { get; init; }

    public string? Message { get; init; }

    [JsonPropertyName("podIP")]
    public string? PodIP { get; init; }

    [JsonPropertyName("podIPs")]
    public ImmutableArray<KubeIP>? PodIPs { get; init; }

    [JsonPropertyName("hostIP")]
    public string? HostIP { get; init; }

    public ImmutableArray<KubeCondition>? Conditions { get; init; }

    public ImmutableArray<KubeContainerStatus>? ContainerStatuses { get; init; }
}

internal sealed record KubeIP(string? Ip);

internal sealed record KubeCondition(string Type, string Status, string? Reason, string? Message, DateTimeOffset? LastTransitionTime);

internal sealed record KubeContainerStatus(string Name, bool? Ready, int? RestartCount, KubeContainerState? State, KubeContainerState? LastState);

internal sealed record KubeContainerState(KubeStateReason? Waiting, KubeStateReason? Terminated);

internal sealed record KubeStateReason(string? Reason, string? Message, int? ExitCode);

internal sealed record KubeNode
{
    public KubeMeta Metadata { get; init; } = new();

    public KubeNodeSpec? Spec { get; init; }

    public KubeNodeStatus? Status { get; init; }

    [JsonIgnore]
    internal string Name => Metadata.Name;

    [JsonIgnore]
    internal string? Zone => Metadata.Label("topology.kubernetes.io/zone") ?? Metadata.Label("failure-domain.beta.kubernetes.io/zone");

    /// <summary>The addresses of a type, <c>InternalIP</c> or <c>ExternalIP</c>.</summary>
    internal IEnumerable<IPAddress> Addresses(string type) =>
        Status?.Addresses?.Where(one => one.Type == type).Select(one => IPAddress.TryParse(one.Address, out IPAddress? address) ? address : null).OfType<IPAddress>() ?? [];
}

internal sealed record KubeNodeSpec(bool? Unschedulable, ImmutableArray<KubeTaint>? Taints);

internal sealed record KubeTaint(string Key, string? Value, string? Effect);

internal sealed record KubeNodeStatus(ImmutableArray<KubeAddress>? Addresses, KubeNodeInfo? NodeInfo, ImmutableArray<KubeCondition>? Conditions);

internal sealed record KubeAddress(string Type, string Address);

internal sealed record KubeNodeInfo(string? KubeletVersion, string? KubeProxyVersion, string? KernelVersion, string? OsImage, string? Architecture);

internal sealed record KubeService
{
    public KubeMeta Metadata { get; init; } = new();

    public KubeServiceSpec? Spec { get; init; }

    public KubeServiceStatus? Status { get; init; }
}

internal sealed record KubeServiceSpec
{
    public string? Type { get; init; }

    [JsonPropertyName("clusterIP")]
    public string? ClusterIP { get; init; }

    [JsonPropertyName("clusterIPs")]
    public ImmutableArray<string>? ClusterIPs { get; init; }

    public ImmutableArray<KubeServicePort>? Ports { get; init; }

    public string? SessionAffinity { get; init; }

    public KubeAffinity? SessionAffinityConfig { get; init; }

    public string? ExternalTrafficPolicy { get; init; }

    public string? InternalTrafficPolicy { get; init; }
}

internal sealed record KubeAffinity(KubeClientIP? ClientIP);

internal sealed record KubeClientIP(int? TimeoutSeconds);

internal sealed record KubeServicePort(string? Name, string? Protocol, int Port, int? NodePort);

internal sealed record KubeServiceStatus(KubeLoadBalancer? LoadBalancer);

internal sealed record KubeLoadBalancer(ImmutableArray<KubeIngress>? Ingress);

internal sealed record KubeIngress(string? Ip, string? Hostname);

internal sealed record KubeEndpointSlice
{
    public KubeMeta Metadata { get; init; } = new();

    public string? AddressType { get; init; }

    public ImmutableArray<KubeSliceEndpoint>? Endpoints { get; init; }
}

internal sealed record KubeSliceEndpoint
{
    public ImmutableArray<string>? Addresses { get; init; }

    public KubeSliceConditions? Conditions { get; init; }

    public KubeReference? TargetRef { get; init; }

    public string? NodeName { get; init; }

    public string? Zone { get; init; }

    /// <summary>v1beta1: where v1 has <see cref="NodeName"/> and <see cref="Zone"/>.</summary>
    public Dictionary<string, string>? Topology { get; init; }

    public KubeHints? Hints { get; init; }
}

internal sealed record KubeSliceConditions(bool? Ready, bool? Serving, bool? Terminating);

internal sealed record KubeHints(ImmutableArray<KubeZoneHint>? ForZones);

internal sealed record KubeZoneHint(string Name);

internal sealed record KubeReference(string? Kind, string? Name, string? Namespace);

internal sealed record KubeEndpoints
{
    public KubeMeta Metadata { get; init; } = new();

    public ImmutableArray<KubeSubset>? Subsets { get; init; }
}

internal sealed record KubeSubset(ImmutableArray<KubeSubsetAddress>? Addresses, ImmutableArray<KubeSubsetAddress>? NotReadyAddresses);

internal sealed record KubeSubsetAddress(string Ip, string? NodeName, KubeReference? TargetRef);

/// <summary>A Deployment or a DaemonSet.</summary>
internal sealed record KubeWorkload
{
    public KubeMeta Metadata { get; init; } = new();

    public KubeWorkloadSpec? Spec { get; init; }

    public KubeWorkloadStatus? Status { get; init; }
}

internal sealed record KubeWorkloadSpec(int? Replicas, KubePodTemplate? Template)
{
    /// <summary>A DaemonSet's.</summary>
    public KubeUpdateStrategy? UpdateStrategy { get; init; }
}

internal sealed record KubeUpdateStrategy(string? Type);

internal sealed record KubePodTemplate(KubeMeta? Metadata, KubePodSpec? Spec);

internal sealed record KubeWorkloadStatus
{
    public long? ObservedGeneration { get; init; }

    public int? Replicas { get; init; }

    public int? ReadyReplicas { get; init; }

    public int? UpdatedReplicas { get; init; }

    public int? AvailableReplicas { get; init; }

    public int? DesiredNumberScheduled { get; init; }

    public int? UpdatedNumberScheduled { get; init; }

    public int? NumberAvailable { get; init; }

    public int? NumberReady { get; init; }

    public ImmutableArray<KubeCondition>? Conditions { get; init; }
}

internal sealed record KubeConfigMap
{
    public KubeMeta Metadata { get; init; } = new();

    public Dictionary<string, string>? Data { get; init; }
}

/// <summary>A part of Calico's configuration.</summary>
internal sealed record KubeFelixConfiguration
{
    public KubeMeta Metadata { get; init; } = new();

    public KubeFelixSpec? Spec { get; init; }
}

internal sealed record KubeFelixSpec(bool? BpfEnabled);

internal sealed record KubeNamespace
{
    public KubeMeta Metadata { get; init; } = new();

    public KubeNamespaceStatus? Status { get; init; }
}

internal sealed record KubeNamespaceStatus(string? Phase, ImmutableArray<KubeCondition>? Conditions);

internal sealed record KubeServiceAccount
{
    public KubeMeta Metadata { get; init; } = new();
}

/// <summary>An Event of the API: something that happened to an object.</summary>
internal sealed record KubeOccurrence
{
    public KubeMeta Metadata { get; init; } = new();

    public KubeReference? InvolvedObject { get; init; }

    public string? Type { get; init; }

    public string? Reason { get; init; }

    public string? Message { get; init; }

    public int? Count { get; init; }

    public DateTimeOffset? LastTimestamp { get; init; }
}
