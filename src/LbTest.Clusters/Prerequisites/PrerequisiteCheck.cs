using LbTest.Clusters.Lab.Dataplanes;
using LbTest.Clusters.Lab.Kernels;

namespace LbTest.Clusters.Prerequisites;

/// <summary>Finds out what this machine has and lacks for each kind of test. Changes nothing.</summary>
public static class PrerequisiteCheck
{
    /// <summary>The mode of what every lab needs.</summary>
    public const string Lab = "Lab";

    /// <summary>The mode of what only disturbances need.</summary>
    public const string Disturbances = "Disturb";

    /// <summary>What is there and what is not, for labs in some modes.</summary>
    /// <param name="modes">The modes; empty for all.</param>
    /// <param name="kernel">Whose kernel: the host's, that of user-mode labs, or both.</param>
    public static ImmutableArray<Prerequisite> Of(IReadOnlyCollection<ProxyMode> modes, LabKernel kernel = LabKernel.Auto)
    {
        ArgumentNullException.ThrowIfNull(modes);
        if (!OperatingSystem.IsLinux()) return [Prerequisite.Missing(Lab, "Linux", "another system", "Run labs on Linux (WSL 2 will do); connect tests from this machine work here")];
        ProxyMode[] wanted = modes.Count == 0 ? Enum.GetValues<ProxyMode>() : [.. modes.Distinct()];
        return
        [
            .. kernel == LabKernel.UserMode ? [] : HostNeeds.Of(wanted),
            .. kernel == LabKernel.Host ? [] : UserModeNeeds.Of(wanted).Select(one => one with { Kernel = LabKernel.UserMode }),
        ];
    }

    /// <summary>True when a lab can be had in each of some modes: on one kernel or the other everything is there but what is <see cref="Prerequisite.Optional"/>.</summary>
    /// <param name="modes">The modes; empty for the default one.</param>
    /// <param name="kernel">On whose kernel; <see cref="LabKernel.Auto"/> for either.</param>
    public static bool Suffices(IReadOnlyCollection<ProxyMode> modes, LabKernel kernel = LabKernel.Auto)
    {
        ArgumentNullException.ThrowIfNull(modes);
        ProxyMode[] wanted = modes.Count == 0 ? [ProxyMode.Nftables] : [.. modes];
        LabKernel[] kernels = kernel == LabKernel.Auto ? [LabKernel.Host, LabKernel.UserMode] : [kernel];
        return wanted.All(mode => kernels.Any(one => Of([mode], one).All(need => need.Present || need.Optional)));
    }
}
