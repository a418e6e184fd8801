using System.Runtime.InteropServices;

namespace LbTest.Clusters.Protocol;

/// <summary>Finds the agent's executable file, <c>lbtest</c>.</summary>
public static class AgentFile
{
    /// <summary>
    /// The agent: this very process if it is one, else what LBTEST_AGENT names, else the file beside our own assemblies, as the module and
    /// the build lay it out (<c>bin/&lt;rid&gt;/lbtest</c>).
    /// </summary>
    /// <exception cref="FileNotFoundException">It is nowhere there.</exception>
    public static string Find()
    {
        if (Environment.GetEnvironmentVariable("LBTEST_AGENT") is { Length: > 0 } named)
        {
            return File.Exists(named) ? Path.GetFullPath(named) : throw new FileNotFoundException($"LBTEST_AGENT names '{named}', which does not exist. Correct or unset it.");
        }

        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "lbtest") return Environment.ProcessPath!;
        string folder = Folder ?? AppContext.BaseDirectory;
        string platform = $"{(OperatingSystem.IsMacOS() ? "osx" : "linux")}-{RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant()}";
        string file = Path.Combine(folder, platform, "lbtest");
        if (!File.Exists(file)) throw new FileNotFoundException($"The agent is not where it should be, '{file}'. Build it with './bootstrap.sh build', or name it in LBTEST_AGENT.");
        MakeExecutable(file);
        return file;
    }

    // A module that was installed from a package has lost the mode of its files.
    private static void MakeExecutable(string file)
    {
        const UnixFileMode execute = UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;
        if (OperatingSystem.IsWindows() || (File.GetUnixFileMode(file) & execute) != 0) return;
        try
        {
            File.SetUnixFileMode(file, File.GetUnixFileMode(file) | execute);
        }
        catch (UnauthorizedAccessException exception)
        {
            throw new UnauthorizedAccessException($"The agent '{file}' may not be executed, and is not yours to change. Let its owner run: chmod +x '{file}'.", exception);
        }
    }

    /// <summary>The folder that holds the agents of all platforms; set by the module, which knows where it was loaded from.</summary>
    public static string? Folder { get; set; }
}
