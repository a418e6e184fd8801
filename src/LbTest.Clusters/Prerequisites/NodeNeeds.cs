using LbTest.Clusters.Lab.Dataplanes;
using LbTest.Clusters.Lab.Kernels;
using LbTest.Clusters.Tools;

namespace LbTest.Clusters.Prerequisites;

/// <summary>What a node of a Kubernetes cluster has of what proxy modes, and looking into them, need. Told from its files alone.</summary>
internal static class NodeNeeds
{
    /// <summary>Looks.</summary>
    /// <param name="modes">The modes of interest; empty for all.</param>
    /// <param name="root">Where the node's files are.</param>
    /// <param name="find">Finds a tool on the node.</param>
    internal static IEnumerable<Prerequisite> Of(IReadOnlyCollection<ProxyMode> modes, string root, Func<string, string?> find)
    {
        var modules = new HostModules(root);
        bool Wanted(ProxyMode mode) => modes.Count == 0 || modes.Contains(mode);
        IEnumerable<Prerequisite> found = [OfTool("Look", "conntrack", find)];
        if (Wanted(ProxyMode.Iptables)) found = [.. found, OfTool(nameof(ProxyMode.Iptables), "iptables-save", find)];
        if (Wanted(ProxyMode.Nftables)) found = [.. found, OfKernel(modules), OfModule(modules, nameof(ProxyMode.Nftables), "nf_tables", "nf_tables", "CONFIG_NF_TABLES", false), OfTool(nameof(ProxyMode.Nftables), "nft", find)];
        if (Wanted(ProxyMode.Ipvs)) found = [.. found, .. IpvsNeeds.Parts(modules.Release).Select(part => OfModule(modules, nameof(ProxyMode.Ipvs), part.Name, part.Module, part.Option, part.Optional)), OfTool(nameof(ProxyMode.Ipvs), "ipvsadm", find)];
        return found;
    }

    private static Prerequisite OfKernel(HostModules modules)
    {
        const string name = "kernel 5.13";
        return KernelRelease.HasNftables(modules.Release) == true
            ? Prerequisite.Found(nameof(ProxyMode.Nftables), name, modules.Release) : Prerequisite.Missing(nameof(ProxyMode.Nftables), name, modules.Release, "Use a newer kernel, or mode Iptables");
    }

    // kube-proxy has the kernel load what is installed.
    private static Prerequisite OfModule(HostModules modules, string mode, string name, string module, string option, bool optional) => modules.State(module, option) switch
    {
        ModuleState.Loaded => Prerequisite.Found(mode, name, "loaded"),
        ModuleState.BuiltIn => Prerequisite.Found(mode, name, "built in"),
        ModuleState.Installed when modules.MayLoad => Prerequisite.Found(mode, name, "installed: kube-proxy has it loaded"),
        ModuleState.Installed => Prerequisite.Missing(mode, name, "installed, but not loaded", $"Load it as root on the node: modprobe {module}"),
        _ => Prerequisite.Missing(mode, name, "", $"Use a kernel with {option} on the node, or another mode"),
    } with { Optional = optional };

    private static Prerequisite OfTool(string mode, string tool, Func<string, string?> find) =>
        (find(tool) is { } path ? Prerequisite.Found(mode, tool, path) : Prerequisite.Missing(mode, tool, "", $"To look into it, install it on the node: {ToolException.Remedy(tool)}")) with { Optional = true };
}
