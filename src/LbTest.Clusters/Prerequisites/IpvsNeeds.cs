using LbTest.Clusters.Lab.Dataplanes;
using LbTest.Clusters.Lab.Kernels;
using LbTest.Clusters.Tools;

namespace LbTest.Clusters.Prerequisites;

/// <summary>What mode IPVS needs of a kernel.</summary>
/// <remarks>The tools have the kernel load what they find missing, on the host too. So nothing is tried of which it is not known that it is there, unless the kernel loads no modules.</remarks>
internal static class IpvsNeeds
{
    private const string Mode = nameof(ProxyMode.Ipvs), Ipvs = "ip_vs";

    /// <summary>A part of the kernel.</summary>
    /// <param name="Name">What it is called.</param>
    /// <param name="Module">Its name as a module.</param>
    /// <param name="Option">Its option in the kernel's configuration.</param>
    /// <param name="Trial">How to try it in an empty network namespace; null where its being there says it all.</param>
    internal sealed record Part(string Name, string Module, string Option, string[]? Trial = null)
    {
        /// <summary>True for what only some labs need.</summary>
        internal bool Optional { get; init; }
    }

    /// <summary>Every part, in the order in which they depend on each other.</summary>
    /// <param name="release">The kernel's release: before 4.19 connection tracking was a module for each address family.</param>
    internal static IEnumerable<Part> Parts(string release)
    {
        string tracking = KernelRelease.Conntrack(release);
        return
        [
            new Part(tracking, tracking, $"CONFIG_{tracking.ToUpperInvariant()}"),
            new Part(Ipvs, Ipvs, "CONFIG_IP_VS", ["ipvsadm", "-ln"]),
            .. Enum.GetValues<IpvsScheduler>().Select(scheduler => Scheduler(scheduler) with { Optional = scheduler != default }),
            new Part("dummy device", "dummy", "CONFIG_DUMMY", ["ip", "link", "add", "lbtest0", "type", "dummy"]),
            new Part("ipset bitmap:port", "ip_set_bitmap_port", "CONFIG_IP_SET_BITMAP_PORT", ["ipset", "create", "lbtest", "bitmap:port", "range", "0-65535"]),
            Set("ip"), Set("ip,port"), Set("ip,port,ip"), Set("ip,port,net"), new Part("set match", "xt_set", "CONFIG_NETFILTER_XT_SET"),
        ];
    }

    /// <summary>The tools, which both kernels share.</summary>
    internal static IEnumerable<Prerequisite> Tools => ((string[])["ipvsadm", "ipset", "ip", "iptables-restore", "ip6tables-restore"]).Select(tool => Prerequisite.OfTool(Mode, tool));

    /// <summary>What the host's kernel has of it; looked for one by one, as they are asked for.</summary>
    internal static IEnumerable<Prerequisite> OfHost()
    {
        var modules = new HostModules();
        return Parts(modules.Release).Select(part => OfHost(modules, part));
    }

    /// <summary>Why the host's kernel cannot run mode IPVS with a scheduler; null when it can.</summary>
    internal static string? HostProblem(IpvsScheduler scheduler)
    {
        var modules = new HostModules();
        string wanted = Scheduler(scheduler).Name;
        Prerequisite? missing = Parts(modules.Release).Where(part => !part.Optional || part.Name == wanted).Select(part => OfHost(modules, part)).FirstOrDefault(one => !one.Present);
        return missing is null ? null : $"it has no {missing.Name}{(missing.Detail.Length == 0 ? "" : $" ({missing.Detail.TrimEnd('.')})")}";
    }

    private static Prerequisite OfHost(HostModules modules, Part part)
    {
        ModuleState state = modules.State(part.Module, part.Option);
        bool there = state is ModuleState.Loaded or ModuleState.BuiltIn;
        string? tool = part.Trial is null || (!there && modules.MayLoad) ? null : Tool.Find(part.Trial[0]), error = tool is null ? null : Trial.Of([tool, .. part.Trial![1..]]);
        bool present = tool is null ? there : error is null;
        Prerequisite found = present ? Prerequisite.Found(Mode, part.Name, state switch { ModuleState.Loaded => "loaded", ModuleState.BuiltIn => "built in", _ => "works" })
            : there ? Prerequisite.Missing(Mode, part.Name, error!, "Run as root, or start the lab on a user-mode kernel")
            : state == ModuleState.Installed ? Prerequisite.Missing(Mode, part.Name, "installed, but not loaded", $"Load it as root: modprobe {part.Module}")
            : Prerequisite.Missing(Mode, part.Name, "", $"Use a kernel with {part.Option}, or start the lab on a user-mode kernel");
        return found with { Optional = part.Optional };
    }

    private static Part Scheduler(IpvsScheduler scheduler)
    {
        string name = scheduler.Word();
        return new Part($"ip_vs_{name}", $"ip_vs_{name}", $"CONFIG_IP_VS_{name.ToUpperInvariant()}", ["ipvsadm", "-A", "-t", "192.0.2.1:80", "-s", name]);
    }

    private static Part Set(string what)
    {
        string name = what.Replace(",", "", StringComparison.Ordinal);
        return new Part($"ipset hash:{what}", $"ip_set_hash_{name}", $"CONFIG_IP_SET_HASH_{name.ToUpperInvariant()}", ["ipset", "create", "lbtest", $"hash:{what}"]);
    }
}
