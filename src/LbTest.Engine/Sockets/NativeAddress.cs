using System.Buffers.Binary;
using System.Net.Sockets;

namespace LbTest.Engine.Sockets;

/// <summary>Writes and reads <c>struct sockaddr_in</c> and <c>sockaddr_in6</c> (ip(7), ipv6(7)).</summary>
internal static unsafe class NativeAddress
{
    /// <summary>Room for either kind.</summary>
    internal const int MaxLength = 28;

    internal static int Family(IPAddress address) => address.AddressFamily == AddressFamily.InterNetwork ? Linux.AfInet : Linux.AfInet6;

    /// <summary>Writes address and port to <paramref name="target"/> (at least <see cref="MaxLength"/> bytes); returns the length used.</summary>
    internal static int Write(byte* target, IPAddress address, int port)
    {
        var bytes = new Span<byte>(target, MaxLength);
        bytes.Clear();
        bool v4 = address.AddressFamily == AddressFamily.InterNetwork;
        *(ushort*)target = (ushort)(v4 ? Linux.AfInet : Linux.AfInet6);
        BinaryPrimitives.WriteUInt16BigEndian(bytes[2..], (ushort)port);
        _ = address.TryWriteBytes(v4 ? bytes[4..8] : bytes[8..24], out _);
        if (!v4) *(uint*)(target + 24) = (uint)address.ScopeId;
        return v4 ? 16 : 28;
    }

    /// <summary>Reads an address that the kernel wrote.</summary>
    internal static IPEndPoint Read(byte* source) => new(
        *(ushort*)source == Linux.AfInet ? new IPAddress(new ReadOnlySpan<byte>(source + 4, 4)) : new IPAddress(new ReadOnlySpan<byte>(source + 8, 16)), Port(source));

    /// <summary>The port of a written address.</summary>
    internal static int Port(byte* address) => BinaryPrimitives.ReadUInt16BigEndian(new ReadOnlySpan<byte>(address + 2, 2));
}
