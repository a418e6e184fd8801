using System.Buffers;
using System.Globalization;
using System.Net.Sockets;

namespace LbTest.Clusters.Ipvs;

/// <summary>An address with its port as ipvsadm writes it: <c>10.96.0.10:53</c>, <c>[fd00::1]:53</c>, <c>www.example.com:http</c>.</summary>
/// <param name="Host">The address or name, without brackets.</param>
/// <param name="Port">The port; null where only its name is known, or nothing.</param>
/// <param name="PortName">The port's name, or as much of it as was not cut off.</param>
/// <param name="IPv6">True for IPv6.</param>
internal readonly record struct IpvsadmAddress(string Host, int? Port, string? PortName, bool IPv6)
{
    /// <summary>In a list ipvsadm cuts what is longer, other than for IPv6.</summary>
    internal const int ListedLength = 28;

    /// <summary>It cuts everything that is longer.</summary>
    internal const int BufferLength = 59;

    /// <summary>What names of hosts, ports and schedulers are made of.</summary>
    internal static SearchValues<char> NameCharacters { get; } = SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._+*/");

    private static readonly SearchValues<char> Numeric = SearchValues.Create("0123456789.");

    private const string Expected = "an address and a port such as '10.96.0.10:53', '[fd00::1]:53' or 'www.example.com:http'";

    internal VirtualServer Server(string protocol) => new() { Protocol = protocol, Address = Host, Port = Port, PortName = PortName, IPv6 = IPv6 };

    /// <summary>Reads one.</summary>
    /// <param name="line">The line that it is in.</param>
    /// <param name="word">The word.</param>
    /// <param name="cut">The length that it may have been cut to.</param>
    /// <param name="defaultPort">The port where none is given; null where one has to be.</param>
    internal static IpvsadmAddress Read(IpvsadmLine line, string word, int cut, int? defaultPort = null)
    {
        bool bracketed = word[0] == '[';
        bool whole = word.Length != (bracketed ? BufferLength : cut);
        int end = bracketed ? word.IndexOf(']', StringComparison.Ordinal) : word.IndexOf(':', StringComparison.Ordinal);
        if (end < 0) end = word.Length;
        string host = word[(bracketed ? 1 : 0)..end];
        // A bracket that was cut off is missing in a name of the greatest length only.
        if (host.Length == 0 || (bracketed && end == word.Length && whole)) throw line.Wrong(word, Expected);
        int colon = bracketed ? end + 1 : end;
        string? port = colon < word.Length ? word[(colon + 1)..] : null;
        if (port is not null && (word[colon] != ':' || port.Contains(':', StringComparison.Ordinal))) throw line.Wrong(word, Expected + ", an IPv6 address in brackets");
        if (IsKernels(host, port)) throw line.KernelFile();
        bool numeric = CheckHost(line, word, host, bracketed);
        if (port is null && whole) return new IpvsadmAddress(host, defaultPort ?? throw line.Wrong(word, Expected), null, bracketed);
        // Something of it may be missing. An address of digits is never as long as that, its port is whole or a name.
        if (!whole && !(numeric && port is not null && port.All(char.IsAsciiDigit))) return new IpvsadmAddress(host, null, string.IsNullOrEmpty(port) ? null : Name(line, word, port), bracketed);
        if (!port!.All(char.IsAsciiDigit)) return new IpvsadmAddress(host, null, Name(line, word, port!), bracketed);
        return int.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number <= ushort.MaxValue
            ? new IpvsadmAddress(host, number, null, bracketed) : throw line.Wrong(word, "a port from 0 to 65535");
    }

    internal static bool IsIPv4(string text) => text.AsSpan().Count('.') == 3 && IPAddress.TryParse(text, out IPAddress? address) && address.AddressFamily == AddressFamily.InterNetwork;

    private static bool CheckHost(IpvsadmLine line, string word, string host, bool bracketed)
    {
        if (bracketed && host.Contains(':', StringComparison.Ordinal))
        {
            return IPAddress.TryParse(host, out _) ? true : throw line.Wrong(word, "an IPv6 address in the brackets");
        }

        if (host.AsSpan().IndexOfAnyExcept(Numeric) < 0) return !bracketed && IsIPv4(host) ? true : throw line.Wrong(word, Expected);
        _ = Name(line, word, host);
        return false;
    }

    private static string Name(IpvsadmLine line, string word, string name) =>
        name.Length > 0 && name.AsSpan().IndexOfAnyExcept(NameCharacters) < 0 ? name : throw line.Wrong(word, Expected);

    // The kernel's file has addresses and ports in hexadecimal digits, all of them.
    private static bool IsKernels(string host, string? port) =>
        port is { Length: 4 } && port.All(char.IsAsciiHexDigitUpper)
        && ((host.Length == 8 && host.All(char.IsAsciiHexDigitUpper)) || (host.Length == 39 && host.Contains(":0", StringComparison.Ordinal) && host.AsSpan().Count(':') == 7));
}
