using System.Collections.Immutable;
using System.Diagnostics;
using System.Net;
using LbTest.Clusters.Lab;
using LbTest.Clusters.Lab.Dataplanes;
using LbTest.Engine.Connect;

namespace LbTest.Clusters.Tests.Lab;

/// <summary>Real labs for tests: starts them, runs connect tests in them, and looks for what they leave.</summary>
internal static class LabFixture
{
    private static int s_number;

    /// <summary>The agent that the labs run, as the build published it; a test is skipped where there is none, or no lab can be.</summary>
    internal static void Require()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "labs need Linux");
        if (Environment.GetEnvironmentVariable("LBTEST_AGENT") is null) Environment.SetEnvironmentVariable("LBTEST_AGENT", PublishedAgent());
        Skip.If(Environment.GetEnvironmentVariable("LBTEST_AGENT") is null, "the agent has not been built: run './bootstrap.sh build'");
        Prerequisites.Prerequisite? missing = s_prerequisites.Value.FirstOrDefault(p => p.Mode != "Ipvs" && !p.Present);
        Skip.If(missing is not null, $"this machine lacks {missing?.Name} for {missing?.Mode}: {missing?.Remedy}");
    }

    private static readonly Lazy<ImmutableArray<Prerequisites.Prerequisite>> s_prerequisites = new(Prerequisites.PrerequisiteCheck.All);

    internal static bool IsRoot => Environment.UserName == "root";

    internal static LabSpec Spec(ProxyMode mode = ProxyMode.Nftables, int nodes = 3, int endpoints = 6) => new()
    {
        Name = $"test-{Environment.ProcessId}-{Interlocked.Increment(ref s_number)}", ProxyMode = mode, NodeCount = nodes, EndpointCount = endpoints,
    };

    internal static ConnectRequest Request(long count, VantagePoint from = VantagePoint.External, ServiceTarget to = ServiceTarget.LoadBalancer, bool ipv6 = false) => new()
    {
        From = from, To = to, IPv6 = ipv6, Plan = new ConnectPlan { Target = new IPEndPoint(IPAddress.Any, 0), Count = count, Seed = 1 },
    };

    internal static Task<ConnectResult> Connect(this LabCluster lab, ConnectRequest request, CancellationToken cancel = default) => lab.ConnectAsync(request, null, cancel);

    /// <summary>The processes of an attached lab: unshare, which holds the sandbox, and the agent, its child.</summary>
    internal static int[] Processes(this LabCluster lab)
    {
        int holder = lab.SandboxProcessId;
        IEnumerable<string> children = Directory.EnumerateDirectories($"/proc/{holder}/task").SelectMany(task =>
            File.ReadAllText(task + "/children").Split(' ', StringSplitOptions.RemoveEmptyEntries));
        return [holder, .. children.Select(pid => int.Parse(pid, System.Globalization.CultureInfo.InvariantCulture))];
    }

    /// <summary>True once none of the processes is there any more; waits up to five seconds for the kernel to take them down.</summary>
    internal static bool AllGone(IEnumerable<int> processes)
    {
        for (int turn = 0; turn < 100; turn++)
        {
            if (!processes.Any(pid => CommandLine(pid).Contains("lab\0init", StringComparison.Ordinal))) return true;
            Thread.Sleep(50);
        }

        return false;
    }

    internal static void Kill(int pid)
    {
        try
        {
            using Process process = Process.GetProcessById(pid);
            process.Kill();
        }
        catch (Exception exception) when (exception is ArgumentException or InvalidOperationException)
        {
            // It was taken down together with one that was killed before it.
        }
    }

    /// <summary>Runs a command to its end; returns its exit code and everything it printed.</summary>
    internal static (int ExitCode, string Output) Run(params string[] command)
    {
        var start = new ProcessStartInfo(command[0], command[1..]) { RedirectStandardOutput = true, RedirectStandardError = true };
        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd() + error.Result;
        process.WaitForExit();
        return (process.ExitCode, output);
    }

    internal static string Agent => Environment.GetEnvironmentVariable("LBTEST_AGENT")!;

    /// <summary>A copy of the agent where every user can read and run it, in a folder of its own: the checkout may be root's alone.</summary>
    internal static string AgentForOthers()
    {
        string folder = Directory.CreateTempSubdirectory("lbtest-agent-").FullName, agent = Path.Combine(folder, "lbtest");
        File.Copy(Agent, agent);
        if (!OperatingSystem.IsWindows())
        {
            foreach (string path in new[] { folder, agent }) File.SetUnixFileMode(path, (UnixFileMode)0b111_101_101);
        }

        return agent;
    }

    private static string CommandLine(int pid)
    {
        try
        {
            return File.ReadAllText($"/proc/{pid}/cmdline");
        }
        catch (IOException)
        {
            return "";
        }
    }

    private static string? PublishedAgent()
    {
        for (string? folder = AppContext.BaseDirectory; folder is not null; folder = Path.GetDirectoryName(folder))
        {
            string bin = Path.Combine(folder, "output", "LbTest", "bin");
            if (Directory.Exists(bin)) return Directory.EnumerateFiles(bin, "lbtest", SearchOption.AllDirectories).FirstOrDefault();
        }

        return null;
    }
}
