using Microsoft.Win32.SafeHandles;

namespace LbTest.Engine.Sockets;

/// <summary>A network namespace by its path, e.g. <c>/run/netns/node-1</c>. A thread enters it; its sockets stay in it, and processes that it starts are in it.</summary>
/// <param name="Path">The path that <c>ip netns</c> bound it to.</param>
public sealed record NetworkNamespace(string Path)
{
    // That of the process's first thread, which never enters another.
    private static readonly Lazy<SafeFileHandle> s_home = new(() => File.OpenHandle("/proc/self/ns/net"));

    /// <summary>Opens the file of the namespace, as netlink messages that refer to it want it.</summary>
    /// <exception cref="FileNotFoundException">There is no such namespace.</exception>
    public SafeFileHandle Open() => File.OpenHandle(Path);

    /// <summary>Moves the calling thread into the namespace. Only inside <see cref="Run{T}"/>, which brings it back: any other thread would take others along.</summary>
    /// <exception cref="SocketFault">The kernel refused (setns(2)).</exception>
    /// <exception cref="FileNotFoundException">There is no such namespace.</exception>
    internal void Enter()
    {
        using SafeFileHandle handle = Open();
        Enter(handle);
    }

    /// <summary>Moves the calling thread back to where the process is.</summary>
    /// <returns>False when it has to stay where it is.</returns>
    internal static bool TryLeave()
    {
        try
        {
            return Linux.SetNs((int)s_home.Value.DangerousGetHandle(), Linux.CloneNewNet) == 0;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // Without /proc nobody was able to enter anything either.
            return false;
        }
    }

    /// <summary>Runs <paramref name="work"/> inside the namespace, not on the calling thread, and returns what it returned or threw.</summary>
    /// <remarks>Called by work that is inside another namespace, it is the same thread that enters this one and goes back.</remarks>
    /// <exception cref="SocketFault">The kernel refused (setns(2)).</exception>
    /// <exception cref="FileNotFoundException">There is no such namespace.</exception>
    public T Run<T>(Func<T> work)
    {
        ArgumentNullException.ThrowIfNull(work);
        if (!NamespaceThreads.Current) return RunAsync(work).GetAwaiter().GetResult();
        using SafeFileHandle outer = File.OpenHandle("/proc/thread-self/ns/net");
        Enter();
        try
        {
            return work();
        }
        finally
        {
            Enter(outer);
        }
    }

    /// <summary>As <see cref="Run{T}"/>, without waiting, and always on another thread.</summary>
    public Task<T> RunAsync<T>(Func<T> work)
    {
        ArgumentNullException.ThrowIfNull(work);
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        T result = default!;
        Exception? failure = null;
        NamespaceThreads.Begin(
            () =>
            {
                try
                {
                    Enter();
                    result = work();
                }
#pragma warning disable CA1031 // Whatever it is, the caller gets it.
                catch (Exception exception)
#pragma warning restore CA1031
                {
                    failure = exception;
                }
            },
            () =>
            {
                if (failure is null) done.SetResult(result);
                else done.SetException(failure);
            });
        return done.Task;
    }

    private static void Enter(SafeFileHandle handle)
    {
        if (Linux.SetNs((int)handle.DangerousGetHandle(), Linux.CloneNewNet) != 0) throw new SocketFault("setns", Linux.LastError);
    }
}
