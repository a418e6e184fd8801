using LbTest.Clusters.Lab;
using LbTest.Clusters.Lab.Dataplanes;
using LbTest.Clusters.Tools;

namespace LbTest.Clusters.Prerequisites;

/// <summary>Finds out what this machine has and lacks for each kind of test. Changes nothing.</summary>
public static class PrerequisiteCheck
{
    private static readonly string[] LabTools = ["ip", "unshare", "setsid", "mount"];

    /// <summary>The mode of what only disturbances need.</summary>
    public const string Disturbances = "Disturb";

    /// <summary>Everything, for all modes.</summary>
    public static ImmutableArray<Prerequisite> All()
    {
        if (!OperatingSystem.IsLinux())
        {
            return [new Prerequisite("Lab", "Linux", false, "another system", "Run labs on Linux (WSL 2 will do); connect tests from this machine work here")];
        }

        return
        [
            NamespacesAllowed(), .. LabTools.Select(tool => HasTool("Lab", tool)),
            KernelHas("Lab", "conntrack", "/proc/sys/net/netfilter/nf_conntrack_max", "modprobe nf_conntrack"),
            HasTool("Nftables", "nft"), DataplaneLoads(ProxyMode.Nftables),
            HasTool("Iptables", "iptables-restore"), HasTool("Iptables", "ip6tables-restore"), DataplaneLoads(ProxyMode.Iptables),
            .. Lab.Disturbances.DisturbanceNeeds.All(),
            new Prerequisite("Ipvs", "ip_vs", false, "", "IPVS labs are not there yet; use Nftables or Iptables"),
        ];
    }

    private static Prerequisite HasTool(string mode, string tool) => Tool.Find(tool) is { } path
        ? new Prerequisite(mode, tool, true, path, "")
        : new Prerequisite(mode, tool, false, "", ToolException.Missing(tool).Message);

    private static Prerequisite KernelHas(string mode, string name, string path, string remedy) => File.Exists(path)
        ? new Prerequisite(mode, name, true, File.ReadAllText(path).Trim() + " entries", "")
        : new Prerequisite(mode, name, false, "", $"Load it as root: {remedy}");

    private static Prerequisite NamespacesAllowed()
    {
        const string name = "namespaces";
        try
        {
            _ = Tool.Run("unshare", [.. LabSandbox.UserNamespace, "--pid", "--fork", "--mount", "--net", "true"]);
            return new Prerequisite("Lab", name, true, LabSocket.EffectiveUser() == 0 ? "as root" : "in a user namespace", "");
        }
        catch (ToolException exception)
        {
            return new Prerequisite("Lab", name, false, exception.Message, LabSandbox.UserNamespaceRemedy);
        }
    }

    // The proof is in the loading: a service with an endpoint and affinity, into a namespace that is gone the moment the tool ends.
    internal static Prerequisite DataplaneLoads(ProxyMode mode)
    {
        string tool = mode == ProxyMode.Nftables ? "nft" : "iptables-restore", name = "kernel rules";
        if (Tool.Find(tool) is not { } path) return new Prerequisite(mode.ToString(), name, false, "", ToolException.Missing(tool).Message);
        var topology = new LabTopology(new LabSpec { Name = "probe", NodeCount = 1, EndpointCount = 2, SessionAffinity = TimeSpan.FromSeconds(60) });
        DesiredState state = topology.DesiredState(topology.Nodes[0]);
        try
        {
            string rules = mode == ProxyMode.Nftables ? NftablesRules.Render(state, System.Net.Sockets.AddressFamily.InterNetwork) : IptablesRules.Render(state, System.Net.Sockets.AddressFamily.InterNetwork);
            string[] load = mode == ProxyMode.Nftables ? [path, "-f", "-"] : ["env", "XTABLES_LOCKFILE=/dev/null", path];
            _ = Tool.Run("unshare", [.. LabSandbox.UserNamespace, "--net", .. load], rules);
            return new Prerequisite(mode.ToString(), name, true, "load", "");
        }
        catch (ToolException exception)
        {
            return new Prerequisite(mode.ToString(), name, false, exception.Message, "Use a kernel with nf_tables, nft_numgen, nft_nat (nftables mode) or xt_statistic, xt_recent, xt_nat (iptables mode)");
        }
    }
}
