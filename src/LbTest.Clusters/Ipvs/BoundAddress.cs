using System.Globalization;

namespace LbTest.Clusters.Ipvs;

/// <summary>An address of a node's device, as <c>ip addr</c> shows it.</summary>
/// <param name="Device">The device.</param>
/// <param name="Address">The address.</param>
/// <param name="PrefixLength">The length of its network's prefix.</param>
public sealed record BoundAddress(string Device, IPAddress Address, int PrefixLength)
{
    /// <summary>Reads the output of <c>ip addr</c> or <c>ip -o addr</c>.</summary>
    /// <remarks>Lines about links and lifetimes are passed over. The time it takes grows with the length of the text, whatever the text is.</remarks>
    /// <param name="text">What was printed.</param>
    /// <exception cref="FormatException">There is no device in it, or a line with an address is none that ip prints. The message has the line and what was expected.</exception>
    public static ImmutableArray<BoundAddress> Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        ImmutableArray<BoundAddress>.Builder found = ImmutableArray.CreateBuilder<BoundAddress>();
        string? device = null;
        int number = 0;
        foreach (ReadOnlySpan<char> line in text.AsSpan().EnumerateLines())
        {
            number++;
            string[] words = line.ToString().Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
            int at = 0;
            // '3: kube-ipvs0: <BROADCAST,NOARP> mtu 1500 …', or in one line '3: kube-ipvs0    inet 10.96.0.10/32 …'
            if (words is [[>= '0' and <= '9', .., ':'], _, ..])
            {
                // 'eth0@if7' is eth0, the far end of which is another's.
                device = words[1].TrimEnd(':').Split('@')[0];
                at = 2;
            }

            if (at >= words.Length || words[at] is not ("inet" or "inet6")) continue;
            if (device is null) throw Fault(number, line, "has an address of no device", "a line such as '3: kube-ipvs0: <BROADCAST,NOARP> mtu 1500' before it");
            found.Add(Read(device, at + 1 < words.Length ? words[at + 1] : "") ?? throw Fault(number, line, "has no address", "one with its prefix length, such as 'inet 10.96.0.10/32'"));
        }

        return device is not null ? found.ToImmutable() : throw new FormatException("The text has no device in it. Expected the output of 'ip addr', with lines such as '3: kube-ipvs0: <BROADCAST,NOARP> mtu 1500' and 'inet 10.96.0.10/32 scope global kube-ipvs0'.");
    }

    /// <summary>Whether packets to an address come to this device of the node: its own, and on the loopback device the whole network.</summary>
    internal bool Takes(IPAddress address) =>
        Address.Equals(address) || (Device == "lo" && address.AddressFamily == Address.AddressFamily && new IPNetwork(Network(Address, PrefixLength), PrefixLength).Contains(address));

    private static BoundAddress? Read(string device, string word)
    {
        int slash = word.IndexOf('/', StringComparison.Ordinal);
        if (!IPAddress.TryParse(slash < 0 ? word : word[..slash], out IPAddress? address)) return null;
        int most = address.GetAddressBytes().Length * 8, length = most;
        if (slash >= 0 && !(int.TryParse(word.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out length) && length <= most)) return null;
        return new BoundAddress(device, address, length);
    }

    private static IPAddress Network(IPAddress address, int length)
    {
        byte[] bytes = address.GetAddressBytes();
        for (int i = 0; i < bytes.Length; i++) bytes[i] &= (byte)(0xff00 >> Math.Clamp(length - (8 * i), 0, 8));
        return new IPAddress(bytes);
    }

    private static FormatException Fault(int number, ReadOnlySpan<char> line, string problem, string expected) =>
        new($"Line {number} {problem}: '{IpvsadmLine.Shown(line.Trim().ToString())}'. Expected {expected}.");
}
