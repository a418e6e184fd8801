using System.Globalization;

namespace LbTest.Clusters.Ipvs;

/// <summary>A line of ipvsadm's output, its words taken one after the other.</summary>
internal sealed class IpvsadmLine(int number, string text)
{
    private const int ShownLength = 120;

    private readonly string[] _words = text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
    private int _next;

    internal string Text => text;

    internal int Count => _words.Length;

    internal int Left => _words.Length - _next;

    /// <summary>The next word; null at the end.</summary>
    internal string? Peek => Left > 0 ? _words[_next] : null;

    internal string First => _words[0];

    internal string Last => _words[^1];

    internal bool Is(int index, string word) => index < _words.Length && _words[index] == word;

    internal bool Has(string word) => _words.Contains(word);

    /// <summary>The words from one on, with single spaces between them.</summary>
    internal string After(int index) => index < _words.Length ? string.Join(' ', _words, index, _words.Length - index) : "";

    /// <summary>What stands between the first word and the last.</summary>
    internal string Between() => _words.Length > 2 ? string.Join(' ', _words, 1, _words.Length - 2) : throw Fault("names no node", "'==> name <=='");

    internal string Next(string expected = "another word") => Left > 0 ? _words[_next++] : throw Fault("ends too early", expected);

    internal bool Skip(string word)
    {
        if (Peek != word) return false;
        _next++;
        return true;
    }

    internal void End()
    {
        if (Left > 0) throw Fault($"goes on with '{Shown(Peek!)}'", "its end before that");
    }

    /// <summary>A whole number.</summary>
    internal long Number(string what, long most = long.MaxValue)
    {
        string word = Next(what);
        return long.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out long value) && value <= most ? value : throw Wrong(word, what);
    }

    /// <summary>A whole number, or one that was cut down to a multiple of 1000, 1000², 1000³ or 1000⁴.</summary>
    internal long Large(string what)
    {
        string word = Next(what);
        long unit = word[^1] switch { 'K' => 1_000, 'M' => 1_000_000, 'G' => 1_000_000_000, 'T' => 1_000_000_000_000, _ => 1 };
        ReadOnlySpan<char> digits = unit == 1 ? word : word.AsSpan(..^1);
        return long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out long value) && value <= long.MaxValue / unit
            ? value * unit : throw Wrong(word, what);
    }

    internal int Weight() => (int)Number($"a weight from 0 to {int.MaxValue}", int.MaxValue);

    internal string Forward()
    {
        string word = Next("'Masq', 'Route', 'Tunnel' or 'Local'");
        return word is "Masq" or "Route" or "Tunnel" or "Local" ? word : throw Wrong(word, "'Masq', 'Route', 'Tunnel' or 'Local'");
    }

    /// <summary>A tunnel's kind; null where a real server is none.</summary>
    internal string? Tunnel() => Next() is var word && word == "n/a" ? null : word;

    internal IpvsadmAddress Address(int cut) => IpvsadmAddress.Read(this, Next("an address and a port"), cut);

    /// <summary>A virtual server with an address.</summary>
    internal VirtualServer Server(string protocol)
    {
        IpvsadmAddress address = Address(IpvsadmAddress.ListedLength);
        return address.Server(protocol);
    }

    /// <summary>A virtual server of a firewall mark.</summary>
    internal VirtualServer Mark()
    {
        const string what = "a firewall mark from 1 to 4294967295";
        string word = Next(what);
        // Marks are 32 bits without a sign, and printed with one before version 1.32.
        bool good = long.TryParse(word, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long mark) && mark is >= int.MinValue and <= uint.MaxValue and not 0;
        if (word is ['0', _, ..]) throw KernelFile();
        return good ? new VirtualServer { Protocol = "FWM", FirewallMark = mark < 0 ? mark + 0x1_0000_0000 : mark } : throw Wrong(word, what);
    }

    /// <summary>The rest of a virtual server's line: its scheduler and what belongs to that.</summary>
    internal VirtualServer Scheduling(VirtualServer server)
    {
        server = server with { Scheduler = Word("a scheduler") };
        if (Peek is ['(', .., ')'])
        {
            string flags = Next();
            server = server with { Flags = [.. flags[1..^1].Split(',', StringSplitOptions.RemoveEmptyEntries)] };
        }

        if (Skip("persistent")) server = server with { PersistenceTimeout = Seconds() };
        if (Skip("mask")) server = server with { PersistenceMask = Mask() };
        if (Skip("pe")) server = server with { PersistenceEngine = Word("a persistence engine") };
        if (Skip("ops")) server = server with { Flags = [.. server.Flags, "ops"] };
        End();
        return server;
    }

    internal TimeSpan Seconds() => TimeSpan.FromSeconds(Number($"a timeout in seconds, up to {uint.MaxValue}", uint.MaxValue));

    internal string Mask()
    {
        const string what = "a netmask or a prefix length";
        string word = Next(what);
        bool prefix = int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out int length) && length <= 128;
        return prefix || IpvsadmAddress.IsIPv4(word) ? word : throw Wrong(word, what);
    }

    /// <summary>A name of the kernel's: letters, digits, dashes and underscores, beginning with a letter.</summary>
    internal string Word(string what)
    {
        string word = Next(what);
        return char.IsAsciiLetter(word[0]) && word.AsSpan().IndexOfAnyExcept(IpvsadmAddress.NameCharacters) < 0 ? word : throw Wrong(word, what);
    }

    internal FormatException Wrong(string word, string expected) => Fault($"has '{Shown(word)}'", $"{expected} there");

    internal FormatException Fault(string problem, string expected) => new($"Line {number} {problem}: '{Shown(text.Trim())}'. Expected {expected}.");

    internal FormatException KernelFile() => new(
        $"Line {number} is from /proc/net/ip_vs, not from ipvsadm: '{Shown(text.Trim())}'. That file says persistence timeouts in ticks of the kernel and leaves flags out. Expected the output of 'ipvsadm -ln' or 'ipvsadm -Sn'.");

    // It may be shown in a terminal, and be anything.
    internal static string Shown(string part) =>
        string.Create(Math.Min(part.Length, ShownLength), part, static (span, all) =>
        {
            for (int i = 0; i < span.Length; i++) span[i] = char.IsControl(all[i]) ? '?' : all[i];
            if (all.Length > ShownLength) span[^1] = '…';
        });
}
