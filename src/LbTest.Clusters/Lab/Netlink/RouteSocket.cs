using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace LbTest.Clusters.Lab.Netlink;

/// <summary>A line to the kernel's routing part (rtnetlink(7)), in the network namespace that the thread was in that made it.</summary>
internal sealed partial class RouteSocket : IDisposable
{
    private const int AfNetlink = 16, SockRaw = 3, SockCloexec = 0x80000, Route = 0, SolNetlink = 270, CapAck = 10, ExtAck = 11, DontWait = 0x40, Interrupted = 4;

    /// <summary>ENODEV.</summary>
    internal const int NoDevice = 19;

    private readonly SafeFileHandle _socket;
    private readonly byte[] _reply = new byte[8192];

    /// <exception cref="NetlinkException">The kernel gives none.</exception>
    internal RouteSocket()
    {
        int descriptor = Socket(AfNetlink, SockRaw | SockCloexec, Route);
        if (descriptor < 0) throw Failure("socket(AF_NETLINK)");
        _socket = new SafeFileHandle(descriptor, ownsHandle: true);
        // Errors in words, without what was asked: kernels before 4.12 have neither, and are understood all the same.
        int on = 1;
        _ = SetOption(_socket, SolNetlink, ExtAck, on, sizeof(int));
        _ = SetOption(_socket, SolNetlink, CapAck, on, sizeof(int));
    }

    /// <summary>Sends messages and hears how they went. The kernel takes them in their order; one that fails does not keep it from the next.</summary>
    /// <exception cref="NetlinkException">The first of those that failed.</exception>
    internal void Send(NetlinkMessages messages)
    {
        if (messages.Asked.Count == 0) return;
        ReadOnlySpan<byte> bytes = messages.Bytes;
        while (Send(_socket, bytes, bytes.Length, 0) < 0)
        {
            if (Marshal.GetLastPInvokeError() != Interrupted) throw Failure(messages.Asked[0]);
        }

        NetlinkException? first = null;
        while (!Read(messages.Asked, ref first))
        {
        }

        if (first is not null) throw first;
    }

    /// <summary>The number of a device, which messages name it by; 0 when there is none of that name.</summary>
    /// <exception cref="NetlinkException">The kernel does not say.</exception>
    internal int IndexOf(string device)
    {
        // struct ifreq: 16 bytes for the name, then the number; SIOCGIFINDEX in netdevice(7).
        const int length = 40, nameLength = 16, getIndex = 0x8933;
        Span<byte> request = stackalloc byte[length];
        request.Clear();
        if (Encoding.UTF8.GetByteCount(device) >= nameLength) return 0;
        _ = Encoding.UTF8.GetBytes(device, request);
        if (Control(_socket, getIndex, request) == 0) return MemoryMarshal.Read<int>(request[nameLength..]);
        return Marshal.GetLastPInvokeError() == NoDevice ? 0 : throw Failure($"link show {device}");
    }

    // Reads one datagram of answers; true once the last message has been answered. All are there as soon as it has been sent, so there is nothing to wait for.
    private bool Read(IReadOnlyList<string> asked, ref NetlinkException? first)
    {
        nint length = Receive(_socket, _reply, _reply.Length, DontWait);
        if (length < 0) return Marshal.GetLastPInvokeError() == Interrupted ? false : throw first ?? Failure(asked[^1]);
        bool last = false;
        for (Span<byte> rest = _reply.AsSpan(0, (int)length); rest.Length >= NetlinkMessages.HeaderLength;)
        {
            int messageLength = MemoryMarshal.Read<int>(rest);
            int sequence = MemoryMarshal.Read<int>(rest[NetlinkMessages.SequenceAt..]);
            const int errorType = 2;
            if (MemoryMarshal.Read<ushort>(rest[NetlinkMessages.TypeAt..]) == errorType && sequence >= 1 && sequence <= asked.Count)
            {
                int error = -MemoryMarshal.Read<int>(rest[NetlinkMessages.HeaderLength..]);
                if (error != 0) first ??= new NetlinkException(asked[sequence - 1], error, Said(rest[..messageLength]));
                last |= sequence == asked.Count;
            }

            rest = Next(rest, messageLength);
        }

        return last;
    }

    // struct nlmsgerr: the error and the header of what was asked, the rest of which is cut off (CapAck); then attributes, of which one may be text.
    private static string Said(Span<byte> message)
    {
        const ushort hasAttributes = 0x200, text = 1, typeMask = 0x3fff;
        if ((MemoryMarshal.Read<ushort>(message[NetlinkMessages.FlagsAt..]) & hasAttributes) == 0) return "";
        for (Span<byte> rest = message[(sizeof(int) + (2 * NetlinkMessages.HeaderLength))..]; rest.Length >= sizeof(int);)
        {
            int length = MemoryMarshal.Read<ushort>(rest);
            if ((MemoryMarshal.Read<ushort>(rest[2..]) & typeMask) == text) return Encoding.UTF8.GetString(rest[4..length]).TrimEnd('\0');
            rest = Next(rest, length);
        }

        return "";
    }

    private static Span<byte> Next(Span<byte> bytes, int length) => bytes[Math.Min(bytes.Length, Math.Max(4, (length + 3) & ~3))..];

    public void Dispose() => _socket.Dispose();

    private static NetlinkException Failure(string asked) => new(asked, Marshal.GetLastPInvokeError());

    [LibraryImport("libc", EntryPoint = "socket", SetLastError = true)]
    private static partial int Socket(int domain, int type, int protocol);

    [LibraryImport("libc", EntryPoint = "setsockopt", SetLastError = true)]
    private static partial int SetOption(SafeFileHandle socket, int level, int option, in int value, int length);

    [LibraryImport("libc", EntryPoint = "send", SetLastError = true)]
    private static partial nint Send(SafeFileHandle socket, ReadOnlySpan<byte> bytes, nint length, int flags);

    [LibraryImport("libc", EntryPoint = "recv", SetLastError = true)]
    private static partial nint Receive(SafeFileHandle socket, Span<byte> bytes, nint length, int flags);

    [LibraryImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    private static partial int Control(SafeFileHandle socket, nuint request, Span<byte> argument);
}
