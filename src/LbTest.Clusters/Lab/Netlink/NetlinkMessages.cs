using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace LbTest.Clusters.Lab.Netlink;

/// <summary>Messages to the kernel, one after the other: each a header, a fixed part and attributes, all aligned to four bytes (netlink(7)).</summary>
internal sealed class NetlinkMessages
{
    /// <summary>Of the header: its length, and where in it are the message's type, flags and sequence number (the length is at 0).</summary>
    internal const int HeaderLength = 16, TypeAt = 4, FlagsAt = 6, SequenceAt = 8;

    private const ushort Request = 1, Acknowledge = 4, Nested = 0x8000;

    private readonly List<string> _asked = [];
    private byte[] _bytes = new byte[16384];
    private int _length, _last;

    /// <summary>What each asks for, in the words of ip(8). A message's sequence number is its place in this, from 1 on.</summary>
    internal IReadOnlyList<string> Asked => _asked;

    /// <summary>All of them. The kernel answers to each that fails, and to the last one in any case.</summary>
    internal ReadOnlySpan<byte> Bytes
    {
        get
        {
            if (_length > 0) Put(_last + FlagsAt, (ushort)(MemoryMarshal.Read<ushort>(_bytes.AsSpan(_last + FlagsAt)) | Acknowledge));
            return _bytes.AsSpan(0, _length);
        }
    }

    internal void Clear()
    {
        _asked.Clear();
        _length = _last = 0;
    }

    /// <summary>Begins a message; its attributes follow.</summary>
    internal void Begin<T>(string asked, ushort type, ushort flags, T fixedPart) where T : unmanaged
    {
        _asked.Add(asked);
        _last = _length;
        _ = Room(HeaderLength);
        Put(_last + TypeAt, type);
        Put(_last + FlagsAt, (ushort)(flags | Request));
        Put(_last + SequenceAt, _asked.Count);
        Fixed(fixedPart);
    }

    /// <summary>A fixed part inside an attribute.</summary>
    internal void Fixed<T>(T value) where T : unmanaged
    {
        MemoryMarshal.Write(Room(Unsafe.SizeOf<T>()), value);
        Finish();
    }

    internal void Attribute(ushort type, ReadOnlySpan<byte> value)
    {
        int start = _length;
        value.CopyTo(Room(4 + value.Length)[4..]);
        Put(start, (ushort)(4 + value.Length));
        Put(start + 2, type);
        Finish();
    }

    internal void Attribute<T>(ushort type, T value) where T : unmanaged => Attribute(type, MemoryMarshal.AsBytes(new ReadOnlySpan<T>(in value)));

    /// <summary>Text, with the zero at its end that names of devices need.</summary>
    internal void Attribute(ushort type, string value) => Attribute(type, Encoding.UTF8.GetBytes(value + '\0'));

    /// <summary>Begins an attribute that holds others.</summary>
    /// <returns>What <see cref="Close"/> has to be told at its end.</returns>
    internal int Open(ushort type)
    {
        int start = _length;
        Attribute((ushort)(type | Nested), []);
        return start;
    }

    internal void Close(int start) => Put(start, (ushort)(_length - start));

    // The length of the message that is being written.
    private void Finish() => Put(_last, _length - _last);

    private void Put<T>(int at, T value) where T : unmanaged => MemoryMarshal.Write(_bytes.AsSpan(at), value);

    // Cleared: what is not written is zero.
    private Span<byte> Room(int length)
    {
        int aligned = (length + 3) & ~3, start = _length;
        if (start + aligned > _bytes.Length) Array.Resize(ref _bytes, Math.Max(2 * _bytes.Length, start + aligned));
        _length += aligned;
        Span<byte> room = _bytes.AsSpan(start, aligned);
        room.Clear();
        return room;
    }
}
