using System.Globalization;
using System.Net.Sockets;
using LbTest.Clusters.Tools;

namespace LbTest.Clusters.Lab.Dataplanes;

/// <summary>kube-proxy's nftables mode, by <c>nft</c>.</summary>
/// <remarks>
/// Structure and behaviour are those of kube-proxy 1.34: tables <c>ip kube-proxy</c> and <c>ip6 kube-proxy</c>, a verdict map from
/// address and port to a service's chain, a chain per endpoint behind <c>numgen random mod N vmap</c>. What differs:
/// <list type="bullet">
/// <item>Source ranges of load balancers are not here, nor are the firewall chains and the base chains before DNAT that lead there.</item>
/// <item>Invalid packets are dropped in forward, as in iptables mode: without that, packet loss can reset or hang connections.</item>
/// <item>The DNAT rule of an endpoint has a counter: it is what <see cref="Observe"/> reads.</item>
/// <item>A table is replaced as a whole, in one transaction: <see cref="Apply"/> forgets which client was bound to which endpoint,
/// where kube-proxy edits and keeps that. Existing connections stay where they are; counters start from zero.</item>
/// </list>
/// Outside the machine's first user namespace nobody may enlarge the socket buffer that a transaction must fit in: with its default of
/// 208 KiB that is some 200 endpoints, 100 with affinity. Beyond that the same rules go in several transactions, the last of which puts
/// them in force: for a moment before it the node has none.
/// </remarks>
public sealed class NftablesDataplane : IDataplane
{
    /// <inheritdoc/>
    public ProxyMode Mode => ProxyMode.Nftables;

    /// <inheritdoc/>
    public void Apply(DesiredState state, DesiredState? inForce = null, Action<ImmutableArray<EndpointCounter>>? keep = null)
    {
        // Both texts before the first tool: bad input changes nothing.
        ImmutableArray<string>[] families = [.. NodeView.Families.Select(family => NftablesRules.Stages(state, family))];
        if (inForce is not null) keep?.Invoke(Observe(inForce));
        if (Load(string.Concat(families.SelectMany(stages => stages)))) return;
        foreach (ImmutableArray<string> stages in families)
        {
            if (Load(string.Concat(stages))) continue;
            foreach (string stage in stages) _ = Tool.Run("nft", ["-f", "-"], stage);
        }
    }

    // False when that is too much for one transaction.
    private static bool Load(string rules)
    {
        try
        {
            _ = Tool.Run("nft", ["-f", "-"], rules);
            return true;
        }
        catch (ToolException exception) when (exception.Message.Contains("Message too long", StringComparison.Ordinal))
        {
            return false;
        }
    }

    /// <inheritdoc/>
    public void Remove() =>
        _ = Tool.Run("nft", ["-f", "-"], string.Concat(NodeView.Families.Select(family => $"add table {Name(family)} kube-proxy\ndelete table {Name(family)} kube-proxy\n")));

    /// <inheritdoc/>
    public ImmutableArray<EndpointCounter> Observe(DesiredState state)
    {
        // Both families in one run. Terse: without the elements of sets, of which affinity can have many.
        Dictionary<string, RuleCounter> counters = ReadCounters(Tool.Run("nft", ["-t", "list", "ruleset"]));
        return NodeView.Count(state, _ => counters, endpoint => "endpoint-" + endpoint.NftablesName);
    }

    /// <summary>The counters of rules in the output of <c>nft list ruleset</c>, by chain. Those of the two families have different names.</summary>
    internal static Dictionary<string, RuleCounter> ReadCounters(string listed)
    {
        var counters = new Dictionary<string, RuleCounter>(StringComparer.Ordinal);
        string chain = "";
        foreach (ReadOnlySpan<char> line in listed.AsSpan().EnumerateLines())
        {
            ReadOnlySpan<char> text = line.Trim();
            if (text.StartsWith("chain ")) chain = text["chain ".Length..].TrimEnd(" {").ToString();
            // … counter packets 3 bytes 180 dnat to …
            int at = text.IndexOf("counter packets ", StringComparison.Ordinal);
            if (at < 0) continue;
            string[] words = text[at..].ToString().Split(' ', 6);
            counters[chain] = new RuleCounter(long.Parse(words[2], CultureInfo.InvariantCulture), long.Parse(words[4], CultureInfo.InvariantCulture));
        }
        return counters;
    }

    private static string Name(AddressFamily family) => family == AddressFamily.InterNetwork ? "ip" : "ip6";
}
