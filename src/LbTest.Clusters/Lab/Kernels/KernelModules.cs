using System.Runtime.InteropServices;

namespace LbTest.Clusters.Lab.Kernels;

/// <summary>Loads the modules of a user-mode kernel. modprobe(8) would be a process each, tens of milliseconds there, and looks for them elsewhere.</summary>
internal static partial class KernelModules
{
    /// <summary>What labs need, beside what these need themselves. Options follow a name.</summary>
    private static readonly string[] Needed =
    [
        "veth", "dummy", "sch_netem", "sch_tbf",
        // The table for so many connections: two entries a bucket, as the kernel's own default is.
        "nf_conntrack hashsize=131072", "nf_conntrack_netlink",
        "ip_vs", .. Enum.GetNames<Dataplanes.IpvsScheduler>().Select(name => $"ip_vs_{name.ToLowerInvariant()}"),
        "iptable_nat", "iptable_filter", "iptable_raw", "ip6table_nat", "ip6table_filter", "ip6table_raw", "ipt_REJECT", "ip6t_REJECT",
        "xt_addrtype", "xt_comment", "xt_conntrack", "xt_mark", "xt_MASQUERADE", "xt_nat", "xt_recent", "xt_set", "xt_statistic", "xt_tcpudp",
        "ip_set_bitmap_port", "ip_set_hash_ip", "ip_set_hash_ipport", "ip_set_hash_ipportip", "ip_set_hash_ipportnet", "ip_set_hash_net",
    ];

    /// <summary>Their names.</summary>
    internal static IEnumerable<string> Names => Needed.Select(module => module.Split(' ')[0]);

    /// <summary>Loads them, and first what they depend on.</summary>
    /// <param name="folder">The modules of the kernel that runs, with <c>modules.dep</c>.</param>
    /// <exception cref="InvalidOperationException">One is missing or was refused.</exception>
    internal static void Load(string folder)
    {
        string list = Path.Combine(folder, "modules.dep");
        if (!File.Exists(list)) throw new InvalidOperationException($"The user-mode kernel has no modules: '{list}' is not there. Install the package user-mode-linux again, of the version of {UserModeKernel.Program}.");
        var modules = new ModuleFolder(folder);
        var options = Needed.Select(module => module.Split(' ', 2)).ToDictionary(words => words[0], words => words.Length > 1 ? words[1] : "");
        var loaded = new HashSet<string>(StringComparer.Ordinal);
        foreach (string name in options.Keys.Where(name => !modules.HasBuiltIn(name)))
        {
            if (modules.File(name) is null) throw new InvalidOperationException($"The user-mode kernel has no module '{name}' in '{folder}'. Use the kernel of Debian's package user-mode-linux.");
            foreach (string path in modules.Files(name).Where(loaded.Add)) Insert(path, options.GetValueOrDefault(ModuleFolder.Name(path), ""));
        }
    }

    private static void Insert(string path, string options)
    {
        using FileStream file = File.OpenRead(path);
        const int exists = 17;
        if (FinitModule(FinitModuleNumber, (int)file.SafeFileHandle.DangerousGetHandle(), options, 0) != 0 && Marshal.GetLastPInvokeError() != exists)
        {
            throw new InvalidOperationException($"The user-mode kernel does not take its module '{path}': {Marshal.GetLastPInvokeErrorMessage()}.");
        }
    }

    // finit_module(2) has no function of its own in the C library.
    private static readonly nint FinitModuleNumber = RuntimeInformation.ProcessArchitecture switch { Architecture.X64 => 313, Architecture.X86 => 350, _ => 273 };

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint FinitModule(nint number, nint descriptor, string options, nint flags);
}
