using System.Diagnostics;

namespace LbTest.Clusters.Tools;

/// <summary>Runs the system's own tools (<c>ip</c>, <c>nft</c>, <c>iptables-restore</c>, …): arguments as an array, input on stdin, never a shell.</summary>
/// <remarks>A child inherits the network namespace of the calling thread; the lab relies on that.</remarks>
public static class Tool
{
    /// <summary>Runs <paramref name="name"/> to its end and returns what it wrote to stdout.</summary>
    /// <param name="name">The tool's name, looked up in PATH and in the sbin folders that an ordinary user's PATH may lack.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="input">What it reads on stdin, or null for nothing.</param>
    /// <param name="goesOn">True for a tool that goes on after an error, and may end with 0 for all that: whatever it says on stderr is a failure.</param>
    /// <exception cref="ToolException">It is not there, or ended with another code than 0.</exception>
    public static string Run(string name, IReadOnlyList<string> arguments, string? input = null, bool goesOn = false)
    {
        string path = Find(name) ?? throw ToolException.Missing(name);
        var start = new ProcessStartInfo(path) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        foreach (string argument in arguments) start.ArgumentList.Add(argument);
        using Process process = Process.Start(start) ?? throw ToolException.Missing(name);
        // stderr and stdin are served beside stdout: a tool that fills one pipe while we wait on another would hang both.
        Task<string> error = process.StandardError.ReadToEndAsync();
        Task write = WriteInput(process, input);
        string output = process.StandardOutput.ReadToEnd();
        write.GetAwaiter().GetResult();
        string errorText = error.GetAwaiter().GetResult();
        process.WaitForExit();
        return process.ExitCode == 0 && !(goesOn && errorText.Length > 0) ? output : throw ToolException.Failed(name, arguments, process.ExitCode, errorText);
    }

    /// <summary>The full path of a tool, or null when this machine lacks it.</summary>
    public static string? Find(string name)
    {
        if (name.Contains('/', StringComparison.Ordinal)) return IsProgram(name) ? name : null;
        // Without any PATH, as a kernel starts its first process, it is what execvp(3) takes it to be.
        IEnumerable<string> folders = (Environment.GetEnvironmentVariable("PATH") ?? "/usr/bin:/bin").Split(':', StringSplitOptions.RemoveEmptyEntries);
        return folders.Concat(["/usr/sbin", "/sbin", "/usr/local/sbin"])
            .Select(folder => Path.Combine(folder, name)).FirstOrDefault(IsProgram);
    }

    private static bool IsProgram(string path) => File.Exists(path)
        && (OperatingSystem.IsWindows() || (File.GetUnixFileMode(path) & (UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute)) != 0);

    private static async Task WriteInput(Process process, string? input)
    {
        try
        {
            if (input is not null) await process.StandardInput.WriteAsync(input).ConfigureAwait(false);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // The tool ended before it read all; its exit code and stderr say why.
        }
    }
}
