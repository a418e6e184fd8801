using System.Globalization;
using System.Net.Sockets;
using LbTest.Engine;

namespace LbTest.Clusters.Conntrack;

/// <summary>What <c>conntrack</c> is told, and what it prints.</summary>
internal static class ConntrackTool
{
    /// <summary>The tool's name.</summary>
    internal const string Name = "conntrack";

    /// <summary>Its words when nothing matched, with which it ends as if it had failed.</summary>
    internal const string NothingDeleted = " 0 flow entries have been deleted";

    /// <summary>The arguments that list, a line for each address family.</summary>
    /// <exception cref="PlanException">The filter contradicts itself.</exception>
    internal static IEnumerable<string[]> List(ConntrackFilter filter) => Families(filter).Select(family => (string[])["-L", .. Selection(filter, family)]);

    /// <summary>The arguments that delete, a line for each address family.</summary>
    /// <exception cref="PlanException">The filter contradicts itself.</exception>
    internal static IEnumerable<string[]> Delete(ConntrackFilter filter) => Families(filter).Select(family => (string[])["-D", .. Selection(filter, family)]);

    /// <summary>Reads what it prints.</summary>
    /// <exception cref="FormatException">A line is none of its.</exception>
    internal static ImmutableArray<ConntrackEntry> Read(string printed, string? node) =>
        [.. printed.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Where(line => line.Contains("src=", StringComparison.Ordinal)).Select(line => ReadLine(line, node))];

    // tcp      6 431999 ESTABLISHED src=10.0.0.1 dst=10.96.0.10 sport=40000 dport=80 src=10.244.1.5 dst=10.0.0.1 sport=8080 dport=40000 [ASSURED] mark=0 use=1
    private static ConntrackEntry ReadLine(string line, string? node)
    {
        string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        // '-o extended' puts the family before.
        int at = words[0] is "ipv4" or "ipv6" ? 2 : 0;
        ILookup<string, string> values = words.Select(word => word.Split('=', 2)).Where(pair => pair.Length == 2).ToLookup(pair => pair[0], pair => pair[1]);
        IPAddress Address(string name, int which) => IPAddress.TryParse(values[name].ElementAtOrDefault(which), out IPAddress? address) ? address : throw Fault();
        int? Port(string name, int which) => int.TryParse(values[name].ElementAtOrDefault(which), NumberStyles.None, CultureInfo.InvariantCulture, out int port) ? port : null;
        FormatException Fault() => new($"This is no line of conntrack's: '{line}'. Expected one such as 'tcp 6 431999 ESTABLISHED src=10.0.0.1 dst=10.96.0.10 sport=40000 dport=80 src=10.244.1.5 dst=10.0.0.1 sport=8080 dport=40000 [ASSURED]'.");
        if (words.Length < at + 4) throw Fault();
        // What is not confirmed yet has no time.
        bool timed = long.TryParse(words[at + 2], NumberStyles.None, CultureInfo.InvariantCulture, out long seconds);
        string state = words[at + (timed ? 3 : 2)];
        return new ConntrackEntry
        {
            NodeName = node, Protocol = words[at], Remaining = TimeSpan.FromSeconds(seconds), State = state.Contains('=', StringComparison.Ordinal) || state.StartsWith('[') ? null : state,
            Source = Address("src", 0), SourcePort = Port("sport", 0), Destination = Address("dst", 0), DestinationPort = Port("dport", 0),
            Endpoint = Address("src", 1), EndpointPort = Port("sport", 1), ReplyDestination = Address("dst", 1),
            Replied = !line.Contains("[UNREPLIED]", StringComparison.Ordinal), Assured = line.Contains("[ASSURED]", StringComparison.Ordinal),
        };
    }

    private static AddressFamily[] Families(ConntrackFilter filter)
    {
        AddressFamily[] given = [.. new[] { filter.Source, filter.Destination, filter.Endpoint }.OfType<IPAddress>().Select(address => address.AddressFamily).Distinct()];
        PlanException.Require(given.Length <= 1, "DestinationAddress", filter.Destination ?? filter.Endpoint, "is of another address family than the other addresses", "Give addresses of one family");
        PlanException.Require(filter.DestinationPort is null || filter.Protocol is not null, nameof(filter.DestinationPort), filter.DestinationPort, "needs a protocol", "Give -Protocol Tcp or Udp too");
        return given.Length == 1 ? given : [AddressFamily.InterNetwork, AddressFamily.InterNetworkV6];
    }

    private static string[] Selection(ConntrackFilter filter, AddressFamily family) =>
    [
        "-f", family == AddressFamily.InterNetwork ? "ipv4" : "ipv6",
        .. Option("-p", filter.Protocol), .. Option("-s", filter.Source), .. Option("-d", filter.Destination), .. Option("--dport", filter.DestinationPort), .. Option("-r", filter.Endpoint),
    ];

    private static string[] Option(string name, object? value) => value is null ? [] : [name, Convert.ToString(value, CultureInfo.InvariantCulture)!];
}
