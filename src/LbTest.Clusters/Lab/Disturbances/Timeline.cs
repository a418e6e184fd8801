using System.Diagnostics;
using System.Runtime.InteropServices;

namespace LbTest.Clusters.Lab.Disturbances;

/// <summary>Does things at their times, on a thread of its own.</summary>
/// <param name="works">What to do when, ascending. One that takes longer than until the next one's time delays that one.</param>
internal sealed partial class Timeline(IReadOnlyList<(TimeSpan At, Action Work)> works)
{
    // A sleep may end this much too late on a busy machine; the rest of the time is spent awake.
    private static readonly TimeSpan Awake = TimeSpan.FromMilliseconds(2);

    private readonly object _sleep = new();
    private volatile bool _stop;
    private Thread? _thread;

    /// <summary>Begins; times count from this <see cref="Stopwatch"/> timestamp.</summary>
    internal void Start(long timestamp)
    {
        _thread = new Thread(() => Work(timestamp)) { IsBackground = true, Name = "lbtest disturb" };
        _thread.Start();
    }

    /// <summary>Ends it, once what is just being done is done.</summary>
    internal void Stop()
    {
        lock (_sleep)
        {
            _stop = true;
            Monitor.PulseAll(_sleep);
        }

        _thread?.Join();
        _thread = null;
    }

    private void Work(long timestamp)
    {
        int own = GetPriority(which: 0, who: 0);
        foreach ((TimeSpan at, Action work) in works)
        {
            // To wake up in time this thread comes before those of the test; while it works it does not, nor do the tools that it starts. An ordinary
            // user may not have that (setpriority(2), which on Linux is of the thread); then it is as it is.
            _ = SetPriority(which: 0, who: 0, nice: -15);
            for (TimeSpan left; !_stop && (left = at - Stopwatch.GetElapsedTime(timestamp)) > TimeSpan.Zero;)
            {
                if (left <= Awake) _ = Thread.Yield();
                else Sleep(left - Awake);
            }

            _ = SetPriority(which: 0, who: 0, own);
            if (_stop) return;
            work();
        }
    }

    [LibraryImport("libc", EntryPoint = "getpriority")]
    private static partial int GetPriority(int which, uint who);

    [LibraryImport("libc", EntryPoint = "setpriority")]
    private static partial int SetPriority(int which, uint who, int nice);

    private void Sleep(TimeSpan time)
    {
        lock (_sleep)
        {
            if (!_stop) _ = Monitor.Wait(_sleep, time);
        }
    }
}
