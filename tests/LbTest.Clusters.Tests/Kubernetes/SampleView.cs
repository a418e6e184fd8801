using System.Collections.Immutable;
using System.Net;
using LbTest.Clusters.Kubernetes;
using LbTest.Clusters.Kubernetes.Api;

namespace LbTest.Clusters.Tests.Kubernetes;

/// <summary>A small cluster as a server could tell of it: endpoints a and b on node-1 (zone east), c on node-2 and none on node-3 (zone west).</summary>
internal static class SampleView
{
    internal const string NodePort = "NodePort", LoadBalancer = "LoadBalancer", ClusterIP = "ClusterIP", Local = "Local";

    /// <summary>The cluster, with a service of this type and these policies.</summary>
    internal static ClusterView Of(string type = NodePort, string? external = "Cluster", string? @internal = null) => new(
        [Node("node-1", "east", 11), Node("node-2", "west", 12), Node("node-3", "west", 13)],
        new KubeService
        {
            Metadata = new KubeMeta { Name = "lbtest" },
            Spec = new KubeServiceSpec
            {
                Type = type, ClusterIP = "10.96.0.7", ClusterIPs = ["10.96.0.7", "fd00:96::7"], ExternalTrafficPolicy = external, InternalTrafficPolicy = @internal,
                Ports = [Port("TCP", 5001, type == ClusterIP ? null : 30001), Port("TCP", 5003, type == ClusterIP ? null : 30003), Port("UDP", 5001, type == ClusterIP ? null : 30001)],
            },
            Status = new KubeServiceStatus(new KubeLoadBalancer(type == LoadBalancer ? [new KubeIngress("203.0.113.9", null), new KubeIngress("2001:db8::9", null)] : null)),
        },
        [Endpoint("a", "node-1", 1), Endpoint("b", "node-1", 2), Endpoint("c", "node-2", 3)]);

    /// <summary>The same with topology hints: each endpoint for the zones that <paramref name="zones"/> gives it.</summary>
    internal static ClusterView Hinted(this ClusterView view, params string[][] zones) =>
        view with { Endpoints = [.. view.Endpoints.Select((one, i) => one with { HintZones = [.. zones[i]] })] };

    private static KubeNode Node(string name, string zone, int last) => new()
    {
        Metadata = new KubeMeta { Name = name, Labels = new() { ["topology.kubernetes.io/zone"] = zone } },
        Status = new KubeNodeStatus(
            [new KubeAddress("InternalIP", $"172.30.0.{last}"), new KubeAddress("Hostname", name), .. last == 12 ? [new KubeAddress("ExternalIP", "198.51.100.12")] : Array.Empty<KubeAddress>()], null,
            [new KubeCondition("Ready", "True", null, null, null)]),
    };

    private static KubeServicePort Port(string protocol, int port, int? node) => new(null, protocol, port, node);

    private static KubernetesEndpoint Endpoint(string name, string node, int last) => new(name, node, [IPAddress.Parse($"10.244.1.{last}"), IPAddress.Parse($"fd00:244::{last}")]) { Ready = true };
}
