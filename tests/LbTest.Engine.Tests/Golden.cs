namespace LbTest.Engine.Tests;

/// <summary>Recorded runs that lie beside the checkout, in shared/golden. They are not part of the project.</summary>
internal static class Golden
{
    /// <summary>The path of a recorded file or folder; null where there are none, which only a CI run may not accept.</summary>
    public static string? Find(string relativePath)
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            string path = Path.Combine(folder.FullName, "shared", "golden", relativePath);
            if (Path.Exists(path))
                return path;
        }

        Assert.False(Environment.GetEnvironmentVariable("CI") == "true", $"shared/golden/{relativePath} is missing, and CI needs it.");
        return null;
    }
}
