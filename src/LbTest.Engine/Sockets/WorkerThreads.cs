namespace LbTest.Engine.Sockets;

/// <summary>The threads that make traffic.</summary>
internal static class WorkerThreads
{
    /// <summary>How many: as asked for, else one per processor.</summary>
    internal static int Count(int wanted, IPEndPoint target, NetworkNamespace? from)
    {
        // A server on loopback shares the processors: more threads here would only take turns with its own (bench/connects.sh).
        bool shared = from is null && IPAddress.IsLoopback(target.Address);
        return wanted > 0 ? wanted : Math.Max(1, shared ? Environment.ProcessorCount / 2 : Environment.ProcessorCount);
    }

    /// <summary>Runs <paramref name="work"/> to its end on a thread of its own, inside a network namespace if one is given.</summary>
    internal static Task RunAsync(Action work, NetworkNamespace? from) => from is null
        ? Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)
        : from.RunAsync(() =>
        {
            work();
            return true;
        });
}
