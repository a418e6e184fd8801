using System.Diagnostics;
using LbTest.Clusters.Kubernetes.Api;
using LbTest.Clusters.Kubernetes.Vantage;
using LbTest.Engine;
using LbTest.Engine.Connect;

namespace LbTest.Clusters.Kubernetes.Deploy;

/// <summary>Sees that traffic gets to every endpoint: ready is what the cluster says, reached is what counts.</summary>
internal sealed class Reaching(KubernetesCluster cluster, IProgress<KubernetesProgress>? progress)
{
    // Through a service all of k endpoints have been met after about k ln k connections.
    private const int PerEndpoint = 8;

    /// <summary>Waits until every endpoint that the usual way leads to has answered.</summary>
    /// <param name="limit">How long that may take.</param>
    /// <param name="cancel">Ends it.</param>
    /// <exception cref="KubernetesException">They have not in time; the message says which.</exception>
    internal async Task WaitAsync(TimeSpan limit, CancellationToken cancel)
    {
        KubernetesSpec spec = cluster.Spec;
        if (spec.EndpointCount == 0) return;
        var elapsed = Stopwatch.StartNew();
        if (spec.ServiceType == KubernetesServiceType.LoadBalancer) await WaitForAddress(limit, cancel).ConfigureAwait(false);
        // A server of traffic alone does not answer connect tests.
        if (EndpointImage.Of(spec.Image).ReadyPort != ClusterObjects.ConnectPort) return;
        var seen = new HashSet<string>(StringComparer.Ordinal);
        string? why = null;
        while (true)
        {
            await cluster.RefreshAsync(cancel).ConfigureAwait(false);
            var route = new KubernetesRoute(cluster.View, new ConnectRequest { Plan = Plan(1) }, spec.Namespace);
            ImmutableArray<KubernetesPlace> places = route.Places();
            KubernetesWay way = route.Way(places[0], ClusterObjects.ConnectPort, TransportProtocol.Tcp, ipvs: false);
            string[] wanted = [.. way.Endpoints.Where(one => one.Share is not 0).Select(one => one.Name)];
            (string ns, string? pod) = (await cluster.PodsOf(places, cancel).ConfigureAwait(false))[0];
            var run = new PlaceRun(cluster.Api, ns, pod);
            ConnectResult result = await run.ConnectAsync(Plan(Math.Max(50, wanted.Length * PerEndpoint)) with { Target = way.Target, Endpoints = way.Endpoints }, way, null, cancel).ConfigureAwait(false);
            cancel.ThrowIfCancellationRequested();
            seen.UnionWith(result.Endpoints.Where(one => one.Connections > 0).Select(one => one.Name));
            why = result.Failures.IsEmpty ? null : $"{result.Failures[0].Class}: {result.Failures[0].Example}";
            string[] missing = [.. wanted.Except(seen)];
            // With affinity one client meets one endpoint.
            if (wanted.Length == spec.EndpointCount || way.Endpoints.Any(one => one.Share is not null))
            {
                if (spec.SessionAffinity is not null ? result.Connections > 0 : missing.Length == 0) return;
            }

            progress?.Report(new KubernetesProgress("Reaching endpoints", wanted.Length - missing.Length, spec.EndpointCount, why is null ? [] : [why]));
            if (elapsed.Elapsed > limit)
            {
                throw new KubernetesException(KubernetesFault.Other, $"All endpoints are ready, but after {spec.Timeout.TotalSeconds:0} s only {spec.EndpointCount - missing.Length} of {spec.EndpointCount} could be reached from {route.From} by {route.To}"
                    + $"{(why is null ? "" : $" ({why})")}. See whether that address can be reached from there.");
            }

            await Task.Delay(TimeSpan.FromMilliseconds(500), cancel).ConfigureAwait(false);
        }
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
