using System.Collections.Immutable;
using System.Net;
using LbTest.Clusters.Kubernetes;
using LbTest.Clusters.Lab.Dataplanes;
using LbTest.Engine.Sockets;

namespace LbTest.Clusters.Tests.Dataplanes;

public class ServiceManifestTests
{
    private const string DualStack = """
        apiVersion: apps/v1
        kind: Deployment
        metadata: { name: web }
        ---
        apiVersion: v1
        kind: Service
        metadata:
          name: web
          namespace: shop
        spec:
          type: LoadBalancer
          clusterIP: 10.96.0.7
          clusterIPs: [10.96.0.7, "fd00:96::7"]
          sessionAffinity: ClientIP
          externalTrafficPolicy: Local
          internalTrafficPolicy: Local
          ports:
            - { name: http, port: 80, targetPort: 8080, nodePort: 30080 }
            - { name: dns, port: 53, protocol: UDP }
        status:
          loadBalancer:
            ingress: [{ ip: 10.0.0.1 }, { hostname: example.com }, { ip: "fd00:10::1" }]
        ---
        apiVersion: discovery.k8s.io/v1
        kind: EndpointSlice
        metadata: { name: web-abc, namespace: shop, labels: { kubernetes.io/service-name: web } }
        addressType: IPv4
        endpoints:
          - { addresses: [11.0.1.2], nodeName: node-1, targetRef: { kind: Pod, name: pod-a } }
          - { addresses: [11.0.1.3], nodeName: node-1, conditions: { ready: false } }
        ports: [{ name: http, port: 8080 }, { name: dns, port: 5353, protocol: UDP }]
        ---
        kind: EndpointSlice
        metadata: { name: web-def, namespace: shop, labels: { kubernetes.io/service-name: web } }
        addressType: IPv6
        endpoints: [{ addresses: ["fd00:11::2"], nodeName: node-1, targetRef: { kind: Pod, name: pod-a } }]
        ports: [{ name: http, port: 8080, protocol: TCP }]
        ---
        kind: Service
        metadata: { name: headless }
        spec: { clusterIP: None, ports: [{ port: 80 }] }
        ---
        """;

    [Fact]
    public void A_dual_stack_service_has_the_endpoints_of_its_slices()
    {
        ServicePort[] ports = [.. Parse(DualStack)];
        Assert.Equal(["shop/web:http", "shop/web:dns"], ports.Select(p => p.FullName));
        ServicePort http = ports[0];
        Assert.Equal((80, 30080, TransportProtocol.Tcp), (http.Port, http.NodePort, http.Protocol));
        Assert.Equal(["10.96.0.7", "fd00:96::7"], http.ClusterAddresses.Select(a => a.ToString()));
        Assert.Equal(["10.0.0.1", "fd00:10::1"], http.LoadBalancerAddresses.Select(a => a.ToString()));
        Assert.Equal(TimeSpan.FromHours(3), http.ClientIPAffinity);
        Assert.Equal((TrafficPolicy.Local, TrafficPolicy.Local), (http.ExternalTrafficPolicy, http.InternalTrafficPolicy));
        Assert.Equal(
            [
                new EndpointAddress("pod-a", IPAddress.Parse("11.0.1.2"), 8080, "node-1"),
                new EndpointAddress("pod-a", IPAddress.Parse("fd00:11::2"), 8080, "node-1"),
            ],
            http.Endpoints.ToArray());
        Assert.Equal((53, TransportProtocol.Udp), (ports[1].Port, ports[1].Protocol));
        Assert.Equal([5353], ports[1].Endpoints.Select(e => e.Port));
    }

    [Fact]
    public void A_json_list_with_Endpoints_is_read_too()
    {
        ServicePort port = Parse("""
            {"apiVersion": "v1", "kind": "List", "items": [
              {"kind": "Service", "metadata": {"name": "s"}, "spec": {"clusterIP": "10.96.0.1", "ports": [{"port": 1}],
                "sessionAffinity": "ClientIP", "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 60}}}},
              {"kind": "Endpoints", "metadata": {"name": "s"}, "subsets": [{"addresses": [{"ip": "11.0.0.1"}], "ports": [{"port": 2}]}]}]}
            """).Single();
        Assert.Equal("default/s", port.FullName);
        Assert.Equal(TimeSpan.FromMinutes(1), port.ClientIPAffinity);
        Assert.Equal([new EndpointAddress("11.0.0.1", IPAddress.Parse("11.0.0.1"), 2, null)], port.Endpoints.ToArray());
    }

    [Theory]
    [InlineData("kind: a: b", "Line 1: this is neither YAML nor JSON")]
    [InlineData("hello", "Document 1, line 1: it is not a mapping. Write 'name: value' pairs there.")]
    [InlineData("name: x", "Document 1: field 'kind' is missing. Add it.")]
    [InlineData("kind: Service", "Document 1: field 'metadata.name' is missing. Add it.")]
    [InlineData("kind: Service\nmetadata: {name: s}\nspec:\n  ports:\n  - port: abc",
        "Document 1 (Service default/s), line 5: field 'spec.ports[0].port' is 'abc'. Give a number from 1 to 65535.")]
    [InlineData("kind: Secret\nmetadata: {name: x}\n---\nkind: Service\nmetadata: {name: s}\nspec: {ports: [{port: 1, protocol: SCTP}]}",
        "Document 2 (Service default/s), line 6: field 'spec.ports[0].protocol' is 'SCTP'. Use TCP or UDP.")]
    [InlineData("kind: Service\nmetadata: {name: s}\nspec: {clusterIP: 10.96.0.300, ports: [{port: 1}]}",
        "Document 1 (Service default/s), line 3: field 'spec.clusterIP' is '10.96.0.300'. Give an IPv4 or IPv6 address.")]
    [InlineData("{kind: List, items: [{kind: Service, metadata: {name: s}, spec: {ports: 5}}]}",
        "Document 1, items[0] (Service default/s), line 1: field 'spec.ports' is not a list. Write one item per line, each after a '-'.")]
    public void Bad_input_is_refused_with_the_place_and_the_remedy(string manifest, string message) =>
        Assert.StartsWith(message, Assert.Throws<FormatException>(() => Parse(manifest)).Message, StringComparison.Ordinal);

    private static ImmutableArray<ServicePort> Parse(string manifest)
    {
        using var reader = new StringReader(manifest);
        return ServiceManifest.Parse(reader);
    }
}
