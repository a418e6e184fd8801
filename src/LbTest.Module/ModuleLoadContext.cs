using System.Reflection;
using System.Runtime.Loader;

namespace LbTest.Loading;

/// <summary>Loads the cmdlets and all they need from the module's own folder, out of sight of the rest of the session.</summary>
/// <remarks>What is not in that folder comes from the session: the framework and PowerShell itself.</remarks>
public sealed class ModuleLoadContext : AssemblyLoadContext
{
    private static readonly Lazy<Assembly> LoadedCmdlets = new(() => new ModuleLoadContext().LoadFromAssemblyName(new AssemblyName("LbTest.Cmdlets")));

    private readonly string _folder = Path.GetDirectoryName(typeof(ModuleLoadContext).Assembly.Location)!;

    private ModuleLoadContext() : base("LbTest")
    {
    }

    /// <summary>The assembly of the cmdlets; the same one however often the module is imported.</summary>
    public static Assembly Cmdlets => LoadedCmdlets.Value;

    /// <inheritdoc/>
    protected override Assembly? Load(AssemblyName assemblyName)
    {
        ArgumentNullException.ThrowIfNull(assemblyName);
        string file = Path.Combine(_folder, assemblyName.Name + ".dll");
        return File.Exists(file) ? LoadFromAssemblyPath(file) : null;
    }
}
