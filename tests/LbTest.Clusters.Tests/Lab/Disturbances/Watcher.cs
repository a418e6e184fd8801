using System.Collections.Concurrent;
using LbTest.Engine.Disturbances;
using LbTest.Engine.Traffic;

namespace LbTest.Clusters.Tests.Lab.Disturbances;

/// <summary>Listens to a running traffic test, so that a test can wait for what happens instead of for time.</summary>
internal sealed class Watcher : IProgress<TrafficProgress>
{
    private readonly List<(Func<TrafficProgress, bool> Is, TaskCompletionSource<TrafficProgress> Seen)> _waiting = [];
    private readonly ConcurrentQueue<TrafficProgress> _all = new();

    internal IEnumerable<TrafficProgress> All => _all;

    internal Task<TrafficProgress> Sees(DisturbanceKind kind, bool undo = false) => Sees(report => report.Disturbance is { } what && what.Kind == kind && what.Undo == undo);

    internal Task<TrafficProgress> SeesSamples(int count) => Sees(_ => _all.Count(report => report.Sample is not null) >= count);

    private Task<TrafficProgress> Sees(Func<TrafficProgress, bool> what)
    {
        var seen = new TaskCompletionSource<TrafficProgress>(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_waiting) _waiting.Add((what, seen));
        return seen.Task;
    }

    public void Report(TrafficProgress value)
    {
        _all.Enqueue(value);
        lock (_waiting)
        {
            foreach ((Func<TrafficProgress, bool> what, TaskCompletionSource<TrafficProgress> seen) in _waiting)
            {
                if (what(value)) _ = seen.TrySetResult(value);
            }
        }
    }
}
