using System.Diagnostics;

namespace LbTest.Engine.Tests;

/// <summary>Tools of others that ours must get on with, found on PATH.</summary>
internal static class PublicTool
{
    /// <summary>Starts one with all its streams redirected; where it is not here, the test is skipped.</summary>
    internal static Process Start(string name, params string[] arguments)
    {
        string? tool = Find(name);
        Skip.If(tool is null, $"{name} is not on PATH.");
        return Process.Start(new ProcessStartInfo(tool, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true })!;
    }

    /// <summary>The first on PATH that has one of the names; null where there is none.</summary>
    internal static string? Find(params string[] names) => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
        .SelectMany(folder => names.Select(name => Path.Combine(folder, name))).FirstOrDefault(File.Exists);
}
