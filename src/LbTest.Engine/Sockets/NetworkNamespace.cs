using Microsoft.Win32.SafeHandles;

namespace LbTest.Engine.Sockets;

/// <summary>A network namespace by its path, e.g. <c>/run/netns/node-1</c>. A thread enters it; its sockets stay in it.</summary>
/// <param name="Path">The path that <c>ip netns</c> bound it to.</param>
public sealed record NetworkNamespace(string Path)
{
    /// <summary>Moves the calling thread into the namespace. Only for threads that end afterwards: a pooled thread would take others along.</summary>
    /// <exception cref="SocketFault">The kernel refused (setns(2)).</exception>
    /// <exception cref="FileNotFoundException">There is no such namespace.</exception>
    public void Enter()
    {
        using SafeFileHandle handle = File.OpenHandle(Path);
        if (Linux.SetNs((int)handle.DangerousGetHandle(), Linux.CloneNewNet) != 0) throw new SocketFault("setns", Linux.LastError);
    }

    /// <summary>Runs <paramref name="work"/> on a thread of its own inside the namespace and returns what it returned or threw.</summary>
    public T Run<T>(Func<T> work) => RunAsync(work).GetAwaiter().GetResult();

    /// <summary>As <see cref="Run{T}"/>, without waiting.</summary>
    public Task<T> RunAsync<T>(Func<T> work)
    {
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        new Thread(() =>
        {
            try
            {
                Enter();
                done.SetResult(work());
            }
#pragma warning disable CA1031 // Whatever it is, the caller gets it.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                done.SetException(exception);
            }
        }) { IsBackground = true, Name = "netns" }.Start();
        return done.Task;
    }
}
