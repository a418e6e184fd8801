using System.Diagnostics;
using System.Net.Sockets;
using LbTest.Clusters.Kubernetes.Api;
using LbTest.Clusters.Kubernetes.Vantage;
using LbTest.Engine;
using LbTest.Engine.Connect;
using LbTest.Engine.Traffic;

namespace LbTest.Clusters.Kubernetes.Deploy;

/// <summary>Sees that traffic gets to every endpoint: ready is what the cluster says, reached is what counts.</summary>
internal sealed class Reaching(KubernetesCluster cluster, IProgress<KubernetesProgress>? progress)
{
    // Through a service all of k endpoints have been met after about k ln k connections.
    private const int PerEndpoint = 8, MostEchoes = 10_000;

    /// <summary>Waits until every endpoint that the usual way leads to has answered, inside the cluster by IPv4 and by IPv6 where the service has both.</summary>
    /// <param name="limit">How long that may take.</param>
    /// <param name="cancel">Ends it.</param>
    /// <exception cref="KubernetesException">They have not in time; the message says which.</exception>
    internal async Task WaitAsync(TimeSpan limit, CancellationToken cancel)
    {
        KubernetesSpec spec = cluster.Spec;
        if (spec.EndpointCount == 0) return;
        var elapsed = Stopwatch.StartNew();
        if (spec.ServiceType == KubernetesServiceType.LoadBalancer) await WaitForAddress(limit, cancel).ConfigureAwait(false);
        // This machine may have no way by IPv6 to a load balancer that has both.
        IEnumerable<bool> families = spec.ServiceType == KubernetesServiceType.LoadBalancer ? [cluster.View.LoadBalancer(ipv6: false) is null]
            : cluster.View.ClusterAddresses.Select(one => one.AddressFamily == AddressFamily.InterNetworkV6).Distinct().ToArray();
        foreach (bool ipv6 in families) await WaitAsync(ipv6, elapsed, limit, cancel).ConfigureAwait(false);
    }

    private async Task WaitAsync(bool ipv6, Stopwatch elapsed, TimeSpan limit, CancellationToken cancel)
    {
        KubernetesSpec spec = cluster.Spec;
        int port = EndpointImage.Of(spec.Image).ReadyPort;
        var seen = new HashSet<string>(StringComparer.Ordinal);
        string? why = null;
        while (true)
        {
            await cluster.RefreshAsync(cancel).ConfigureAwait(false);
            var route = new KubernetesRoute(cluster.View, new ConnectRequest { Plan = Plan(1), IPv6 = ipv6 }, spec.Namespace);
            ImmutableArray<KubernetesPlace> places = route.Places();
            KubernetesWay way = route.Way(places[0], port, TransportProtocol.Tcp, ipvs: false);
            string[] wanted = [.. way.Endpoints.Where(one => one.Share is not 0).Select(one => one.Name)];
            (string ns, string? pod) = (await cluster.PodsOf(places, cancel).ConfigureAwait(false))[0];
            var run = new PlaceRun(cluster.Api, ns, pod);
            int count = Math.Max(50, wanted.Length * PerEndpoint);
            // A server of traffic alone does not answer connect tests.
            (IEnumerable<string> answered, ImmutableArray<FailureCount> failures) = port == ClusterObjects.ConnectPort ? await Connect(run, way, count, cancel).ConfigureAwait(false) : await Echo(run, way, count, cancel).ConfigureAwait(false);
            cancel.ThrowIfCancellationRequested();
            seen.UnionWith(answered);
            why = failures.IsEmpty ? null : $"{failures[0].Class}: {failures[0].Example}";
            string[] missing = [.. wanted.Except(seen)];
            // With affinity one client meets one endpoint.
            if (wanted.Length == spec.EndpointCount || way.Endpoints.Any(one => one.Share is not null))
            {
                if (spec.SessionAffinity is not null ? answered.Any() : missing.Length == 0) return;
            }

            progress?.Report(new KubernetesProgress("Reaching endpoints", wanted.Length - missing.Length, spec.EndpointCount, why is null ? [] : [why]));
            if (elapsed.Elapsed > limit)
            {
                throw new KubernetesException(KubernetesFault.Other, $"All endpoints are ready, but after {spec.Timeout.TotalSeconds:0} s only {spec.EndpointCount - missing.Length} of {spec.EndpointCount} could be reached from {route.From} by {route.To}{(ipv6 ? " over IPv6" : "")}"
                    + $"{(why is null ? "" : $" ({why})")}. See whether that address can be reached from there.");
            }

            await Task.Delay(TimeSpan.FromMilliseconds(500), cancel).ConfigureAwait(false);
        }
    }

    private static async Task<(IEnumerable<string> Answered, ImmutableArray<FailureCount> Failures)> Connect(PlaceRun run, KubernetesWay way, int count, CancellationToken cancel)
    {
        ConnectResult result = await run.ConnectAsync(Plan(count) with { Target = way.Target, Endpoints = way.Endpoints }, way, null, cancel).ConfigureAwait(false);
        return (result.Endpoints.Where(one => one.Connections > 0).Select(one => one.Name), result.Failures);
    }

    // Its connections are held side by side, so there are no more of them than one address has ports for.
    private static async Task<(IEnumerable<string> Answered, ImmutableArray<FailureCount> Failures)> Echo(PlaceRun run, KubernetesWay way, int count, CancellationToken cancel)
    {
        var plan = new TrafficPlan { Target = way.Target, Endpoints = way.Endpoints, Connections = Math.Min(count, MostEchoes), Duration = TimeSpan.FromSeconds(2), ConnectTimeout = TimeSpan.FromSeconds(2), Reconnect = false };
        TrafficResult result = await run.TrafficAsync(plan, way, null, cancel).ConfigureAwait(false);
        return (result.Connections.Select(one => one.Endpoint).OfType<string>(), result.Failures);
    }

    private async Task WaitForAddress(TimeSpan limit, CancellationToken cancel)
    {
        var elapsed = Stopwatch.StartNew();
        while (!cluster.View.LoadBalancers.Any())
        {
            progress?.Report(new KubernetesProgress("Waiting for the load balancer's address", cluster.Spec.EndpointCount, cluster.Spec.EndpointCount, []));
            if (elapsed.Elapsed > limit)
                throw new KubernetesException(KubernetesFault.Other, $"No load balancer gave the service an address within {cluster.Spec.Timeout.TotalSeconds:0} s. Where the cluster has none (kind, minikube without 'minikube tunnel', kubeadm), use -ServiceType NodePort.");
            await Task.Delay(TimeSpan.FromSeconds(1), cancel).ConfigureAwait(false);
            await cluster.RefreshAsync(cancel).ConfigureAwait(false);
        }
    }

    private static ConnectPlan Plan(long count) => new() { Target = new IPEndPoint(IPAddress.Any, 0), Count = count, ConnectTimeout = TimeSpan.FromSeconds(2), Timeout = TimeSpan.FromSeconds(20) };
}
