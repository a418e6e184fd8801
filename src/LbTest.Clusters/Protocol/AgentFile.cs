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
        return File.Exists(file) ? file
            : throw new FileNotFoundException($"The agent is not where it should be, '{file}'. Build it with './bootstrap.sh', or name it in LBTEST_AGENT.");
    }

    /// <summary>The folder that holds the agents of all platforms; set by the module, which knows where it was loaded from.</summary>
    public static string? Folder { get; set; }
}
