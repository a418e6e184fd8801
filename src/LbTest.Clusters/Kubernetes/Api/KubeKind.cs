using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace LbTest.Clusters.Kubernetes.Api;

/// <summary>A kind of object: how the server is asked for it, and how its JSON is read.</summary>
/// <param name="Resource">Its plural name, with version and group where these matter: <c>endpointslices.v1.discovery.k8s.io</c>.</param>
/// <param name="Type">One.</param>
/// <param name="ListType">Several.</param>
/// <param name="EventType">A change of one.</param>
internal sealed record KubeKind<T>(string Resource, JsonTypeInfo<T> Type, JsonTypeInfo<KubeList<T>> ListType, JsonTypeInfo<KubeEvent<T>> EventType) where T : class;

/// <summary>The kinds that LbTest reads.</summary>
internal static class Kube
{
    internal static KubeKind<KubePod> Pods { get; } = new("pods", KubeJson.Default.KubePod, KubeJson.Default.KubeListKubePod, KubeJson.Default.KubeEventKubePod);

    internal static KubeKind<KubeNode> Nodes { get; } = new("nodes", KubeJson.Default.KubeNode, KubeJson.Default.KubeListKubeNode, KubeJson.Default.KubeEventKubeNode);

    internal static KubeKind<KubeService> Services { get; } = new("services", KubeJson.Default.KubeService, KubeJson.Default.KubeListKubeService, KubeJson.Default.KubeEventKubeService);

    /// <summary>EndpointSlices of <c>discovery.k8s.io/v1</c>, since Kubernetes 1.21.</summary>
    internal static KubeKind<KubeEndpointSlice> SlicesV1 { get; } = Slices("endpointslices.v1.discovery.k8s.io");

    /// <summary>EndpointSlices of <c>discovery.k8s.io/v1beta1</c>, from Kubernetes 1.17 to 1.24.</summary>
    internal static KubeKind<KubeEndpointSlice> SlicesV1Beta1 { get; } = Slices("endpointslices.v1beta1.discovery.k8s.io");

    internal static KubeKind<KubeEndpoints> Endpoints { get; } = new("endpoints", KubeJson.Default.KubeEndpoints, KubeJson.Default.KubeListKubeEndpoints, KubeJson.Default.KubeEventKubeEndpoints);

    internal static KubeKind<KubeWorkload> Deployments { get; } = Workloads("deployments.apps");

    internal static KubeKind<KubeWorkload> DaemonSets { get; } = Workloads("daemonsets.apps");

    internal static KubeKind<KubeConfigMap> ConfigMaps { get; } = new("configmaps", KubeJson.Default.KubeConfigMap, KubeJson.Default.KubeListKubeConfigMap, KubeJson.Default.KubeEventKubeConfigMap);

    internal static KubeKind<KubeFelixConfiguration> FelixConfigurations { get; } = new(
        "felixconfigurations.crd.projectcalico.org", KubeJson.Default.KubeFelixConfiguration, KubeJson.Default.KubeListKubeFelixConfiguration, KubeJson.Default.KubeEventKubeFelixConfiguration);

    internal static KubeKind<KubeNamespace> Namespaces { get; } = new("namespaces", KubeJson.Default.KubeNamespace, KubeJson.Default.KubeListKubeNamespace, KubeJson.Default.KubeEventKubeNamespace);

    internal static KubeKind<KubeOccurrence> Events { get; } = new("events", KubeJson.Default.KubeOccurrence, KubeJson.Default.KubeListKubeOccurrence, KubeJson.Default.KubeEventKubeOccurrence);

    internal static KubeKind<KubeServiceAccount> ServiceAccounts { get; } =
        new("serviceaccounts", KubeJson.Default.KubeServiceAccount, KubeJson.Default.KubeListKubeServiceAccount, KubeJson.Default.KubeEventKubeServiceAccount);

    private static KubeKind<KubeEndpointSlice> Slices(string resource) => new(resource, KubeJson.Default.KubeEndpointSlice, KubeJson.Default.KubeListKubeEndpointSlice, KubeJson.Default.KubeEventKubeEndpointSlice);

    private static KubeKind<KubeWorkload> Workloads(string resource) => new(resource, KubeJson.Default.KubeWorkload, KubeJson.Default.KubeListKubeWorkload, KubeJson.Default.KubeEventKubeWorkload);
}

/// <summary>Source-generated JSON metadata of the server's objects. What is not named is not read.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(KubeConfigView))]
[JsonSerializable(typeof(KubeList<KubePod>))]
[JsonSerializable(typeof(KubeEvent<KubePod>))]
[JsonSerializable(typeof(KubeList<KubeNode>))]
[JsonSerializable(typeof(KubeEvent<KubeNode>))]
[JsonSerializable(typeof(KubeList<KubeService>))]
[JsonSerializable(typeof(KubeEvent<KubeService>))]
[JsonSerializable(typeof(KubeList<KubeEndpointSlice>))]
[JsonSerializable(typeof(KubeEvent<KubeEndpointSlice>))]
[JsonSerializable(typeof(KubeList<KubeEndpoints>))]
[JsonSerializable(typeof(KubeEvent<KubeEndpoints>))]
[JsonSerializable(typeof(KubeList<KubeWorkload>))]
[JsonSerializable(typeof(KubeEvent<KubeWorkload>))]
[JsonSerializable(typeof(KubeList<KubeConfigMap>))]
[JsonSerializable(typeof(KubeEvent<KubeConfigMap>))]
[JsonSerializable(typeof(KubeList<KubeFelixConfiguration>))]
[JsonSerializable(typeof(KubeEvent<KubeFelixConfiguration>))]
[JsonSerializable(typeof(KubeList<KubeNamespace>))]
[JsonSerializable(typeof(KubeEvent<KubeNamespace>))]
[JsonSerializable(typeof(KubeList<KubeOccurrence>))]
[JsonSerializable(typeof(KubeEvent<KubeOccurrence>))]
[JsonSerializable(typeof(KubeList<KubeServiceAccount>))]
[JsonSerializable(typeof(KubeEvent<KubeServiceAccount>))]
internal sealed partial class KubeJson : JsonSerializerContext;
