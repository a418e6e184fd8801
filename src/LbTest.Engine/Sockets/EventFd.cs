using System.Runtime.InteropServices;

namespace LbTest.Engine.Sockets;

/// <summary>Wakes a thread that waits in epoll, from any other (eventfd(2)).</summary>
internal sealed unsafe partial class EventFd : IDisposable
{
    internal EventFd()
    {
        Fd = Create(0, Linux.SockNonblock | Linux.SockCloexec); // EFD_NONBLOCK and EFD_CLOEXEC have the same values
        if (Fd < 0) throw new SocketFault("eventfd", Linux.LastError);
    }

    /// <summary>Readable from <see cref="Signal"/> until <see cref="Clear"/>.</summary>
    internal int Fd { get; }

    internal void Signal()
    {
        ulong one = 1;
        _ = Write(Fd, &one, sizeof(ulong));
    }

    internal void Clear()
    {
        ulong count;
        _ = Read(Fd, &count, sizeof(ulong));
    }

    public void Dispose() => _ = Linux.Close(Fd);

    [LibraryImport("libc", EntryPoint = "eventfd", SetLastError = true)]
    private static partial int Create(uint value, int flags);

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    private static partial nint Write(int fd, void* bytes, nint length);

    [LibraryImport("libc", EntryPoint = "read", SetLastError = true)]
    private static partial nint Read(int fd, void* bytes, nint length);
}
