using LbTest.Clusters.Kubernetes.Api;
using LbTest.Engine.Disturbances;
using LbTest.Engine.Traffic;

namespace LbTest.Clusters.Kubernetes.Disturbances;

/// <summary>Disturbs a cluster at the planned times, and writes down what happened when.</summary>
/// <param name="cluster">The cluster.</param>
/// <param name="actions">What to do.</param>
/// <param name="progress">Hears of the test; from here on of what happened to the cluster too.</param>
#pragma warning disable CA1001 // What is still on its way when nobody waits any more goes on to ask for its end.
internal sealed class KubernetesDisturbanceRun(KubernetesCluster cluster, ImmutableArray<KubernetesAction> actions, IProgress<TrafficProgress>? progress) : IProgress<TrafficProgress>
#pragma warning restore CA1001
{
    private static readonly TimeSpan UndoLimit = TimeSpan.FromMinutes(5);

    private readonly Lock _lock = new();
    private readonly List<DisturbanceEvent> _events = [];
    private readonly List<KubernetesAction> _toUndo = [];
    private readonly CancellationTokenSource _end = new();
    private readonly List<Task> _running = [];
    private EndpointWatch? _watch;
    private Task? _watching;
    private Task<ImmutableArray<string>>? _finish;
    private DateTimeOffset _started;
    private (KubernetesAction Action, bool Undo)? _current;
    private int _step;

    /// <summary>What happened so far, in the order of time.</summary>
    internal ImmutableArray<DisturbanceEvent> Events
    {
        get
        {
            lock (_lock) return [.. _events.OrderBy(one => one.Applied)];
        }
    }

    /// <summary>When endpoints came and went, from the start of traffic.</summary>
    internal IEnumerable<(string Endpoint, TimeSpan? Ready, TimeSpan? Gone)> Changes =>
        _watch?.Times.Select(one => (one.Endpoint, one.Ready - _started, one.Gone - _started)).Where(one => one.Item2 >= TimeSpan.Zero || one.Item3 >= TimeSpan.Zero) ?? [];

    /// <summary>Begins to watch, before traffic starts.</summary>
    internal void Watch()
    {
        _watch = new EndpointWatch(cluster.Api, cluster.Namespace, Changed);
        _watching = _watch.RunAsync(cluster.Endpoints, _end.Token);
    }

    /// <inheritdoc/>
    public void Report(TrafficProgress value)
    {
        if (value.Started is { } started)
        {
            lock (_lock)
            {
                _started = started;
                if (_finish is null) foreach (KubernetesAction action in actions) _running.Add(Task.Run(() => Carry(action)));
            }
        }

        progress?.Report(value);
    }

    /// <summary>Ends it all and makes the cluster what it was before, once however often it is called.</summary>
    /// <param name="wait">True waits until that is in force, false only until the cluster has been told.</param>
    /// <returns>What to know of it: what could not be undone, what was not heard; empty when all is well.</returns>
    internal Task<ImmutableArray<string>> FinishAsync(bool wait)
    {
        lock (_lock) return _finish ??= Task.Run(() => EndAsync(wait));
    }

    private async Task<ImmutableArray<string>> EndAsync(bool wait)
    {
        await _end.CancelAsync().ConfigureAwait(false);
        Task[] running;
        lock (_lock) running = [.. _running];
        await Task.WhenAll(running).ConfigureAwait(false);
        var errors = new List<string>();
        foreach (KubernetesAction action in Enumerable.Reverse(_toUndo))
        {
            using IDisposable care = Aftercare.Begin($"A disturbance was still being undone ({action.Description}).{Hint(action)}");
            using var limit = new CancellationTokenSource(UndoLimit);
            if (await Attempt(() => action.Undo!(wait, limit.Token)).ConfigureAwait(false) is { } error) errors.Add($"A disturbance could not be undone ({action.Description}): {error}{Hint(action)}");
        }

        if (_watching is not null) await _watching.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (_watching?.Exception?.InnerException is { } unheard) errors.Add($"Not all is known of when endpoints came and went: {unheard.Message}");
        return [.. errors];
    }

    private static string Hint(KubernetesAction action) => action.ByHand.Length == 0 ? "" : $" Do it with: {action.ByHand}";

    private async Task Carry(KubernetesAction action)
    {
        await Wait(action.What.At).ConfigureAwait(false);
        if (_end.IsCancellationRequested) return;
        if (action.Undo is not null) lock (_lock) _toUndo.Add(action);
        await Apply(action, action.Do, action.What.At, undo: false).ConfigureAwait(false);
        if (action.Undo is null || action.What.Duration is not { } duration) return;
        await Wait(action.What.At + duration).ConfigureAwait(false);
        if (_end.IsCancellationRequested) return;
        // One that fails, or is cut short, is tried again in the end.
        if (await Apply(action, (cancel, _) => action.Undo(true, cancel), action.What.At + duration, undo: true).ConfigureAwait(false)) lock (_lock) _ = _toUndo.Remove(action);
    }

    // Whether it came to its end.
    private async Task<bool> Apply(KubernetesAction action, Func<CancellationToken, Action<string>, Task> work, TimeSpan planned, bool undo)
    {
        TimeSpan applied = Now;
        lock (_lock) _current = (action, undo);
        string description = action.Description;
        bool done = false;
        string? error = await Attempt(async () =>
        {
            await work(_end.Token, said => description = said).ConfigureAwait(false);
            done = true;
        }).ConfigureAwait(false);
        Tell(new DisturbanceEvent
        {
            Kind = action.What.Kind, Index = action.Index, Undo = undo, Planned = planned, Applied = applied, Took = Now - applied, EndpointsAfter = _watch?.Ready ?? 0, Error = error,
            Description = (undo ? "undone: " : "") + description + (error is null && !done ? " (still under way when the test ended)" : ""),
        });
        return done;
    }

    // What the cluster does of itself afterwards belongs to the disturbance that began last.
    private void Changed(string endpoint, bool came)
    {
        (KubernetesAction Action, bool Undo)? current;
        int step;
        lock (_lock) (current, step) = (_current, ++_step);
        if (current is not { } cause) return;
        TimeSpan now = Now;
        Tell(new DisturbanceEvent
        {
            Kind = cause.Action.What.Kind, Index = cause.Action.Index, Step = step, Undo = cause.Undo, Planned = now, Applied = now, EndpointsAfter = _watch!.Ready,
            Description = came ? $"endpoint {endpoint} is ready" : $"endpoint {endpoint} is to go", Added = came ? [endpoint] : [], Removed = came ? [] : [endpoint], Broken = came ? [] : [endpoint],
        });
    }

    private TimeSpan Now => DateTimeOffset.UtcNow - _started;

    private async Task Wait(TimeSpan until)
    {
        if (until - Now is { Ticks: > 0 } left) await Task.Delay(left, _end.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private void Tell(DisturbanceEvent one)
    {
        lock (_lock) _events.Add(one);
        progress?.Report(new TrafficProgress { Disturbance = one });
    }

    private async Task<string?> Attempt(Func<Task> work)
    {
        try
        {
            await work().ConfigureAwait(false);
            return null;
        }
        catch (OperationCanceledException) when (_end.IsCancellationRequested)
        {
            // The test ended while it was under way.
            return null;
        }
        catch (Exception exception) when (exception is KubernetesException or InvalidOperationException or OperationCanceledException or Engine.PlanException or IOException)
        {
            return exception.Message;
        }
    }
}
