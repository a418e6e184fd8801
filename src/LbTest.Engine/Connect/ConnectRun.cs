using System.Diagnostics;
using LbTest.Engine.Latency;
using LbTest.Engine.Results;
using LbTest.Engine.Sockets;

namespace LbTest.Engine.Connect;

/// <summary>One run of a <see cref="ConnectPlan"/>: what its workers share, and the result made of what they counted.</summary>
public sealed class ConnectRun
{
    private readonly CancellationToken _cancel;
    private readonly long _started = Stopwatch.GetTimestamp();
    private readonly long _deadline;
    private long _next;
    private volatile bool _timedOut;

    private ConnectRun(ConnectPlan plan, CancellationToken cancel)
    {
        Plan = plan with { Seed = plan.Seed ?? Random.Shared.Next() };
        Sources = plan.Source is null ? null : SourceRange.Parse(plan.Source, Plan.Seed.Value);
        _cancel = cancel;
        _deadline = _started + (long)(plan.EffectiveTimeout.TotalSeconds * Stopwatch.Frequency);
    }

    internal ConnectPlan Plan { get; }

    internal SourceRange? Sources { get; }

    internal bool Stopped => _cancel.IsCancellationRequested || _timedOut || (_timedOut = Stopwatch.GetTimestamp() > _deadline);

    /// <summary>Runs the plan to its end, to its time limit or until it is cancelled. What was measured is returned in every case.</summary>
    /// <param name="plan">What to do.</param>
    /// <param name="from">The network namespace to start connections from; null for the one this process is in.</param>
    /// <param name="progress">Told four times a second, from another thread; null for nobody.</param>
    /// <param name="portable">True takes the path on .NET's sockets even where the native one is there.</param>
    /// <param name="cancel">Stops the run within a tenth of a second; the result is marked as not complete then.</param>
    /// <exception cref="PlanException">The plan cannot be carried out: see <see cref="ConnectPlan.Validate"/> and <see cref="Preflight"/>.</exception>
    public static async Task<ConnectResult> RunAsync(
        ConnectPlan plan, NetworkNamespace? from = null, IProgress<ConnectProgress>? progress = null, bool portable = false,
        CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(plan);
        plan.Validate();
        ImmutableArray<string> warnings = from is null ? Preflight.Check(plan) : await from.RunAsync(() => Preflight.Check(plan)).ConfigureAwait(false);
        var run = new ConnectRun(plan, cancel);
        DateTimeOffset started = DateTimeOffset.UtcNow;
        Tally[] tallies = [.. Enumerable.Range(0, run.WorkerCount(portable, from)).Select(_ => new Tally(run.Plan))];
        using (run.Report(progress, tallies))
        {
            long abandoned = portable || !OperatingSystem.IsLinux()
                ? await new PortableConnect(run, tallies[0]).WorkAsync(cancel).ConfigureAwait(false)
                : await run.WorkNatively(tallies, from).ConfigureAwait(false);
            return run.Result(tallies, started, Stopwatch.GetElapsedTime(run._started), abandoned, warnings);
        }
    }

    /// <summary>The index of the next connection to start, or −1 when all have been.</summary>
    internal long NextIndex()
    {
        long index = Interlocked.Increment(ref _next) - 1;
        return index < Plan.Count ? index : -1;
    }

    private int WorkerCount(bool portable, NetworkNamespace? from) =>
        portable || !OperatingSystem.IsLinux() ? 1 : (int)Math.Min(Math.Min(WorkerThreads.Count(Plan.Threads, Plan.Target, from), Plan.Concurrency), Plan.Count);

    private async Task<long> WorkNatively(Tally[] tallies, NetworkNamespace? from)
    {
        var workers = new ConnectWorker[tallies.Length];
        try
        {
            for (int i = 0; i < workers.Length; i++)
            {
                // The concurrency is shared out to the last one: 64 over 3 workers is 22 + 21 + 21.
                int share = (Plan.Concurrency / workers.Length) + (i < Plan.Concurrency % workers.Length ? 1 : 0);
                workers[i] = new ConnectWorker(this, tallies[i], share);
            }

            await Task.WhenAll(workers.Select(worker => WorkerThreads.RunAsync(worker.Work, from))).ConfigureAwait(false);
            return workers.Sum(worker => worker.Abandoned);
        }
        finally
        {
            foreach (ConnectWorker? worker in workers) worker?.Dispose();
        }
    }

    private Timer? Report(IProgress<ConnectProgress>? progress, Tally[] tallies)
    {
        if (progress is null) return null;
        return new Timer(_ => progress.Report(new ConnectProgress(
            tallies.Sum(t => t.Connections), tallies.Sum(t => t.Failed), Plan.Count, Stopwatch.GetElapsedTime(_started), Tally.Snapshot(Plan, tallies))), null, 250, 250);
    }

    private ConnectResult Result(Tally[] tallies, DateTimeOffset started, TimeSpan duration, long abandoned, ImmutableArray<string> warnings)
    {
        var latency = new Histogram();
        foreach (Tally tally in tallies) latency.Merge(tally.Latency);
        (ImmutableArray<EndpointResult> endpoints, AffinityResult? affinity) = Tally.MergeEndpoints(Plan, tallies);
        long connections = tallies.Sum(t => t.Connections), failed = tallies.Sum(t => t.Failed);
        long unfinished = Plan.Count - connections - failed;
        System.Diagnostics.Debug.Assert(abandoned + Math.Max(0, Plan.Count - _next) == unfinished, "Every connection is accounted for.");
        return new ConnectResult
        {
            Label = Plan.Label, Started = started, Duration = duration, Target = Plan.Target.ToString(), Protocol = Plan.Protocol,
            Completed = unfinished == 0,
            Reason = unfinished == 0 ? null : _cancel.IsCancellationRequested ? "stopped by the user" : string.Create(
                CultureInfo.InvariantCulture, $"the time limit of {Plan.EffectiveTimeout.TotalSeconds} s for the whole test was reached"),
            Requested = Plan.Count, Connections = connections, Failed = failed, Unfinished = unfinished, Failures = Tally.MergeFailures(tallies),
            Endpoints = endpoints, Latency = LatencySummary.From(latency), SynRetransmits = tallies.Sum(t => t.SynRetransmits), Affinity = affinity,
            Seed = Plan.Seed!.Value, Source = Plan.Source, Concurrency = Plan.Concurrency, Context = Plan.Context, Warnings = warnings, Generator = Generator.Name,
        };
    }
}
