using System.Collections.Immutable;
using System.Net;
using LbTest.Clusters.Lab.Dataplanes;

namespace LbTest.Clusters.Tests.Dataplanes;

/// <summary>A small dual-stack cluster, seen from node-1: two endpoints on each of two nodes.</summary>
internal static class Sample
{
    internal const string Node = "node-1";

    internal static ServicePort Service { get; } = new()
    {
        Name = "web",
        PortName = "http",
        Port = 80,
        ClusterAddresses = [IPAddress.Parse("10.96.0.1"), IPAddress.Parse("fd00:96::1")],
        Endpoints = [.. Endpoints("node-1", 1), .. Endpoints("node-2", 2)],
    };

    internal static ServicePort External { get; } = Service with
    {
        NodePort = 30080,
        LoadBalancerAddresses = [IPAddress.Parse("10.0.0.1"), IPAddress.Parse("fd00:10::1")],
    };

    internal static ServicePort ExternalLocal { get; } = External with { ExternalTrafficPolicy = TrafficPolicy.Local };

    internal static ServicePort InternalLocal { get; } = Service with { InternalTrafficPolicy = TrafficPolicy.Local };

    internal static DesiredState State(params ServicePort[] services) => new(
        Node,
        [IPAddress.Parse("192.168.1.1"), IPAddress.Parse("fd00:192::1")],
        [IPNetwork.Parse("11.0.0.0/8"), IPNetwork.Parse("fd00:11::/32")],
        [IPNetwork.Parse("10.96.0.0/16"), IPNetwork.Parse("fd00:96::/112")],
        [.. services]);

    /// <summary>The same service without its endpoints on <paramref name="node"/>.</summary>
    internal static ServicePort Without(this ServicePort service, string node) =>
        service with { Endpoints = [.. service.Endpoints.Where(e => e.NodeName != node)] };

    /// <summary>As many services as given, of all kinds and with every combination of policies and affinity.</summary>
    internal static ImmutableArray<ServicePort> Many(int count) =>
    [
        .. from i in Enumerable.Range(0, count)
           select External with
           {
               Name = $"service-{i}",
               PortName = i % 7 == 0 ? "" : "http",
               Protocol = i % 2 == 0 ? Engine.Sockets.TransportProtocol.Tcp : Engine.Sockets.TransportProtocol.Udp,
               ClusterAddresses = [IPAddress.Parse($"10.96.1.{i}"), IPAddress.Parse($"fd00:96::1:{i:x}")],
               LoadBalancerAddresses = [IPAddress.Parse($"10.0.1.{i}"), IPAddress.Parse($"fd00:10::1:{i:x}")],
               NodePort = i % 3 == 0 ? 0 : 30100 + i,
               ClientIPAffinity = i % 5 == 0 ? TimeSpan.FromMinutes(5) : null,
               ExternalTrafficPolicy = (TrafficPolicy)(i / 2 % 2),
               InternalTrafficPolicy = (TrafficPolicy)(i / 4 % 2),
               Endpoints = i % 11 == 0 ? [] : i % 11 == 1 ? External.Without(Node).Endpoints : External.Endpoints,
           },
    ];

    internal static string[] Lines(string text) => text.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

    private static IEnumerable<EndpointAddress> Endpoints(string node, int number) =>
        from i in Enumerable.Range(2, 2)
        from address in (string[])[$"11.0.{number}.{i}", $"fd00:11::{number}:{i}"]
        select new EndpointAddress($"pod-{number}-{i}", IPAddress.Parse(address), 8080, node);
}
