using System.Diagnostics;
using System.Globalization;
using System.Net;
using LbTest.Engine.Connect;
using LbTest.Engine.Results;

namespace LbTest.Agent.Tests;

/// <summary>What a run of the agent left behind.</summary>
internal sealed record Outcome(int ExitCode, string Output, string Error)
{
    internal ConnectResult Result
    {
        get
        {
            Assert.True(Output.StartsWith('{'), $"No JSON but '{Output}' and '{Error}'.");
            ConnectResult result = ResultJson.Read(Output);
            Assert.Equal(result.Requested, result.Connections + result.Failed + result.Unfinished);
            return result;
        }
    }

    /// <summary>Bad input: exit code 2, and one line that says what is wrong, without a stack trace.</summary>
    internal void AssertRefused(params string[] mentions)
    {
        Assert.Equal((2, ""), (ExitCode, Output));
        string line = Assert.Single(Error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.StartsWith("lbtest: ", line, StringComparison.Ordinal);
        Assert.All(mentions, mention => Assert.Contains(mention, line, StringComparison.Ordinal));
    }
}

/// <summary>Runs the agent as a user does: as a process of its own.</summary>
internal static class Lbtest
{
    /// <summary>Against hangs only; no test waits this long when all is well.</summary>
    internal static readonly TimeSpan Guard = TimeSpan.FromSeconds(60);

    /// <summary>How to start the agent: the runtime that runs the tests, and the agent's file.</summary>
    internal static string[] CommandLine { get; } =
    [
        // Whoever runs the tests in the background has them ignore Ctrl+C, and so would the agent.
        .. OperatingSystem.IsLinux() ? new[] { "env", "--default-signal=INT" } : [], Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", Path.Combine(AppContext.BaseDirectory, "lbtest.dll"),
    ];

    internal static Task<Outcome> RunAsync(params string[] arguments) => EndAsync(Start(arguments));

    /// <summary>Runs a shell script in which <c>lbtest</c> is the agent; <paramref name="wrapper"/> runs the shell.</summary>
    internal static Task<Outcome> ShellAsync(string script, params string[] wrapper)
    {
        string function = $"lbtest() {{ '{string.Join("' '", CommandLine)}' \"$@\"; }}\n";
        return EndAsync(StartProcess([.. wrapper, "sh", "-c", function + script]));
    }

    internal static Process Start(params string[] arguments) => StartProcess([.. CommandLine, .. arguments]);

    internal static async Task<Outcome> EndAsync(Process process)
    {
        using (process)
        {
            try
            {
                process.StandardInput.Close();
                Task<string> output = process.StandardOutput.ReadToEndAsync(), error = process.StandardError.ReadToEndAsync();
                await Task.WhenAll(output, error, process.WaitForExitAsync()).WaitAsync(Guard);
                return new Outcome(process.ExitCode, await output, await error);
            }
            finally
            {
                if (!process.HasExited) process.Kill(entireProcessTree: true);
            }
        }
    }

    /// <summary>Waits for the server's "ready" line.</summary>
    internal static async Task<Process> ServeAsync(IPEndPoint address, string name, params string[] more)
    {
        Process server = Start(["serve", "--address", address.ToString(), "--name", name, .. more]);
        Assert.Equal($"ready: {name} on {address}", await server.StandardOutput.ReadLineAsync().WaitAsync(Guard));
        return server;
    }

    internal static void Signal(this Process process, string signal)
    {
        using Process kill = Process.Start("kill", [signal, process.Id.ToString(CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
        Assert.Equal(0, kill.ExitCode);
    }

    internal static Process StartProcess(string[] command) => Process.Start(new ProcessStartInfo(command[0], command[1..])
    {
        RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
    })!;
}
