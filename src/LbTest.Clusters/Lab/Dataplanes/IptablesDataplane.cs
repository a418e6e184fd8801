using System.Globalization;
using System.Net.Sockets;
using LbTest.Clusters.Lab.Kernels;
using LbTest.Clusters.Tools;

namespace LbTest.Clusters.Lab.Dataplanes;

/// <summary>kube-proxy's iptables mode, by <c>iptables-restore</c> and <c>ip6tables-restore</c>.</summary>
/// <remarks>
/// Structure and behaviour are those of kube-proxy 1.20.2: chains, their names, probabilities, affinity, policies, rejects. What differs:
/// <list type="bullet">
/// <item><c>KUBE-PROXY-CANARY</c> is left out: kube-proxy only watches it, to learn that somebody flushed the tables.</item>
/// <item>KUBE-FIREWALL and the rule in KUBE-MARK-DROP are here; on a real node the kubelet writes them.</item>
/// <item>KUBE-SVL chains implement an internal traffic policy, which 1.20 did not know, as later versions do.</item>
/// <item>The rules of a service without endpoints hold for forwarded traffic to its load balancer address too, as in later versions.</item>
/// <item>The tables nat and filter are replaced as a whole: rules of others in them are gone.</item>
/// </list>
/// The kernel's <c>recent</c> match remembers 100 clients per endpoint, unless the module's parameter <c>ip_list_tot</c> says otherwise;
/// so it is with a real kube-proxy's affinity. What it remembers outlives <see cref="Apply"/>; counters start again from zero.
/// </remarks>
public sealed class IptablesDataplane : IDataplane
{
    /// <inheritdoc/>
    public ProxyMode Mode => ProxyMode.Iptables;

    /// <inheritdoc/>
    public void Apply(DesiredState state, DesiredState? inForce = null, Action<ImmutableArray<EndpointCounter>>? keep = null)
    {
        // Both texts before the first tool: bad input changes nothing.
        string[] inputs = [.. NodeView.Families.Select(family => IptablesRules.Render(state, family))];
        if (inForce is not null) keep?.Invoke(Observe(inForce));
        for (int i = 0; i < inputs.Length; i++) Tool.Run(Name(NodeView.Families[i]) + "-restore", ["-w", "5"], inputs[i]);
    }

    /// <inheritdoc/>
    public void Remove()
    {
        foreach (AddressFamily family in NodeView.Families) _ = Tool.Run(Name(family) + "-restore", ["-w", "5"], NoRules);
        // iptables-nft leaves its tables behind, empty; nobody else's are of these names here. The legacy variant's are none of nft's.
        if (Guest.Inside || Tool.Find("nft") is null) return;
        _ = Tool.Run("nft", ["-f", "-"], string.Concat(NftTables.Select(table => $"add table {table}\ndelete table {table}\n")));
    }

    private static readonly string[] NftTables = ["ip nat", "ip filter", "ip6 nat", "ip6 filter"];

    // The kernel tracks, and translates, connections only while some rule asks for it. In user mode nobody else's does (see LabRules), so one that
    // does nothing stays until those of the next mode come.
    private static string NoRules => $"""
        *nat
        :PREROUTING ACCEPT [0:0]
        :INPUT ACCEPT [0:0]
        :OUTPUT ACCEPT [0:0]
        :POSTROUTING ACCEPT [0:0]
        COMMIT
        *filter
        :INPUT ACCEPT [0:0]
        :FORWARD ACCEPT [0:0]
        :OUTPUT ACCEPT [0:0]
        {(Guest.Inside ? "-A FORWARD -m conntrack --ctstate INVALID" : "#")}
        COMMIT

        """;

    /// <inheritdoc/>
    public ImmutableArray<EndpointCounter> Observe(DesiredState state) => NodeView.Count(
        state, family => ReadCounters(Tool.Run(Name(family) + "-save", ["-c", "-t", "nat"])), endpoint => endpoint.IptablesChain);

    /// <summary>The counters of the DNAT rules in the output of <c>iptables-save -c</c>, by chain.</summary>
    internal static Dictionary<string, RuleCounter> ReadCounters(string saved)
    {
        var counters = new Dictionary<string, RuleCounter>(StringComparer.Ordinal);
        foreach (ReadOnlySpan<char> line in saved.AsSpan().EnumerateLines())
        {
            // [packets:bytes] -A KUBE-SEP-… … -j DNAT --to-destination …
            int colon = line.IndexOf(':'), close = line.IndexOf(']');
            if (!line.StartsWith("[") || colon > close || !line.Contains(" -j DNAT ", StringComparison.Ordinal)) continue;
            ReadOnlySpan<char> chain = line[(close + " -A ".Length + 1)..];
            counters[chain[..chain.IndexOf(' ')].ToString()] = new RuleCounter(
                long.Parse(line[1..colon], CultureInfo.InvariantCulture),
                long.Parse(line[(colon + 1)..close], CultureInfo.InvariantCulture));
        }
        return counters;
    }

    /// <summary>What the names of a family's tools start with.</summary>
    /// <remarks>
    /// Outside the machine's first user namespace nobody may enlarge the socket buffer through which iptables-nft hands all rules to the
    /// kernel at once: about a hundred endpoints fit. The legacy variant has no such limit; there it is preferred where the kernel has it.
    /// </remarks>
    internal static string Name(AddressFamily family, bool preferLegacy)
    {
        string ip = family == AddressFamily.InterNetwork ? "ip" : "ip6";
        bool legacy = preferLegacy && File.Exists($"/proc/net/{ip}_tables_names") && Tool.Find($"{ip}tables-legacy-restore") is not null;
        return legacy ? $"{ip}tables-legacy" : $"{ip}tables";
    }

    /// <summary>The same for the namespaces that the calling thread is in.</summary>
    // A user-mode kernel has no NAT by nf_tables.
    internal static string Name(AddressFamily family) => Name(family, Guest.Inside || InUserNamespace());

    // The first user namespace maps all ids, one to one: user_namespaces(7).
    private static bool InUserNamespace() => !File.ReadAllText("/proc/self/uid_map")
        .Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).SequenceEqual(["0", "0", "4294967295"]);
}
