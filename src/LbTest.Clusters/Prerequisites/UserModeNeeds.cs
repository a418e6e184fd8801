using System.Globalization;
using LbTest.Clusters.Lab;
using LbTest.Clusters.Lab.Dataplanes;
using LbTest.Clusters.Lab.Disturbances;
using LbTest.Clusters.Lab.Kernels;
using LbTest.Clusters.Tools;

namespace LbTest.Clusters.Prerequisites;

/// <summary>What a lab on a user-mode kernel needs. All is told from files: nothing is booted.</summary>
internal static class UserModeNeeds
{
    private static readonly string[] LabTools = ["sh", "stty", "setsid", "mount"], IptablesTools = ["iptables-legacy-restore", "ip6tables-legacy-restore"];

    internal static IEnumerable<Prerequisite> Of(IReadOnlyCollection<ProxyMode> modes)
    {
        const string kernel = "user-mode kernel", lab = PrerequisiteCheck.Lab;
        if (Tool.Find(UserModeKernel.Program) is not { } program) return [Prerequisite.Missing(lab, kernel, "", ToolException.Missing(UserModeKernel.Program).Message)];
        string release;
        try
        {
            release = Tool.Run(program, ["--version"]).Trim();
        }
        catch (ToolException exception)
        {
            return [Prerequisite.Missing(lab, kernel, exception.Message, $"Install it again: {ToolException.Remedy(UserModeKernel.Program)}")];
        }

        string path = Path.Combine(UserModeKernel.ModulesFolder, release);
        Prerequisite found = Prerequisite.Found(lab, kernel, $"{program}, {release}");
        if (!Directory.Exists(path)) return [found, Prerequisite.Missing(lab, "modules", $"'{path}' is not there", $"Install the package of that version again: {ToolException.Remedy(UserModeKernel.Program)}")];
        var modules = new ModuleFolder(path);
        HashSet<string> ipvs = [.. IpvsNeeds.Parts(release).Select(part => part.Module)], disturbing = [.. DisturbanceNeeds.Modules];
        string[] others = [.. KernelModules.Names.Where(module => !ipvs.Contains(module) && !disturbing.Contains(module))];
        // Every lab there loads all of them at its start, whatever its mode.
        IEnumerable<Prerequisite> all = [found, All(modules, others), Memory(), MemoryFolder(), .. LabTools.Select(tool => Prerequisite.OfTool(lab, tool))];
        if (modes.Contains(ProxyMode.Nftables)) all = [.. all, Prerequisite.Missing(nameof(ProxyMode.Nftables), "NAT by nftables", "", "Use mode Iptables or Ipvs, or the host's kernel")];
        if (modes.Contains(ProxyMode.Iptables)) all = [.. all, .. IptablesTools.Select(tool => Prerequisite.OfTool(nameof(ProxyMode.Iptables), tool))];
        if (modes.Contains(ProxyMode.Ipvs))
        {
            // The legacy variants are what works there; of the tools that both kernels share the others.
            all =
            [
                .. all, .. IpvsNeeds.Tools.Where(tool => !tool.Name.EndsWith("tables-restore", StringComparison.Ordinal)), .. IptablesTools.Select(tool => Prerequisite.OfTool(nameof(ProxyMode.Ipvs), tool)),
                .. IpvsNeeds.Parts(release).Select(part => Of(modules, part)),
            ];
        }

        return [.. all, .. DisturbanceNeeds.OfUserMode(modules)];
    }

    private static Prerequisite Of(ModuleFolder modules, IpvsNeeds.Part part) => modules.HasBuiltIn(part.Module) ? Prerequisite.Found(nameof(ProxyMode.Ipvs), part.Name, "built in")
        : modules.File(part.Module) is { } file ? Prerequisite.Found(nameof(ProxyMode.Ipvs), part.Name, Path.GetFileName(file))
        : Prerequisite.Missing(nameof(ProxyMode.Ipvs), part.Name, $"no module {part.Module}", Remedy);

    private static Prerequisite All(ModuleFolder modules, string[] wanted)
    {
        const string name = "modules";
        string[] missing = [.. wanted.Where(module => !modules.HasBuiltIn(module) && modules.File(module) is null)];
        return missing.Length == 0 ? Prerequisite.Found(PrerequisiteCheck.Lab, name, string.Create(CultureInfo.InvariantCulture, $"all {wanted.Length}")) : Prerequisite.Missing(PrerequisiteCheck.Lab, name, $"no {string.Join(", ", missing)}", Remedy);
    }

    private static string Remedy => $"Use the kernel of Debian's package: {ToolException.Remedy(UserModeKernel.Program)}";

    private static Prerequisite Memory()
    {
        long needed = UserModeKernel.UsedMemory(DefaultLab), available = UserModeKernel.AvailableMemory();
        string text = string.Create(CultureInfo.InvariantCulture, $"{available >> 20} MiB available");
        return available >= needed ? Prerequisite.Found(PrerequisiteCheck.Lab, "memory", text)
            : Prerequisite.Missing(PrerequisiteCheck.Lab, "memory", text, string.Create(CultureInfo.InvariantCulture, $"End something: a lab there takes about {needed >> 20} MiB"));
    }

    private static Prerequisite MemoryFolder()
    {
        long needed = UserModeKernel.Memory(DefaultLab);
        (string? folder, string problem) = UserModeKernel.MemoryFolder(needed);
        return folder is not null ? Prerequisite.Found(PrerequisiteCheck.Lab, "memory file", folder)
            : Prerequisite.Missing(PrerequisiteCheck.Lab, "memory file", problem,
                string.Create(CultureInfo.InvariantCulture, $"Set TMPDIR to a folder where files can be executed, with {needed >> 20} MiB free, best in memory (tmpfs)"));
    }

    private static LabSpec DefaultLab { get; } = new() { Name = "lab" };
}
