using System.Runtime.InteropServices;

namespace LbTest.Engine.Sockets;

/// <summary>Room for one datagram's addresses, so that it can be answered from the address that it was sent to.</summary>
/// <remarks>
/// A socket on a wildcard address would answer from whatever address the route prefers, and a client or a NAT that expects another drops
/// that. The kernel tells the local address of each datagram and takes the same message back as the source of the answer: IP_PKTINFO in
/// ip(7), IPV6_PKTINFO in ipv6(7); on a [::] socket the latter also for IPv4, as a mapped address.
/// </remarks>
internal sealed unsafe partial class Datagram : IDisposable
{
    private const int RecvPktInfo = 8, Ipv6RecvPktInfo = 49; // IP_PKTINFO, IPV6_RECVPKTINFO
    private const int MaxControl = 64; // one in6_pktinfo needs 40

    private readonly Header* _header;

    internal Datagram()
    {
        _header = (Header*)NativeMemory.AllocZeroed((nuint)(sizeof(Header) + sizeof(Vector) + MaxControl + NativeAddress.MaxLength));
        var vector = (Vector*)(_header + 1);
        _header->Vectors = vector;
        _header->VectorCount = 1;
        _header->Control = (byte*)(vector + 1);
        _header->Name = _header->Control + MaxControl;
    }

    /// <summary>Asks the kernel to tell local addresses on a wildcard socket.</summary>
    internal static void TellLocalAddress(int fd, IPAddress bound)
    {
        if (IPAddress.Any.Equals(bound)) _ = Linux.SetInt(fd, Linux.IpprotoIp, RecvPktInfo, 1);
        else if (IPAddress.IPv6Any.Equals(bound)) _ = Linux.SetInt(fd, Linux.IpprotoIpv6, Ipv6RecvPktInfo, 1);
    }

    /// <summary>Takes the next datagram; returns its length or -1.</summary>
    internal nint Receive(int fd, byte* buffer, nint size)
    {
        _header->Vectors->Base = buffer;
        _header->Vectors->Length = size;
        _header->NameLength = NativeAddress.MaxLength;
        _header->ControlLength = MaxControl;
        return ReceiveMessage(fd, _header, 0);
    }

    /// <summary>Answers the datagram received last.</summary>
    internal void Reply(int fd, byte* bytes, nint length)
    {
        _header->Vectors->Base = bytes;
        _header->Vectors->Length = length;
        if (_header->ControlLength > 0) ForgetInterface();
        _ = SendMessage(fd, _header, Linux.MsgNoSignal);
    }

    // The answer takes the route's interface, which need not be the one that the datagram came in by. A link-local source means nothing without it.
    private void ForgetInterface()
    {
        var control = (ControlHeader*)_header->Control;
        var bytes = (byte*)(control + 1);
        bool v6 = control->Level == Linux.IpprotoIpv6;
        bool linkLocal = v6 && bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80;
        if (!linkLocal) *(int*)(bytes + (v6 ? 16 : 0)) = 0;
    }

    public void Dispose() => NativeMemory.Free(_header);

    // struct msghdr, iovec and cmsghdr of recv(2) and cmsg(3); the lengths that musl has as int are followed by padding.
    [StructLayout(LayoutKind.Sequential)]
    private struct Header
    {
        internal byte* Name;
        internal uint NameLength;
        internal Vector* Vectors;
        internal nint VectorCount;
        internal byte* Control;
        internal nint ControlLength;
        internal int Flags;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Vector
    {
        internal byte* Base;
        internal nint Length;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct ControlHeader
    {
        internal nint Length;
        internal int Level, Type;
    }

    [LibraryImport("libc", EntryPoint = "recvmsg", SetLastError = true)]
    private static partial nint ReceiveMessage(int fd, Header* header, int flags);

    [LibraryImport("libc", EntryPoint = "sendmsg", SetLastError = true)]
    private static partial nint SendMessage(int fd, Header* header, int flags);
}
