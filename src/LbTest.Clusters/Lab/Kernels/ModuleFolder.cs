namespace LbTest.Clusters.Lab.Kernels;

/// <summary>The folder of a kernel's modules, as depmod(8) describes it in <c>modules.dep</c> and <c>modules.builtin</c>.</summary>
internal sealed class ModuleFolder
{
    private readonly string _path;
    private readonly Dictionary<string, string[]> _files = new(StringComparer.Ordinal);
    private readonly HashSet<string> _builtIn = new(StringComparer.Ordinal);

    /// <summary>Reads what is there; a folder that is not there has no modules.</summary>
    internal ModuleFolder(string path)
    {
        _path = path;
        foreach (string line in Lines("modules.dep"))
        {
            int colon = line.IndexOf(':', StringComparison.Ordinal);
            // "file: dependencies", the nearest one first.
            if (colon > 0) _files[Name(line[..colon])] = [line[..colon], .. line[(colon + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries)];
        }

        foreach (string line in Lines("modules.builtin")) _ = _builtIn.Add(Name(line));
    }

    /// <summary>True when the kernel has a module in its image.</summary>
    internal bool HasBuiltIn(string name) => _builtIn.Contains(name);

    /// <summary>The file of a module; null when it is not installed.</summary>
    internal string? File(string name) => _files.TryGetValue(name, out string[]? files) && Path.Combine(_path, files[0]) is var file && System.IO.File.Exists(file) ? file : null;

    /// <summary>The files of a module and of what it depends on, in the order in which they have to be loaded; empty when it is not installed.</summary>
    internal IEnumerable<string> Files(string name) => _files.TryGetValue(name, out string[]? files) ? files.Reverse().Select(file => Path.Combine(_path, file)) : [];

    /// <summary>The module that a file holds: of <c>kernel/net/netfilter/ipvs/ip_vs_rr.ko.xz</c> it is <c>ip_vs_rr</c>. In names of files '-' and '_' are the same.</summary>
    internal static string Name(string path)
    {
        string file = path[(path.LastIndexOf('/') + 1)..];
        int dot = file.IndexOf('.', StringComparison.Ordinal);
        return (dot < 0 ? file : file[..dot]).Replace('-', '_');
    }

    private string[] Lines(string file)
    {
        string path = Path.Combine(_path, file);
        return System.IO.File.Exists(path) ? System.IO.File.ReadAllLines(path) : [];
    }
}
