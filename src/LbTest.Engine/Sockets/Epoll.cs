using System.Runtime.InteropServices;

namespace LbTest.Engine.Sockets;

/// <summary>One epoll instance and its event buffer. Not thread-safe: each worker thread owns one.</summary>
internal sealed unsafe class Epoll : IDisposable
{
    // struct epoll_event is packed on x86-64 (12 bytes) and naturally aligned elsewhere (16 bytes): epoll_ctl(2).
    private static readonly bool Packed = RuntimeInformation.ProcessArchitecture == Architecture.X64;
    private static readonly int Stride = Packed ? 12 : 16, DataOffset = Packed ? 4 : 8;

    private const int EpollPWait2Number = 441;

    private readonly int _fd;
    private readonly int _capacity;
    private byte* _events;
    private bool _coarse;

    internal Epoll(int capacity)
    {
        _capacity = capacity;
        _fd = Linux.EpollCreate1(Linux.SockCloexec);
        if (_fd < 0) throw new SocketFault("epoll_create1", Linux.LastError);
        _events = (byte*)NativeMemory.AllocZeroed((nuint)(capacity * Stride));
    }

    /// <summary>What events of a socket carry: its owner's place in a table, and how many sockets that place has had. Below 2^60.</summary>
    /// <remarks>
    /// A process that is being started holds copies of all descriptors for a moment. What is closed meanwhile goes on giving events until
    /// those are gone, and the place may have another socket by then: an event whose key is not the place's own is about a closed one.
    /// </remarks>
    internal static ulong Key(int index, int generation) => ((ulong)(generation & 0x0FFFFFFF) << 32) | (uint)index;

    /// <summary>The place in a key.</summary>
    internal static int IndexOf(ulong key) => (int)(uint)key;

    /// <summary>Watches <paramref name="fd"/>; its events carry <paramref name="data"/>. Returns 0 or the error number.</summary>
    internal int Add(int fd, uint events, ulong data)
    {
        byte* one = stackalloc byte[16];
        *(uint*)one = events;
        *(ulong*)(one + DataOffset) = data;
        return Linux.EpollCtl(_fd, Linux.EpollCtlAdd, fd, one) == 0 ? 0 : Linux.LastError;
    }

    /// <summary>Watches <paramref name="fd"/>, known already, for other events. Errors and hang-ups are always told.</summary>
    internal void Modify(int fd, uint events, ulong data)
    {
        byte* one = stackalloc byte[16];
        *(uint*)one = events;
        *(ulong*)(one + DataOffset) = data;
        if (Linux.EpollCtl(_fd, Linux.EpollCtlMod, fd, one) != 0) throw new SocketFault("epoll_ctl", Linux.LastError);
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

    /// <summary>As <see cref="Wait"/>, with a time-out in nanoseconds; kernels before 5.11 wait for whole milliseconds.</summary>
    internal int WaitNanoseconds(long timeout)
    {
        if (!_coarse)
        {
            long* time = stackalloc long[2] { timeout / 1_000_000_000, timeout % 1_000_000_000 };
            int count = (int)Linux.EpollPWait2(EpollPWait2Number, _fd, _events, _capacity, time, 0, 0);
            if (count >= 0) return count;
            int error = Linux.LastError;
            if (error == Linux.EINTR) return 0;
            if (error != Linux.ENOSYS) throw new SocketFault("epoll_pwait2", error);
            _coarse = true;
        }

        return Wait((int)((timeout + 999_999) / 1_000_000));
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
