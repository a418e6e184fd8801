using System.IO.Compression;

namespace LbTest.Clusters.Lab.Kernels;

/// <summary>Whether a kernel has a part that may be a module.</summary>
internal enum ModuleState
{
    /// <summary>It is neither there nor installed.</summary>
    Absent,

    /// <summary>It is installed but not loaded.</summary>
    Installed,

    /// <summary>It is loaded.</summary>
    Loaded,

    /// <summary>It is part of the kernel's image.</summary>
    BuiltIn,
}

/// <summary>Which modules the host's kernel has. Only looks: nothing here can make the kernel load one.</summary>
/// <param name="root">Where the machine's files are.</param>
internal sealed class HostModules(string root = "/")
{
    private readonly Lazy<ModuleFolder> _folder = new(() => new ModuleFolder(Path.Combine(root, "lib/modules", ReleaseOf(root))));
    private readonly Lazy<HashSet<string>> _configured = new(() => Configured(root));

    /// <summary>The kernel's release, e.g. <c>6.1.0-9-amd64</c>.</summary>
    internal string Release => ReleaseOf(root);

    /// <summary>True where the kernel may load modules by itself when something asks for them.</summary>
    internal bool MayLoad => File.Exists(Path.Combine(root, "proc/modules")) && Read(Path.Combine(root, "proc/sys/kernel/modules_disabled")).Trim() != "1";

    /// <summary>Looks for a module.</summary>
    /// <param name="name">Its name, e.g. <c>ip_vs_rr</c>.</param>
    /// <param name="option">Its option in the kernel's configuration, e.g. <c>CONFIG_IP_VS_RR</c>.</param>
    internal ModuleState State(string name, string option)
    {
        // A module that was loaded says so (initstate); of those built in only such are here that have parameters.
        string folder = Path.Combine(root, "sys/module", name);
        if (Directory.Exists(folder)) return File.Exists(Path.Combine(folder, "initstate")) ? ModuleState.Loaded : ModuleState.BuiltIn;
        return _folder.Value.HasBuiltIn(name) || _configured.Value.Contains(option) ? ModuleState.BuiltIn : _folder.Value.File(name) is not null ? ModuleState.Installed : ModuleState.Absent;
    }

    // The options that are 'y'. Where nothing says, none is.
    private static HashSet<string> Configured(string root)
    {
        string packed = Path.Combine(root, "proc/config.gz"), plain = Path.Combine(root, $"boot/config-{ReleaseOf(root)}");
        try
        {
            if (!File.Exists(packed)) return [.. BuiltIn(Read(plain))];
            using var text = new StreamReader(new GZipStream(File.OpenRead(packed), CompressionMode.Decompress));
            return [.. BuiltIn(text.ReadToEnd())];
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            return [];
        }

        static IEnumerable<string> BuiltIn(string config) => config.Split('\n').Where(line => line.EndsWith("=y", StringComparison.Ordinal)).Select(line => line[..^2]);
    }

    private static string ReleaseOf(string root) => Read(Path.Combine(root, "proc/sys/kernel/osrelease")).Trim();

    private static string Read(string path)
    {
        try
        {
            return File.Exists(path) ? File.ReadAllText(path) : "";
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }
}
