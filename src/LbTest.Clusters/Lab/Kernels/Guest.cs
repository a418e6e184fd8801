using System.Runtime.InteropServices;
using LbTest.Clusters.Tools;

namespace LbTest.Clusters.Lab.Kernels;

/// <summary>The agent as the first process of a user-mode kernel: what is left to set up there, and its end.</summary>
internal static partial class Guest
{
    /// <summary>True in a process that runs on a user-mode kernel.</summary>
    internal static bool Inside { get; private set; }

    /// <summary>Loads the modules that labs need and gives them room.</summary>
    /// <exception cref="InvalidOperationException">A module is missing.</exception>
    internal static void Prepare()
    {
        Inside = true;
        // What a module asks for by itself would be looked for among the host's.
        File.WriteAllText("/proc/sys/kernel/modprobe", "\n");
        KernelModules.Load(Path.Combine(UserModeKernel.ModulesFolder, File.ReadAllText("/proc/sys/kernel/osrelease").Trim()));
        // By its memory the kernel would give it 8,192 entries or fewer; a test with more connections would lose some.
        File.WriteAllText("/proc/sys/net/netfilter/nf_conntrack_max", "262144");
    }

    /// <summary>Ends the kernel. A first process that merely ends would be a panic.</summary>
    internal static void PowerOff() => _ = Reboot(PowerOffCommand);

    // LINUX_REBOOT_CMD_POWER_OFF: reboot(2).
    private const int PowerOffCommand = 0x4321fedc;

    [LibraryImport("libc", EntryPoint = "reboot")]
    private static partial int Reboot(int command);
}
