using System.Net.Sockets;
using System.Numerics;

namespace LbTest.Engine.Sockets;

/// <summary>The addresses that a test's connections come from: a CIDR and a seeded choice from it.</summary>
/// <remarks>
/// The choice for the i-th connection depends on seed and i alone, so the same seed gives the same addresses whatever the number of
/// threads. The network address and, for IPv4, the broadcast address are left out of ranges that have them.
/// </remarks>
public sealed class SourceRange
{
    private readonly UInt128 _first;
    private readonly ulong _seed;

    private SourceRange(IPNetwork network, ulong seed)
    {
        Network = network;
        _seed = seed;
        bool v4 = network.BaseAddress.AddressFamily == AddressFamily.InterNetwork;
        int bits = (v4 ? 32 : 128) - network.PrefixLength;
        bool hasReserved = bits >= 2;
        // More than 2^32 addresses are no better than 2^32: a run has fewer connections than that.
        Size = bits >= 33 ? 1L << 32 : (1L << bits) - (hasReserved ? v4 ? 2 : 1 : 0);
        Span<byte> bytes = stackalloc byte[16];
        bytes.Clear();
        _ = network.BaseAddress.TryWriteBytes(v4 ? bytes[12..] : bytes, out _);
        _first = System.Buffers.Binary.BinaryPrimitives.ReadUInt128BigEndian(bytes) + (hasReserved ? 1u : 0u);
    }

    /// <summary>The range as given.</summary>
    public IPNetwork Network { get; }

    /// <summary>How many addresses connections may come from.</summary>
    public long Size { get; }

    /// <summary>Reads a CIDR such as <c>20.0.0.0/16</c>; a single address is a range of one.</summary>
    /// <exception cref="PlanException">It is neither.</exception>
    public static SourceRange Parse(string text, int seed, string parameter = "Source")
    {
        ArgumentNullException.ThrowIfNull(text);
        if (IPAddress.TryParse(text, out IPAddress? single))
        {
            return new SourceRange(new IPNetwork(single, single.AddressFamily == AddressFamily.InterNetwork ? 32 : 128), (uint)seed);
        }

        int slash = text.IndexOf('/', StringComparison.Ordinal);
        if (slash > 0 && IPAddress.TryParse(text.AsSpan(0, slash), out IPAddress? address)
            && int.TryParse(text.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out int prefix)
            && prefix <= (address.AddressFamily == AddressFamily.InterNetwork ? 32 : 128))
        {
            return new SourceRange(new IPNetwork(Mask(address, prefix), prefix), (uint)seed);
        }

        throw new PlanException(parameter, text, "is not an address or a CIDR", "Write it as address/prefix, e.g. 20.0.0.0/16 or fd00::/112");
    }

    /// <summary>Which address of the range (0 to <see cref="Size"/> − 1) the connection with this index uses.</summary>
    /// <param name="index">The connection's index, from 0.</param>
    /// <param name="sequential">True takes each address once before any is used again; false chooses at random.</param>
    public long OffsetFor(long index, bool sequential)
    {
        return sequential
            ? (long)(((ulong)index + Mix(_seed)) % (ulong)Size)
            : (long)(Mix(_seed + ((ulong)index * 0x9E3779B97F4A7C15)) % (ulong)Size);
    }

    /// <summary>The address at an offset.</summary>
    public IPAddress At(long offset)
    {
        Span<byte> bytes = stackalloc byte[16];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt128BigEndian(bytes, _first + (UInt128)(ulong)offset);
        return new IPAddress(Network.BaseAddress.AddressFamily == AddressFamily.InterNetwork ? bytes[12..] : bytes);
    }

    /// <summary>Writes the address at an offset into a native address, without allocating.</summary>
    internal unsafe void WriteAt(long offset, byte* target)
    {
        UInt128 address = _first + (UInt128)(ulong)offset;
        if (Network.BaseAddress.AddressFamily == AddressFamily.InterNetwork)
        {
            System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(new Span<byte>(target + 4, 4), (uint)address);
        }
        else
        {
            System.Buffers.Binary.BinaryPrimitives.WriteUInt128BigEndian(new Span<byte>(target + 8, 16), address);
        }
    }

    // The finaliser of SplitMix64 (Steele, Lea, Flood 2014): a bijection, so different indexes stay different before the modulus.
    private static ulong Mix(ulong value)
    {
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }

    private static IPAddress Mask(IPAddress address, int prefix)
    {
        byte[] bytes = address.GetAddressBytes();
        for (int i = 0; i < bytes.Length; i++)
        {
            int kept = Math.Clamp(prefix - (i * 8), 0, 8);
            bytes[i] &= (byte)(0xFF << (8 - kept));
        }

        return new IPAddress(bytes);
    }
}
