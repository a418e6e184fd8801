using System.Net.Sockets;
using LbTest.Clusters.Kubernetes.Api;
using LbTest.Clusters.Kubernetes.Deploy;

namespace LbTest.Clusters.Kubernetes;

/// <summary>What a cluster says of itself at one moment: its nodes, its service, its endpoints.</summary>
internal sealed record ClusterView(ImmutableArray<KubeNode> Nodes, KubeService Service, ImmutableArray<KubernetesEndpoint> Endpoints)
{
    /// <summary>Asks for it.</summary>
    /// <exception cref="KubernetesException">The service is gone, or the server cannot be asked.</exception>
    internal static async Task<ClusterView> ReadAsync(IKubernetesApi api, string ns, CancellationToken cancel)
    {
        Task<ImmutableArray<KubeNode>> nodes = ReadNodes(api, cancel);
        Task<KubeService?> service = api.GetAsync(Kube.Services, ns, ClusterObjects.Name, cancel);
        Task<ImmutableArray<KubernetesEndpoint>> endpoints = EndpointRead.ReadAsync(api, ns, ClusterObjects.Name, cancel);
        await Task.WhenAll(nodes, service, endpoints).ConfigureAwait(false);
        return new ClusterView(await nodes.ConfigureAwait(false),
            await service.ConfigureAwait(false) ?? throw new KubernetesException(KubernetesFault.NotFound, $"The service '{ClusterObjects.Name}' is no longer in namespace '{ns}'. Start the cluster again: Start-LbCluster -Kubernetes -Namespace {ns}."),
            [.. (await endpoints.ConfigureAwait(false)).Where(one => one.Ready).OrderBy(one => one.Name, StringComparer.Ordinal)]);
    }

    /// <summary>The port that plans of a protocol go to.</summary>
    /// <exception cref="KubernetesException">The service has none.</exception>
    internal KubeServicePort Port(int port, string protocol) => Service.Spec?.Ports?.FirstOrDefault(one => one.Port == port && (one.Protocol ?? "TCP") == protocol)
        ?? throw new KubernetesException(KubernetesFault.NotFound, $"The service '{ClusterObjects.Name}' has no {protocol} port {port}. A service of type LoadBalancer has TCP alone: use another -ServiceType for UDP.");

    /// <summary>The addresses that load balancers have given to the service.</summary>
    internal IEnumerable<string> LoadBalancers => Service.Status?.LoadBalancer?.Ingress?.Select(one => one.Ip ?? one.Hostname).OfType<string>() ?? [];

    /// <summary>The addresses in the cluster.</summary>
    internal IEnumerable<IPAddress> ClusterAddresses =>
        (Service.Spec?.ClusterIPs ?? [Service.Spec?.ClusterIP ?? ""]).Select(one => IPAddress.TryParse(one, out IPAddress? address) ? address : null).OfType<IPAddress>();

    /// <summary>The endpoints that a node's proxy may choose for traffic that the policies leave to all (KEP-2433: hints count only where every endpoint has some, and one has this node's zone).</summary>
    internal IReadOnlyCollection<string> Choices(string? node)
    {
        string? zone = Nodes.FirstOrDefault(one => one.Name == node)?.Zone;
        bool hinted = zone is not null && Endpoints.All(one => !one.HintZones.IsEmpty) && Endpoints.Any(one => one.HintZones.Contains(zone));
        return [.. Endpoints.Where(one => !hinted || one.HintZones.Contains(zone!)).Select(one => one.Name)];
    }

    /// <summary>The endpoints on a node.</summary>
    internal IReadOnlyCollection<string> LocalTo(string? node) => [.. Endpoints.Where(one => one.Node == node).Select(one => one.Name)];

    /// <summary>Of some addresses the one of a family.</summary>
    internal static IPAddress? OfFamily(IEnumerable<IPAddress> addresses, bool ipv6) => addresses.FirstOrDefault(one => one.AddressFamily == (ipv6 ? AddressFamily.InterNetworkV6 : AddressFamily.InterNetwork));

    /// <summary>What the load balancer gave the service: its address of a family, or a name, which may have both.</summary>
    internal string? LoadBalancer(bool ipv6) => LoadBalancers.FirstOrDefault(one => !IPAddress.TryParse(one, out IPAddress? address) || OfFamily([address], ipv6) is not null);

    // Who may not read nodes can still test: what needs their addresses or zones says so.
    private static async Task<ImmutableArray<KubeNode>> ReadNodes(IKubernetesApi api, CancellationToken cancel)
    {
        try
        {
            return [.. (await api.ListAsync(Kube.Nodes, null, null, null, cancel).ConfigureAwait(false)).OrderBy(one => one.Name, StringComparer.Ordinal)];
        }
        catch (KubernetesException exception) when (exception.Fault == KubernetesFault.Forbidden)
        {
            return [];
        }
    }
}
