using System.Net;
using System.Text.Json.Nodes;
using LbTest.Clusters.Kubernetes;
using LbTest.Engine.Serve;

namespace LbTest.Clusters.Tests.Kubernetes;

/// <summary>A cluster of which the API server is recorded and the traffic real: its load balancer's address is one of this machine's loopback, with a server behind it.</summary>
internal static class LocalCluster
{
    /// <summary>What answers there.</summary>
    internal static Server Serve(string name, ServedService service, string address) =>
        Server.Start([new ServedEndpoint(name, new IPEndPoint(IPAddress.Parse(address), ServedEndpoint.DefaultPort(service)), null, ServedProtocols.Tcp) { Service = service }]);

    /// <summary>Starts a cluster whose endpoints are ready, as it says, and are reached by an address of this machine, or several with commas between.</summary>
    internal static async Task<KubernetesCluster> StartAsync(RecordedCluster api, string image, string address, TimeSpan timeout, params string[] endpoints)
    {
        JsonObject slice = JsonNode.Parse("""{"kind":"EndpointSlice","apiVersion":"discovery.k8s.io/v1","addressType":"IPv4","metadata":{"name":"lbtest-1","namespace":"tests","labels":{"kubernetes.io/service-name":"lbtest"}}}""")!.AsObject();
        slice["endpoints"] = new JsonArray([.. endpoints.Select((name, i) => new JsonObject
        {
            ["addresses"] = new JsonArray($"10.244.1.{i + 1}"), ["nodeName"] = "node-1", ["targetRef"] = new JsonObject { ["kind"] = "Pod", ["name"] = name },
        })]);
        api.Objects.Add(slice);
        api.Changed = _ =>
        {
            if (api.Find("Service", "lbtest") is { } service) service["status"] = new JsonObject { ["loadBalancer"] = new JsonObject { ["ingress"] = new JsonArray([.. address.Split(',').Select(ip => new JsonObject { ["ip"] = ip })]) } };
        };
        return await KubernetesCluster.StartAsync(api, new KubernetesSpec { Namespace = "tests", EndpointCount = endpoints.Length, Image = image, ServiceType = KubernetesServiceType.LoadBalancer, Timeout = timeout }, null, CancellationToken.None);
    }
}
