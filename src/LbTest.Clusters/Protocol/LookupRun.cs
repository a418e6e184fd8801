using System.Globalization;
using LbTest.Engine.Connect;

namespace LbTest.Clusters.Protocol;

/// <summary>A connect test to a name that stands for many addresses: every connection asks for the name anew and takes the first address of the answer.</summary>
/// <param name="plan">What to do; of its target the address family counts.</param>
/// <param name="name">The name, <c>host:port</c>.</param>
/// <param name="progress">Hears of it.</param>
internal sealed class LookupRun(ConnectPlan plan, string name, IProgress<ConnectProgress> progress)
{
    // So many connections ask, then they are made: there is progress to tell, and something to hand over when the test is stopped.
    private const int Round = 1000;

    /// <summary>Runs it.</summary>
    internal async Task<ConnectResult> RunAsync(CancellationToken cancel)
    {
        // The limit is that of the whole test, the lookups in it.
        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        end.CancelAfter(plan.EffectiveTimeout);
        ConnectResult? sum = null;
        long left = plan.Count;
        while (left > 0 && sum is not { Completed: false })
        {
            Dictionary<IPAddress, long> counts = await Task.Run(() => Ask((int)Math.Min(left, Round), end.Token), CancellationToken.None).ConfigureAwait(false);
            if (counts.Count == 0) break;
            foreach ((IPAddress address, long count) in counts)
            {
                var connecting = new After(sum, plan, progress);
                ConnectResult one = await ConnectRun.RunAsync(plan with { Target = new IPEndPoint(address, plan.Target.Port), Count = count, Timeout = plan.EffectiveTimeout }, progress: connecting, cancel: end.Token).ConfigureAwait(false);
                // One place, so the parts are of no interest; nor is a list of all addresses.
                sum = ConnectMerge.Of(sum is null ? [one] : [sum, one], plan.Label, plan.Context) with { Entries = [], Target = name };
                left -= count;
            }

            progress.Report(new ConnectProgress(sum!.Connections, sum.Failed, plan.Count, sum.Duration, sum.Endpoints));
        }

        string reason = cancel.IsCancellationRequested ? "stopped by the user" : string.Create(CultureInfo.InvariantCulture, $"the time limit of {plan.EffectiveTimeout.TotalSeconds} s for the whole test was reached");
        if (sum is null) throw cancel.IsCancellationRequested ? new OperationCanceledException(cancel) : new InvalidOperationException($"The name '{name}' was asked for, and {reason}.");
        // Of a test that was ended early the rest has not been made, wherever it was to go.
        return left == 0 && sum.Completed ? sum : sum with { Completed = false, Reason = reason, Requested = plan.Count, Unfinished = sum.Unfinished + left };
    }

    // How many connections each address gets; none where the test is stopped.
    private Dictionary<IPAddress, long> Ask(int connections, CancellationToken cancel)
    {
        string host = name[..name.LastIndexOf(':')];
        var counts = new Dictionary<IPAddress, long>();
        for (int i = 0; i < connections && !cancel.IsCancellationRequested; i++)
        {
            IPAddress first = NameLookup.First(host, plan.Target.AddressFamily);
            counts[first] = counts.GetValueOrDefault(first) + 1;
        }

        return counts;
    }

    // Progress is told from another thread, so what was before must not change.
    private sealed class After(ConnectResult? before, ConnectPlan plan, IProgress<ConnectProgress> progress) : IProgress<ConnectProgress>
    {
        public void Report(ConnectProgress value) => progress.Report(before is null ? value with { Requested = plan.Count } : value with
        {
            Connections = value.Connections + before.Connections, Failed = value.Failed + before.Failed, Requested = plan.Count, Elapsed = value.Elapsed + before.Duration,
            Endpoints = [.. before.Endpoints.Concat(value.Endpoints).GroupBy(one => one.Name).Select(of => of.First() with { Connections = of.Sum(one => one.Connections) })],
        });
    }
}
