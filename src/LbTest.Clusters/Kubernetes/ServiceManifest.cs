using LbTest.Clusters.Lab.Dataplanes;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace LbTest.Clusters.Kubernetes;

/// <summary>Reads services and their endpoints from Kubernetes manifests: YAML of any number of documents, or JSON, a List too.</summary>
/// <remarks>Objects of other kinds are skipped, and so are services that no proxy serves (headless ones and external names).</remarks>
public static class ServiceManifest
{
    // A service's endpoints come from Endpoints, from EndpointSlices, or from both, as in a cluster that mirrors one in the other.
    private sealed record PortEndpoint(string PortName, TransportProtocol Protocol, EndpointAddress Address);

    /// <summary>The service ports in a manifest, with those endpoints that are ready.</summary>
    /// <exception cref="FormatException">No manifest, or a field without a usable value; the message says where and what to do.</exception>
    public static ImmutableArray<ServicePort> Parse(TextReader text)
    {
        ManifestField[] objects = [.. Objects(text)];
        ILookup<string, PortEndpoint> endpoints = objects.SelectMany(Endpoints).ToLookup(e => e.Service, e => e.Endpoint);
        return [.. objects.Where(o => Kind(o) == "Service").SelectMany(service => Ports(service, endpoints))];
    }

    private static IEnumerable<ManifestField> Objects(TextReader text)
    {
        var stream = new YamlStream();
        try
        {
            stream.Load(text);
        }
        catch (YamlException fault)
        {
            throw new FormatException($"Line {fault.Start.Line}: this is neither YAML nor JSON: {fault.Message} Correct it there.", fault);
        }
        for (int i = 0; i < stream.Documents.Count; i++)
        {
            // What a template leaves between two '---' is often nothing.
            var root = new ManifestField(stream.Documents[i].RootNode, $"Document {i + 1}");
            if (!root.IsPresent) continue;
            IEnumerable<ManifestField> objects = Kind(root).EndsWith("List", StringComparison.Ordinal)
                ? root["items"].Items().Select(item => new ManifestField(item.Node, $"{root.Where}, {item.Path}")) : [root];
            foreach (ManifestField o in objects) yield return Named(o);
        }
    }

    // From here on faults name the object too.
    private static ManifestField Named(ManifestField o) =>
        o with { Where = $"{o.Where} ({Kind(o)} {Id(o, o["metadata"]["name"].Text())})" };

    private static string Kind(ManifestField o) => o["kind"].Text();

    private static string Id(ManifestField o, string name) => $"{Namespace(o)}/{name}";

    private static string Namespace(ManifestField o) => o["metadata"]["namespace"].OptionalText() ?? "default";

    private static IEnumerable<ServicePort> Ports(ManifestField service, ILookup<string, PortEndpoint> endpoints)
    {
        ManifestField spec = service["spec"];
        string name = service["metadata"]["name"].Text();
        if (spec["clusterIP"].OptionalText() == "None" || spec["type"].OptionalText() == "ExternalName") yield break;
        int timeout = spec["sessionAffinityConfig"]["clientIP"]["timeoutSeconds"].OptionalNumber(1, 86_400) ?? 10_800;
        bool hasAffinity = spec["sessionAffinity"].Choice("None", "ClientIP") == 1;
        foreach (ManifestField port in spec["ports"].Items())
        {
            string portName = port["name"].OptionalText() ?? "";
            TransportProtocol protocol = Protocol(port);
            yield return new ServicePort
            {
                Namespace = Namespace(service),
                Name = name,
                PortName = portName,
                Protocol = protocol,
                Port = port["port"].Number(1, 65_535),
                NodePort = port["nodePort"].OptionalNumber(0, 65_535) ?? 0,
                ClusterAddresses = Addresses(spec["clusterIPs"].Items().Append(spec["clusterIP"])),
                LoadBalancerAddresses = Addresses(service["status"]["loadBalancer"]["ingress"].Items().Select(ingress => ingress["ip"])),
                ClientIPAffinity = hasAffinity ? TimeSpan.FromSeconds(timeout) : null,
                ExternalTrafficPolicy = (TrafficPolicy)spec["externalTrafficPolicy"].Choice("Cluster", "Local"),
                InternalTrafficPolicy = (TrafficPolicy)spec["internalTrafficPolicy"].Choice("Cluster", "Local"),
                Endpoints = [.. endpoints[Id(service, name)].Where(e => e.PortName == portName && e.Protocol == protocol)
                    .Select(e => e.Address).DistinctBy(e => (e.Address, e.Port))],
            };
        }
    }

    // Some may be absent: clusterIP repeats the first of clusterIPs, and an ingress may have a host name instead.
    private static ImmutableArray<IPAddress> Addresses(IEnumerable<ManifestField> fields) =>
        [.. fields.Where(field => field.IsPresent).Select(field => field.Address()).Distinct()];

    private static IEnumerable<(string Service, PortEndpoint Endpoint)> Endpoints(ManifestField o) => Kind(o) switch
    {
        "Endpoints" => from subset in o["subsets"].Items()
                       from address in subset["addresses"].Items()
                       from port in subset["ports"].Items()
                       select (Id(o, o["metadata"]["name"].Text()), Endpoint(address, address["ip"], port)),
        "EndpointSlice" => from endpoint in o["endpoints"].Items()
                           where endpoint["conditions"]["ready"].Choice("true", "false") == 0 && o["addressType"].OptionalText() != "FQDN"
                           from address in endpoint["addresses"].Items()
                           from port in o["ports"].Items()
                           select (Id(o, o["metadata"]["labels"]["kubernetes.io/service-name"].Text()), Endpoint(endpoint, address, port)),
        _ => [],
    };

    private static PortEndpoint Endpoint(ManifestField endpoint, ManifestField address, ManifestField port) => new(
        port["name"].OptionalText() ?? "",
        Protocol(port),
        new EndpointAddress(
            endpoint["targetRef"]["name"].OptionalText() ?? endpoint["hostname"].OptionalText() ?? address.Text(),
            address.Address(),
            port["port"].Number(1, 65_535),
            endpoint["nodeName"].OptionalText()));

    private static TransportProtocol Protocol(ManifestField port) => (TransportProtocol)port["protocol"].Choice("TCP", "UDP");
}
