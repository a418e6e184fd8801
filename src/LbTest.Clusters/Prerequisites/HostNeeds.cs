using System.Globalization;
using System.Net.Sockets;
using LbTest.Clusters.Lab;
using LbTest.Clusters.Lab.Dataplanes;
using LbTest.Clusters.Lab.Disturbances;
using LbTest.Clusters.Tools;

namespace LbTest.Clusters.Prerequisites;

/// <summary>What a lab on the host's kernel needs.</summary>
internal static class HostNeeds
{
    private const string Conntrack = "/proc/sys/net/netfilter/nf_conntrack_";

    // A connect test's default number of connections.
    private const long Room = 10_000;

    private static readonly string[] LabTools = ["unshare", "setsid"];

    internal static IEnumerable<Prerequisite> Of(IReadOnlyCollection<ProxyMode> modes)
    {
        IEnumerable<Prerequisite> found = [Namespaces(), .. LabTools.Select(tool => Prerequisite.OfTool(PrerequisiteCheck.Lab, tool)), .. Tracking()];
        if (modes.Contains(ProxyMode.Nftables)) found = [.. found, Prerequisite.OfTool(nameof(ProxyMode.Nftables), "nft"), Rules(ProxyMode.Nftables)];
        if (modes.Contains(ProxyMode.Iptables))
        {
            found = [.. found, Prerequisite.OfTool(nameof(ProxyMode.Iptables), "iptables-restore"), Prerequisite.OfTool(nameof(ProxyMode.Iptables), "ip6tables-restore"), Rules(ProxyMode.Iptables)];
        }

        if (modes.Contains(ProxyMode.Ipvs)) found = [.. found, .. IpvsNeeds.Tools, .. IpvsNeeds.OfHost()];
        return [.. found, .. DisturbanceNeeds.OfHost()];
    }

    /// <summary>Whether a kernel takes the rules of mode Iptables or Nftables. The proof is in the loading: a service with an endpoint and affinity, into a namespace that is gone the moment the tool ends.</summary>
    internal static Prerequisite Rules(ProxyMode mode)
    {
        bool nftables = mode == ProxyMode.Nftables;
        // An ordinary user's lab has a user namespace, which the namespace that rules are tried in has too.
        string tool = nftables ? "nft" : (LabSocket.EffectiveUser() == 0 ? IptablesDataplane.Name(AddressFamily.InterNetwork) : IptablesDataplane.Name(AddressFamily.InterNetwork, preferLegacy: true)) + "-restore";
        const string name = "kernel rules";
        if (Tool.Find(tool) is not { } path) return Prerequisite.Missing(mode.ToString(), name, "", ToolException.Missing(tool).Message);
        var topology = new LabTopology(new LabSpec { Name = "probe", NodeCount = 1, EndpointCount = 2, SessionAffinity = TimeSpan.FromSeconds(60) });
        DesiredState state = topology.DesiredState(topology.Nodes[0]);
        string? error = nftables
            ? Trial.Of([path, "-f", "-"], NftablesRules.Render(state, AddressFamily.InterNetwork))
            : Trial.Of(["env", "XTABLES_LOCKFILE=/dev/null", path], IptablesRules.Render(state, AddressFamily.InterNetwork));
        return error is null ? Prerequisite.Found(mode.ToString(), name, "load")
            : Prerequisite.Missing(mode.ToString(), name, error, $"Use a kernel with {(nftables ? "nf_tables, nft_numgen, nft_nat" : "xt_statistic, xt_recent, xt_nat; or a lab on a user-mode kernel, which has them")}");
    }

    private static Prerequisite Namespaces() => Trial.Namespaces() is { } error
        ? Prerequisite.Missing(PrerequisiteCheck.Lab, "namespaces", error, NamespaceSandbox.UserNamespaceRemedy)
        : Prerequisite.Found(PrerequisiteCheck.Lab, "namespaces", LabSocket.EffectiveUser() == 0 ? "as root" : "in a user namespace");

    // The number of entries is that of this network namespace, the limit is the whole machine's.
    private static IEnumerable<Prerequisite> Tracking()
    {
        const string tracking = "conntrack", room = "conntrack room";
        if (!File.Exists(Conntrack + "max")) return [Prerequisite.Missing(PrerequisiteCheck.Lab, tracking, "", "Load it as root: modprobe nf_conntrack")];
        long max = Number("max"), free = max - Number("count");
        string text = string.Create(CultureInfo.InvariantCulture, $"{free} of {max} entries are free");
        Prerequisite spare = free >= Room ? Prerequisite.Found(PrerequisiteCheck.Lab, room, text)
            : Prerequisite.Missing(PrerequisiteCheck.Lab, room, text, "Raise it as root, a test of 10,000 connections needs as many: sysctl -w net.netfilter.nf_conntrack_max=262144");
        return [Prerequisite.Found(PrerequisiteCheck.Lab, tracking, string.Create(CultureInfo.InvariantCulture, $"{max} entries")), spare with { Optional = true }];
    }

    private static long Number(string name) => File.Exists(Conntrack + name) ? long.Parse(File.ReadAllText(Conntrack + name), CultureInfo.InvariantCulture) : 0;
}
