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
        if (!File.Exists(file)) throw new FileNotFoundException($"The agent is not where it should be, '{file}'. This package has none for this platform, or it was not built: './bootstrap.sh build' builds it, LBTEST_AGENT names another.");
        return Executable(file);
    }

    // A module that was installed from a package has lost the mode of its files. Its owner gets it back; another user, or one of a read-only
    // file system, a copy of his own, once for each version of the file.
    private static string Executable(string file)
    {
        const UnixFileMode execute = UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;
        if (OperatingSystem.IsWindows() || (File.GetUnixFileMode(file) & execute) == execute) return file;
        try
        {
            File.SetUnixFileMode(file, File.GetUnixFileMode(file) | execute);
            return file;
        }
        catch (Exception exception) when (exception is UnauthorizedAccessException or IOException)
        {
            string folder = Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.Create), "lbtest",
                File.GetLastWriteTimeUtc(file).Ticks.ToString(System.Globalization.CultureInfo.InvariantCulture));
            string copy = Path.Combine(folder, "lbtest"), half = $"{copy}.{Environment.ProcessId}";
            if (File.Exists(copy)) return copy;
            _ = Directory.CreateDirectory(folder);
            File.Copy(file, half, overwrite: true);
            File.SetUnixFileMode(half, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            File.Move(half, copy, overwrite: true);
            return copy;
        }
    }

    /// <summary>The folder that holds the agents of all platforms; set by the module, which knows where it was loaded from.</summary>
    public static string? Folder { get; set; }
}
