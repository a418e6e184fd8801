using System.Runtime.CompilerServices;

namespace LbTest.Engine.Tests.Results;

/// <summary>Files of this project itself.</summary>
internal static class Checkout
{
    /// <summary>The full path of a file or folder given by its path in the project.</summary>
    internal static string PathOf(string relativePath, [CallerFilePath] string caller = "")
    {
        // From the build output upwards; from the sources where the output lies elsewhere.
        foreach (string start in new[] { AppContext.BaseDirectory, Path.GetDirectoryName(caller)! })
        {
            for (DirectoryInfo? folder = new(start); folder is not null; folder = folder.Parent)
            {
                if (File.Exists(Path.Combine(folder.FullName, "LbTest.slnx"))) return Path.Combine(folder.FullName, relativePath);
            }
        }

        throw new DirectoryNotFoundException("The tests do not run from a checkout.");
    }
}
