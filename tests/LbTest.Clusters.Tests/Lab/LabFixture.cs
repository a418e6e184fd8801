using System.Collections.Immutable;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using LbTest.Clusters.Lab;
using LbTest.Clusters.Lab.Dataplanes;
using LbTest.Clusters.Lab.Kernels;
using LbTest.Engine.Connect;
using LbTest.Engine.Disturbances;
using LbTest.Engine.Sockets;
using LbTest.Engine.Traffic;

namespace LbTest.Clusters.Tests.Lab;

/// <summary>Real labs for tests: starts them, runs connect tests in them, and looks for what they leave.</summary>
internal static class LabFixture
{
    private static int s_number;

    /// <summary>The agent that the labs run, as the build published it; a test is skipped where there is none, or no lab can be.</summary>
    internal static void Require()
    {
        RequireAgent();
        Prerequisites.Prerequisite? missing = s_prerequisites.Value.FirstOrDefault(p => !p.Present && !p.Optional);
        Skip.If(missing is not null, $"this machine lacks {missing?.Name} for {missing?.Mode}: {missing?.Remedy}");
    }

    /// <summary>The variant of iptables that labs of this user have on the host's kernel; its programs' names begin so.</summary>
    internal static string Iptables(AddressFamily family) => IptablesDataplane.Name(family, preferLegacy: !Environment.IsPrivilegedProcess);

    /// <summary>What labs on any kernel need.</summary>
    internal static void RequireAgent()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "labs need Linux");
        if (Environment.GetEnvironmentVariable("LBTEST_AGENT") is null) Environment.SetEnvironmentVariable("LBTEST_AGENT", PublishedAgent());
        Skip.If(Environment.GetEnvironmentVariable("LBTEST_AGENT") is null, "the agent has not been built: run './bootstrap.sh build'");
    }

    private static readonly Lazy<ImmutableArray<Prerequisites.Prerequisite>> s_prerequisites = new(() => Prerequisites.PrerequisiteCheck.Of([ProxyMode.Iptables, ProxyMode.Nftables], LabKernel.Host));

    internal static bool IsRoot => Environment.UserName == "root";

    internal static LabSpec Spec(ProxyMode mode = ProxyMode.Nftables, int nodes = 3, int endpoints = 6) => new()
    {
        Name = $"test-{Environment.ProcessId}-{Interlocked.Increment(ref s_number)}", ProxyMode = mode, NodeCount = nodes, EndpointCount = endpoints,
    };

    /// <summary>Starts a lab, by default of three nodes and six endpoints; skips the test where none can be.</summary>
    internal static Task<LabCluster> StartAsync(LabSpec? spec = null)
    {
        Require();
        return LabCluster.StartAsync(spec ?? Spec());
    }

    /// <summary>Every way through a cluster: from every vantage point of its own to every address, in both families and protocols.</summary>
    internal static IEnumerable<(VantagePoint From, ServiceTarget To, bool IPv6, TransportProtocol Protocol)> Ways() =>
        from vantage in new[] { VantagePoint.External, VantagePoint.Node, VantagePoint.Pod }
        from target in new[] { ServiceTarget.LoadBalancer, ServiceTarget.ClusterIP, ServiceTarget.NodePort, ServiceTarget.Endpoint }
        from ipv6 in new[] { false, true }
        from protocol in Enum.GetValues<TransportProtocol>()
        select (vantage, target, ipv6, protocol);

    internal static ConnectRequest Request(long count, VantagePoint from = VantagePoint.External, ServiceTarget to = ServiceTarget.LoadBalancer, bool ipv6 = false) => new()
    {
        From = from, To = to, IPv6 = ipv6, Plan = new ConnectPlan { Target = new IPEndPoint(IPAddress.Any, 0), Count = count, Seed = 1 },
    };

    /// <summary>A traffic test of 20 connections, ten packets a second on each.</summary>
    internal static TrafficRequest Traffic(double seconds, params Disturbance[] disturbances) => new()
    {
        Disturbances = [.. disturbances],
        Plan = new TrafficPlan
        {
            Target = new IPEndPoint(IPAddress.Any, 0), Connections = 20, PacketsPerSecond = 200, PacketSize = 100, Duration = TimeSpan.FromSeconds(seconds), Seed = 1,
            ResponseTimeout = TimeSpan.FromSeconds(1), ConnectTimeout = TimeSpan.FromSeconds(0.5),
        },
    };

    internal static Disturbance Disturb(DisturbanceKind kind, double at, params string[] names) => new() { Kind = kind, At = TimeSpan.FromSeconds(at), Name = [.. names] };

    internal static Task<TrafficResult> Traffic(this LabCluster lab, TrafficRequest request, IProgress<TrafficProgress>? progress = null, CancellationToken cancel = default) =>
        lab.TrafficAsync(request, progress, cancel);

    /// <summary>Runs a shell script in the lab's mount namespace and in the network namespace of one of its places.</summary>
    internal static string Inside(this LabCluster lab, string place, string script)
    {
        string agent = lab.Processes()[1].ToString(System.Globalization.CultureInfo.InvariantCulture);
        string[] user = IsRoot ? [] : ["--user", "--preserve-credentials"];
        (int exit, string said) = Run(["nsenter", "-t", agent, "-m", .. user, "nsenter", $"--net=/run/netns/{place}", "sh", "-c", $"PATH=$PATH:/usr/sbin:/sbin\n{script}"]);
        Assert.True(exit == 0, said);
        return said;
    }

    /// <summary>All that disturbances may change, place by place: rules without their counters, queueing disciplines, next hops, links.</summary>
    internal static string Look(this LabCluster lab) => lab.Inside(LabTopology.Router, """
        for place in $(ls /run/netns); do
            echo "== $place"
            nsenter --net=/run/netns/$place sh -c '
                nft list ruleset | sed -E "s/packets [0-9]+ bytes [0-9]+//"; tc qdisc show; ip nexthop | sort
                ip -o link | cut -d: -f2'
        done
        """);

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
