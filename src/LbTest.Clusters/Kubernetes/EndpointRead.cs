using System.Net.Sockets;
using LbTest.Clusters.Kubernetes.Api;

namespace LbTest.Clusters.Kubernetes;

/// <summary>Reads the endpoints of a service from what the cluster has: EndpointSlices v1 (since Kubernetes 1.21), v1beta1 (since 1.17), Endpoints.</summary>
internal static class EndpointRead
{
    // "kubernetes.io/service-name" links slices to their service; a service has many: one per address family, and per 100 endpoints.
    private const string ServiceLabel = "kubernetes.io/service-name";

    // What v1beta1 has in place of fields, by the well-known labels of nodes.
    private const string NodeTopology = "kubernetes.io/hostname", ZoneTopology = "topology.kubernetes.io/zone";

    /// <summary>All endpoints of a service, ready or not, each pod once whatever its families.</summary>
    /// <exception cref="KubernetesException">The server refuses or cannot be reached; when it refuses every kind of object, the error is that for the newest.</exception>
    internal static async Task<ImmutableArray<KubernetesEndpoint>> ReadAsync(IKubernetesApi api, string ns, string service, CancellationToken cancel)
    {
        KubernetesException? newest = null;
        foreach (KubeKind<KubeEndpointSlice> kind in (KubeKind<KubeEndpointSlice>[])[Kube.SlicesV1, Kube.SlicesV1Beta1])
        {
            try
            {
                return Merge((await api.ListAsync(kind, ns, $"{ServiceLabel}={service}", null, cancel).ConfigureAwait(false)).SelectMany(Read));
            }
            catch (KubernetesException exception) when (exception.Fault is KubernetesFault.NotFound or KubernetesFault.Forbidden)
            {
                // A server that has no such version says that it knows no such resource; one with older rights, that it is forbidden.
                newest = newest is { Fault: KubernetesFault.Forbidden } ? newest : exception;
            }
        }

        try
        {
            KubeEndpoints? endpoints = await api.GetAsync(Kube.Endpoints, ns, service, cancel).ConfigureAwait(false);
            // The oldest kind ends at 1,000; to go on with them would blame the balancing for those that are not in it.
            if (endpoints?.Metadata.Annotations?.GetValueOrDefault("endpoints.kubernetes.io/over-capacity") != "truncated") return Merge(endpoints?.Subsets?.SelectMany(Read) ?? []);
        }
        catch (KubernetesException exception) when (exception.Fault == KubernetesFault.Forbidden && newest!.Fault == KubernetesFault.Forbidden)
        {
            throw newest;
        }

        throw new KubernetesException(newest!.Fault, $"The Endpoints of service {service} in namespace {ns} are cut off at 1,000, and its EndpointSlices cannot be read: {newest.Message}", newest);
    }

    private static IEnumerable<KubernetesEndpoint> Read(KubeEndpointSlice slice) => slice.AddressType == "FQDN" ? [] : (slice.Endpoints ?? []).Select(Read);

    private static KubernetesEndpoint Read(KubeSliceEndpoint endpoint)
    {
        ImmutableArray<IPAddress> addresses = Addresses(endpoint.Addresses ?? []);
        return new KubernetesEndpoint(Name(endpoint.TargetRef, addresses), endpoint.NodeName ?? endpoint.Topology?.GetValueOrDefault(NodeTopology), addresses)
        {
            Zone = endpoint.Zone ?? endpoint.Topology?.GetValueOrDefault(ZoneTopology),
            HintZones = [.. endpoint.Hints?.ForZones?.Select(zone => zone.Name) ?? []],
            // Not said means ready (discovery.k8s.io, EndpointConditions).
            Ready = endpoint.Conditions?.Ready ?? true,
            Terminating = endpoint.Conditions?.Terminating ?? false,
        };
    }

    private static IEnumerable<KubernetesEndpoint> Read(KubeSubset subset) =>
        (subset.Addresses ?? []).Select(one => Read(one, ready: true)).Concat((subset.NotReadyAddresses ?? []).Select(one => Read(one, ready: false)));

    private static KubernetesEndpoint Read(KubeSubsetAddress address, bool ready)
    {
        ImmutableArray<IPAddress> addresses = Addresses([address.Ip]);
        return new KubernetesEndpoint(Name(address.TargetRef, addresses), address.NodeName, addresses) { Ready = ready };
    }

    private static string Name(KubeReference? target, ImmutableArray<IPAddress> addresses) =>
        target is { Kind: "Pod", Name: { } pod } ? pod : addresses.FirstOrDefault()?.ToString() ?? "";

    private static ImmutableArray<IPAddress> Addresses(IEnumerable<string> texts) => [.. texts.Select(text => IPAddress.TryParse(text, out IPAddress? address) ? address : null).OfType<IPAddress>()];

    // A pod is in the slices of each of its families; and in two of one family for a moment, as slices are filled anew: then what is better holds.
    private static ImmutableArray<KubernetesEndpoint> Merge(IEnumerable<KubernetesEndpoint> endpoints) =>
    [
        .. endpoints.Where(one => one.Addresses.Length > 0).GroupBy(one => one.Name, StringComparer.Ordinal).Select(same => new KubernetesEndpoint(
            same.Key,
            same.Select(one => one.Node).FirstOrDefault(node => node is not null),
            [.. same.SelectMany(one => one.Addresses).Distinct().OrderBy(address => address.AddressFamily == AddressFamily.InterNetworkV6)])
        {
            Zone = same.Select(one => one.Zone).FirstOrDefault(zone => zone is not null),
            HintZones = [.. same.SelectMany(one => one.HintZones).Distinct().Order(StringComparer.Ordinal)],
            Ready = same.Any(one => one.Ready),
            Terminating = same.All(one => one.Terminating),
        }).OrderBy(one => one.Name, StringComparer.Ordinal),
    ];
}
