using System.Runtime.InteropServices;

namespace LbTest.Engine.Sockets;

/// <summary>One epoll instance and its event buffer. Not thread-safe: each worker thread owns one.</summary>
internal sealed unsafe class Epoll : IDisposable
{
    // struct epoll_event is packed on x86-64 (12 bytes) and naturally aligned elsewhere (16 bytes): epoll_ctl(2).
    private static readonly bool Packed = RuntimeInformation.ProcessArchitecture == Architecture.X64;
    private static readonly int Stride = Packed ? 12 : 16, DataOffset = Packed ? 4 : 8;

    private readonly int _fd;
    private readonly int _capacity;
    private byte* _events;

    internal Epoll(int capacity)
    {
        _capacity = capacity;
        _fd = Linux.EpollCreate1(Linux.SockCloexec);
        if (_fd < 0) throw new SocketFault("epoll_create1", Linux.LastError);
        _events = (byte*)NativeMemory.AllocZeroed((nuint)(capacity * Stride));
    }

    /// <summary>Watches <paramref name="fd"/>; its events carry <paramref name="data"/>. Returns 0 or the error number.</summary>
    internal int Add(int fd, uint events, ulong data)
    {
        byte* one = stackalloc byte[16];
        *(uint*)one = events;
        *(ulong*)(one + DataOffset) = data;
        return Linux.EpollCtl(_fd, Linux.EpollCtlAdd, fd, one) == 0 ? 0 : Linux.LastError;
    }

    /// <summary>Watches <paramref name="fd"/> no longer.</summary>
    internal void Remove(int fd)
    {
        byte* unused = stackalloc byte[16];
        _ = Linux.EpollCtl(_fd, Linux.EpollCtlDel, fd, unused);
    }

    /// <summary>Waits for events, at most <paramref name="timeoutMilliseconds"/>; returns how many there are (0 when interrupted).</summary>
    internal int Wait(int timeoutMilliseconds)
    {
        int count = Linux.EpollWait(_fd, _events, _capacity, timeoutMilliseconds);
        if (count >= 0) return count;
        int error = Linux.LastError;
        return error == Linux.EINTR ? 0 : throw new SocketFault("epoll_wait", error);
    }

    internal uint EventsAt(int index) => *(uint*)(_events + index * Stride);

    internal ulong DataAt(int index) => *(ulong*)(_events + index * Stride + DataOffset);

    public void Dispose()
    {
        if (_events is null) return;
        NativeMemory.Free(_events);
        _events = null;
        _ = Linux.Close(_fd);
    }
}

/// <summary>A system call failed where no connection can be blamed for it.</summary>
public sealed class SocketFault : IOException
{
    internal SocketFault(string call, int error) : base($"{call} failed: {Linux.Describe(error)} (errno {error}).") => Error = error;

    /// <summary>The error number (errno).</summary>
    public int Error { get; }
}
