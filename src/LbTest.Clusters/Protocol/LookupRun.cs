using System.Net.Sockets;
using LbTest.Engine.Connect;

namespace LbTest.Clusters.Protocol;

/// <summary>A connect test to a name that stands for many addresses: every connection asks for the name anew and takes the first address of the answer, as most clients do.</summary>
/// <param name="plan">What to do; of its target the address family counts.</param>
/// <param name="name">The name, <c>host:port</c>.</param>
/// <param name="progress">Hears of it.</param>
internal sealed class LookupRun(ConnectPlan plan, string name, IProgress<ConnectProgress> progress)
{
    // Beyond that many questions the answers' order says no more, and a DNS server has other clients too.
    private const int MostLookups = 1000;

    /// <summary>Runs it.</summary>
    internal async Task<ConnectResult> RunAsync(CancellationToken cancel)
    {
        int colon = name.LastIndexOf(':'), lookups = (int)Math.Min(plan.Count, MostLookups);
        var counts = new Dictionary<IPAddress, long>();
        for (int i = 0; i < lookups; i++)
        {
            IPAddress first = await First(name[..colon], cancel).ConfigureAwait(false);
            counts[first] = counts.GetValueOrDefault(first) + (plan.Count / lookups) + (i < plan.Count % lookups ? 1 : 0);
        }

        var results = new List<ConnectResult>();
        foreach ((IPAddress address, long count) in counts)
        {
            results.Add(await ConnectRun.RunAsync(plan with { Target = new IPEndPoint(address, plan.Target.Port), Count = count }, progress: new Offset(this, results), cancel: cancel).ConfigureAwait(false));
        }

        // One place, so the parts are of no interest; nor is a list of all addresses.
        return ConnectMerge.Of(results, plan.Label, plan.Context) with { Entries = [], Target = name };
    }

    private async Task<IPAddress> First(string host, CancellationToken cancel)
    {
        try
        {
            IPAddress[] addresses = await Dns.GetHostAddressesAsync(host, plan.Target.AddressFamily, cancel).ConfigureAwait(false);
            if (addresses.Length > 0) return addresses[0];
        }
        catch (SocketException)
        {
            // The same to the user as an empty answer.
        }

        throw new InvalidOperationException($"The name '{host}' does not resolve. See whether the cluster's DNS works: kubectl get pods -n kube-system -l k8s-app=kube-dns");
    }

    private sealed class Offset(LookupRun run, List<ConnectResult> before) : IProgress<ConnectProgress>
    {
        public void Report(ConnectProgress value) => run.Tell(before, value);
    }

    private void Tell(List<ConnectResult> before, ConnectProgress now) => progress.Report(now with
    {
        Connections = now.Connections + before.Sum(one => one.Connections), Failed = now.Failed + before.Sum(one => one.Failed), Requested = plan.Count,
        Elapsed = now.Elapsed + TimeSpan.FromTicks(before.Sum(one => one.Duration.Ticks)),
        Endpoints = [.. before.SelectMany(one => one.Endpoints).Concat(now.Endpoints).GroupBy(one => one.Name).Select(of => of.First() with { Connections = of.Sum(one => one.Connections) })],
    });
}
