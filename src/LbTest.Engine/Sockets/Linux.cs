using System.Runtime.InteropServices;

namespace LbTest.Engine.Sockets;

/// <summary>The Linux system calls of the fast path, as they are in the manual pages (section 2).</summary>
internal static unsafe partial class Linux
{
    internal const int AfInet = 2, AfInet6 = 10;
    internal const int SockStream = 1, SockDgram = 2, SockNonblock = 0x800, SockCloexec = 0x80000;
    internal const int SolSocket = 1, SoReuseAddr = 2, SoError = 4, SoRcvBuf = 8, SoKeepAlive = 9, SoLinger = 13, SoRcvBufForce = 33;
    internal const int IpprotoIp = 0, IpprotoTcp = 6, IpprotoIpv6 = 41, IpMinTtl = 21, IpBindAddressNoPort = 24, Ipv6V6Only = 26, Ipv6MinHopCount = 73, TcpInfo = 11;
    internal const int TcpNoDelay = 1, TcpKeepIdle = 4, TcpKeepInterval = 5, TcpKeepCount = 6;
    internal const int EpollCtlAdd = 1, EpollCtlDel = 2, EpollCtlMod = 3;
    internal const uint EpollIn = 1, EpollOut = 4, EpollErr = 8, EpollHup = 0x10, EpollRdHup = 0x2000, EpollEt = 1u << 31, EpollExclusive = 1u << 28;
    internal const int MsgNoSignal = 0x4000, ShutRd = 0, ShutWr = 1;
    internal const int CloneNewNet = 0x40000000;

    internal const int EPERM = 1, EINTR = 4, EAGAIN = 11, ENOMEM = 12, EACCES = 13, EEXIST = 17, ENFILE = 23, EMFILE = 24, EPIPE = 32, EADDRINUSE = 98, EADDRNOTAVAIL = 99;
    internal const int ENETDOWN = 100, ENETUNREACH = 101, ECONNRESET = 104, ENOBUFS = 105, ETIMEDOUT = 110, ENOSYS = 38, ECONNREFUSED = 111;
    internal const int EHOSTUNREACH = 113, EINPROGRESS = 115;

    internal static int LastError => Marshal.GetLastPInvokeError();

    [LibraryImport("libc", EntryPoint = "socket", SetLastError = true)]
    internal static partial int Socket(int domain, int type, int protocol);

    [LibraryImport("libc", EntryPoint = "bind", SetLastError = true)]
    internal static partial int Bind(int fd, byte* address, int length);

    [LibraryImport("libc", EntryPoint = "connect", SetLastError = true)]
    internal static partial int Connect(int fd, byte* address, int length);

    [LibraryImport("libc", EntryPoint = "listen", SetLastError = true)]
    internal static partial int Listen(int fd, int backlog);

    [LibraryImport("libc", EntryPoint = "accept4", SetLastError = true)]
    internal static partial int Accept4(int fd, byte* address, int* length, int flags);

    [LibraryImport("libc", EntryPoint = "dup", SetLastError = true)]
    internal static partial int Dup(int fd);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    internal static partial int Close(int fd);

    [LibraryImport("libc", EntryPoint = "shutdown", SetLastError = true)]
    internal static partial int Shutdown(int fd, int how);

    [LibraryImport("libc", EntryPoint = "send", SetLastError = true)]
    internal static partial nint Send(int fd, byte* buffer, nint length, int flags);

    [LibraryImport("libc", EntryPoint = "recv", SetLastError = true)]
    internal static partial nint Receive(int fd, byte* buffer, nint length, int flags);

    [LibraryImport("libc", EntryPoint = "setsockopt", SetLastError = true)]
    internal static partial int SetSockOpt(int fd, int level, int option, void* value, int length);

    [LibraryImport("libc", EntryPoint = "getsockopt", SetLastError = true)]
    internal static partial int GetSockOpt(int fd, int level, int option, void* value, int* length);

    [LibraryImport("libc", EntryPoint = "getsockname", SetLastError = true)]
    internal static partial int GetSockName(int fd, byte* address, int* length);

    [LibraryImport("libc", EntryPoint = "epoll_create1", SetLastError = true)]
    internal static partial int EpollCreate1(int flags);

    [LibraryImport("libc", EntryPoint = "epoll_ctl", SetLastError = true)]
    internal static partial int EpollCtl(int epoll, int operation, int fd, byte* epollEvent);

    [LibraryImport("libc", EntryPoint = "epoll_wait", SetLastError = true)]
    internal static partial int EpollWait(int epoll, byte* events, int maxEvents, int timeoutMilliseconds);

    // epoll_pwait2 has the same number on every architecture; C libraries have a name for it only lately.
    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    internal static partial nint EpollPWait2(nint number, nint epoll, byte* events, nint maxEvents, long* timeout, nint mask, nint maskSize);

    [LibraryImport("libc", EntryPoint = "setns", SetLastError = true)]
    internal static partial int SetNs(int fd, int type);

    [LibraryImport("libc", EntryPoint = "getrlimit", SetLastError = true)]
    internal static partial int GetRLimit(int resource, ulong* limits);

    internal static int SetInt(int fd, int level, int option, int value) => SetSockOpt(fd, level, option, &value, sizeof(int));

    /// <summary>The pending error of a socket (SO_ERROR), which reading clears.</summary>
    internal static int SocketError(int fd)
    {
        int error = 0, length = sizeof(int);
        return GetSockOpt(fd, SolSocket, SoError, &error, &length) == 0 ? error : LastError;
    }

    /// <summary>Retransmissions of this TCP connection so far.</summary>
    internal static int TotalRetransmits(int fd) => TcpState(fd).Retransmits;

    /// <summary>Of struct tcp_info (linux/tcp.h): <c>tcpi_total_retrans</c>, at byte 100, and the smoothed round-trip time <c>tcpi_rtt</c> in µs, at byte 68.</summary>
    internal static (int Retransmits, int RoundTripMicroseconds) TcpState(int fd)
    {
        byte* info = stackalloc byte[104];
        int length = 104;
        return GetSockOpt(fd, IpprotoTcp, TcpInfo, info, &length) == 0 && length == 104 ? (*(int*)(info + 100), *(int*)(info + 68)) : (0, 0);
    }

    /// <summary>Makes the next close send RST instead of FIN (SO_LINGER on, 0 s).</summary>
    internal static void ResetOnClose(int fd)
    {
        int* linger = stackalloc int[2] { 1, 0 };
        _ = SetSockOpt(fd, SolSocket, SoLinger, linger, 2 * sizeof(int));
    }

    internal static string Describe(int error) => Marshal.GetPInvokeErrorMessage(error);
}
