using System.Net.Sockets;
using System.Text.Json;
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
    public void Apply(DesiredState state)
    {
        // Both texts before the first tool: bad input changes nothing.
        ImmutableArray<string>[] families = [.. NodeView.Families.Select(family => NftablesRules.Stages(state, family))];
        foreach (ImmutableArray<string> stages in families)
        {
            try
            {
                Load(string.Concat(stages));
            }
            catch (ToolException exception) when (exception.Message.Contains("Message too long", StringComparison.Ordinal))
            {
                foreach (string stage in stages) Load(stage);
            }
        }

        static void Load(string rules) => _ = Tool.Run("nft", ["-f", "-"], rules);
    }

    /// <inheritdoc/>
    public ImmutableArray<EndpointCounter> Observe(DesiredState state) => NodeView.Count(
        state,
        // Terse: without the elements of sets, of which affinity can have many.
        family => ReadCounters(Tool.Run("nft", ["-t", "-j", "list", "table", Name(family), "kube-proxy"])),
        endpoint => "endpoint-" + endpoint.NftablesName);

    /// <summary>The counters of rules in the output of <c>nft -j list table</c>, by chain.</summary>
    internal static Dictionary<string, RuleCounter> ReadCounters(string listed)
    {
        var counters = new Dictionary<string, RuleCounter>(StringComparer.Ordinal);
        using JsonDocument document = JsonDocument.Parse(listed);
        foreach (JsonElement item in document.RootElement.GetProperty("nftables").EnumerateArray())
        {
            if (!item.TryGetProperty("rule", out JsonElement rule)) continue;
            foreach (JsonElement statement in rule.GetProperty("expr").EnumerateArray())
                if (statement.TryGetProperty("counter", out JsonElement counter))
                    counters[rule.GetProperty("chain").GetString()!] =
                        new RuleCounter(counter.GetProperty("packets").GetInt64(), counter.GetProperty("bytes").GetInt64());
        }
        return counters;
    }

    private static string Name(AddressFamily family) => family == AddressFamily.InterNetwork ? "ip" : "ip6";
}
