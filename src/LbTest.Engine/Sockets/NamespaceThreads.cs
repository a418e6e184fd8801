namespace LbTest.Engine.Sockets;

/// <summary>Threads that work inside network namespaces, one job at a time, and wait outside all of them for the next.</summary>
/// <remarks>
/// setns(2) moves a thread, and starting one costs more than most jobs, in a user-mode kernel above all. There is no limit to how many work at
/// once: jobs may last as long as a test and may have jobs of their own. A thread of the runtime's pool is never moved, nor made in a namespace
/// because a job ended there.
/// </remarks>
internal static class NamespaceThreads
{
    // As many as are ever wanted at once, tests with very many workers apart.
    private static readonly int IdleAtMost = Math.Max(4, 2 * Environment.ProcessorCount);

    private static readonly Stack<Worker> s_idle = new();

    [ThreadStatic]
    private static bool t_works;

    /// <summary>True on one of these threads while it works.</summary>
    internal static bool Current => t_works;

    /// <summary>Does a job on one of them.</summary>
    /// <param name="job">What to do. It may move the thread; it must not throw.</param>
    /// <param name="done">Called after it, when the thread is back outside and free for others.</param>
    internal static void Begin(Action job, Action done)
    {
        Worker? worker;
        lock (s_idle) _ = s_idle.TryPop(out worker);
        (worker ?? new Worker()).Give(new Given(job, done));
    }

    private sealed record Given(Action Job, Action Done);

    private sealed class Worker
    {
        private readonly object _lock = new();
        private Given? _given;

        internal Worker() => new Thread(Work) { IsBackground = true, Name = "netns" }.UnsafeStart();

        internal void Give(Given given)
        {
            lock (_lock)
            {
                _given = given;
                Monitor.Pulse(_lock);
            }
        }

        private void Work()
        {
            for (bool goesOn = true; goesOn;)
            {
                Given given = Take();
                t_works = true;
                given.Job();
                t_works = false;
                // A thread that cannot go back is of no use to others.
                goesOn = NetworkNamespace.TryLeave() && Park();
                given.Done();
            }
        }

        private Given Take()
        {
            lock (_lock)
            {
                while (_given is null) _ = Monitor.Wait(_lock);
                Given given = _given;
                _given = null;
                return given;
            }
        }

        // Whoever is told that a job is done finds its thread waiting.
        private bool Park()
        {
            lock (s_idle)
            {
                if (s_idle.Count >= IdleAtMost) return false;
                s_idle.Push(this);
                return true;
            }
        }
    }
}
