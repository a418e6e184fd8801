using System.Net.Sockets;
using System.Runtime.CompilerServices;

namespace LbTest.Clusters.Lab.Dataplanes;

/// <summary>One service port in one address family: what is the same on every node, names of chains included.</summary>
internal sealed class FamilyService
{
    // A lab applies the same service ports to each of its nodes: sorting and hashing a thousand endpoints is done for the first node only.
    private static readonly ConditionalWeakTable<ServicePort, FamilyService?[]> Known = [];

    private FamilyService(ServicePort port, AddressFamily family)
    {
        Port = port;
        Protocol = port.Protocol == TransportProtocol.Tcp ? "tcp" : "udp";
        ClusterAddress = port.ClusterAddresses.FirstOrDefault(a => a.AddressFamily == family);
        LoadBalancerAddresses = [.. port.LoadBalancerAddresses.Where(a => a.AddressFamily == family)];
        AffinitySeconds = port.ClientIPAffinity is { } timeout ? (int)timeout.TotalSeconds : null;
        IptablesHash = KubeHash.Of(port.FullName + Protocol, 16);
        string path = $"{port.Namespace}/{port.Name}/{Protocol}/{port.PortName}";
        NftablesName = $"{KubeHash.Of(path, 8)}-{path}";
        // kube-proxy's order: by the endpoint's text.
        Endpoints = [.. port.Endpoints.Where(e => e.Address.AddressFamily == family)
            .Select(e => new FamilyEndpoint(e, port.FullName + Protocol, path))
            .DistinctBy(e => e.Target).OrderBy(e => e.Target, StringComparer.Ordinal)];
    }

    internal ServicePort Port { get; }

    /// <summary><c>tcp</c> or <c>udp</c>.</summary>
    internal string Protocol { get; }

    internal IPAddress? ClusterAddress { get; }

    internal ImmutableArray<IPAddress> LoadBalancerAddresses { get; }

    internal ImmutableArray<FamilyEndpoint> Endpoints { get; }

    /// <summary>Seconds of ClientIP affinity; null for none.</summary>
    internal int? AffinitySeconds { get; }

    /// <summary>What follows <c>KUBE-SVC-</c> and its like.</summary>
    internal string IptablesHash { get; }

    /// <summary>What follows <c>service-</c> and its like.</summary>
    internal string NftablesName { get; }

    /// <summary>The service port in one family, or null when it has no address there.</summary>
    /// <exception cref="ArgumentException">A name that cannot be part of a chain's name.</exception>
    internal static FamilyService? Of(ServicePort port, AddressFamily family) =>
        Known.GetValue(port, Make)[family == AddressFamily.InterNetwork ? 0 : 1];

    private static FamilyService?[] Make(ServicePort port)
    {
        // Names go into the tools' input: what is no Kubernetes name could be read as a rule of its own.
        foreach (string name in (string[])[port.Namespace, port.Name, port.PortName])
            if (!name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '.' or '_'))
            {
                throw new ArgumentException(
                    $"'{name}' cannot name a service or a port: use letters, digits, '-', '.' and '_' only.", nameof(port));
            }
        return [Make(port, AddressFamily.InterNetwork), Make(port, AddressFamily.InterNetworkV6)];
    }

    // A service has the families of its virtual addresses; one that has only a node port has both.
    private static FamilyService? Make(ServicePort port, AddressFamily family)
    {
        IPAddress[] addresses = [.. port.ClusterAddresses, .. port.LoadBalancerAddresses];
        return addresses.Length == 0 || addresses.Any(a => a.AddressFamily == family) ? new FamilyService(port, family) : null;
    }
}

/// <summary>One address of an endpoint, with the names of the chains that lead to it.</summary>
internal sealed class FamilyEndpoint
{
    internal FamilyEndpoint(EndpointAddress endpoint, string iptablesService, string nftablesService)
    {
        Endpoint = endpoint;
        Target = new IPEndPoint(endpoint.Address, endpoint.Port).ToString();
        IptablesChain = "KUBE-SEP-" + KubeHash.Of(iptablesService + Target, 16);
        // nft allows no colon in a name.
        string path = $"{nftablesService}__{endpoint.Address.ToString().Replace(':', '.')}/{endpoint.Port}";
        NftablesName = $"{KubeHash.Of(path, 8)}-{path}";
    }

    internal EndpointAddress Endpoint { get; }

    /// <summary><c>address:port</c>, <c>[address]:port</c> for IPv6.</summary>
    internal string Target { get; }

    internal string IptablesChain { get; }

    /// <summary>What follows <c>endpoint-</c> and <c>affinity-</c>.</summary>
    internal string NftablesName { get; }
}
