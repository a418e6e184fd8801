using System.Globalization;
using System.Text.RegularExpressions;
using LbTest.Clusters.Protocol;
using LbTest.Clusters.Tools;
using LbTest.Engine;

namespace LbTest.Clusters.Lab.Kernels;

/// <summary>How a user-mode kernel is started: from which file, with how much memory, where its memory lies, and what went wrong when it ends at once.</summary>
public static partial class UserModeKernel
{
    /// <summary>The program of Debian's and Ubuntu's package user-mode-linux.</summary>
    public const string Program = "linux.uml";

    /// <summary>Where that package keeps the kernel's modules, in a folder for its version.</summary>
    public const string ModulesFolder = "/usr/lib/uml/modules";

    /// <summary>What the agent inside says first, when its line is set up.</summary>
    internal static ReadOnlySpan<byte> Ready => "\u0002lbtest ready\n"u8;

    /// <summary>Two seconds are usual.</summary>
    internal static readonly TimeSpan LongestBoot = TimeSpan.FromSeconds(60);

    private const long MiB = 1 << 20;

    /// <summary>The memory of a kernel for this lab, in bytes. It is taken from the host as it is used.</summary>
    public static long Memory(LabSpec spec)
    {
        ArgumentNullException.ThrowIfNull(spec);
        return (512 + spec.Placement.Length + (spec.Placement.Sum() / 2)) * MiB;
    }

    /// <summary>What a lab really takes of that, about.</summary>
    public static long UsedMemory(LabSpec spec) => Memory(spec) / 3;

    /// <summary>The folder that its memory file lies in: of those for temporary files the first that is writable, has room and lets files be executed.</summary>
    /// <returns>The folder; null when there is none, and then what is wrong with each.</returns>
    public static (string? Folder, string Problem) MemoryFolder(long bytes)
    {
        var problems = new List<string>();
        // The kernel's own order, without those that are on a disk at first: a file in memory is never written to one.
        string[] folders = [Environment.GetEnvironmentVariable("TMPDIR") ?? "", "/dev/shm", "/tmp", "/var/tmp"];
        foreach (string folder in folders.Where(folder => folder.Length > 0).Distinct())
        {
            if (MappedFile.Problem(folder, bytes) is not { } problem) return (folder, "");
            problems.Add($"{folder} {problem}");
        }

        return (null, string.Join(", ", problems));
    }

    /// <summary>The command that boots a kernel with the agent as its first process.</summary>
    /// <param name="spec">The lab.</param>
    /// <param name="folder">A folder, made for it, for its control socket.</param>
    /// <exception cref="ToolException">The kernel or a tool is missing.</exception>
    /// <exception cref="InvalidOperationException">There is no memory for it.</exception>
    internal static IReadOnlyList<string> Command(LabSpec spec, out string folder)
    {
        string kernel = Tool.Find(Program) ?? throw ToolException.Missing(Program);
        long memory = Memory(spec);
        string agent = AgentFile.Find();
        PlanException.Require(!agent.Contains('"', StringComparison.Ordinal), "LBTEST_AGENT", agent, "has a quotation mark, which the command line of a kernel cannot carry", "Move it to another folder");
        long available = AvailableMemory(), used = UsedMemory(spec);
        if (available < used) throw new InvalidOperationException($"There is no memory for a user-mode kernel: it takes about {used / MiB} MiB, and {available / MiB} MiB are available. End something, or start a smaller lab.");
        (string? place, string problem) = MemoryFolder(memory);
        if (place is null) throw new InvalidOperationException($"There is no folder for the memory file of a user-mode kernel ({memory / MiB} MiB): {problem}. Set TMPDIR to a folder where files can be executed, with room, best in memory (tmpfs).");
        folder = Path.Combine(place, $"lbtest-{Environment.ProcessId}-{Path.GetRandomFileName()}");
        _ = Directory.CreateDirectory(folder);
        // The kernel's own stdin and stdout are the agent's line; what it says at boot goes to stderr, and so does its console.
        const string wiring = "ulimit -c 0; exec \"$@\" 3<&0 4>&1 >&2 </dev/null";
        // Before the runtime starts it needs /proc. A first process may have 4,096 descriptors unless it asks for more.
        const string first = "mount -t proc proc /proc; ulimit -n 1048576; set -f; IFS=; { stty raw -echo; exec $LBTEST_AGENT lab init --guest; } </dev/ttyS0 >/dev/ttyS0";
        // Three quarters of its boot would be a second in which it measures algorithms for RAID and the making of 512 terminals of an old kind.
        string[] quick = ["initcall_blacklist=raid6_select_algo", "pty.legacy_count=0"];
        return
        [
            "env", $"TMPDIR={place}", "sh", "-c", wiring, "sh", kernel, $"mem={memory / MiB}M", "root=/dev/root", "rootfstype=hostfs", "rootflags=/", "ro", "quiet", "loglevel=2", .. quick,
            $"uml_dir={folder}/", "con=null", "con0=null,fd:2", "ssl=null", "ssl0=fd:3,fd:4", $"LBTEST_AGENT=\"{agent}\"", "DOTNET_EnableDiagnostics=0", "init=/bin/sh", "--", "-c", $"\"{first}\"",
        ];
    }

    /// <summary>Says in words why it ended, from what it said.</summary>
    internal static string Explain(string said)
    {
        string[] lines = [.. said.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(line => Level().Replace(line, ""))];
        if (lines.Any(line => line.Contains("noexec", StringComparison.Ordinal))) return "The user-mode kernel could not start: its memory file lies in a folder that is mounted noexec. Set TMPDIR to another one.";
        if (lines.Any(line => line.Contains("errno = -12", StringComparison.Ordinal))) return "The user-mode kernel could not start: it got no memory (a limit such as 'ulimit -v', or the machine has none left).";
        if (lines.Any(line => line.Contains("Bus error", StringComparison.Ordinal) || line.Contains("Out of memory", StringComparison.Ordinal)))
            return "The user-mode kernel ran out of memory: the folder of its memory file is full, or the lab is too large for it. Make room, set TMPDIR to another folder, or start a smaller lab.";
        string? panic = lines.FirstOrDefault(line => line.StartsWith("Kernel panic", StringComparison.Ordinal));
        string[] rest = panic is null ? [.. lines.Where(line => !Usual().IsMatch(line)).TakeLast(4)] : [panic];
        return rest.Length == 0 ? "The user-mode kernel is gone: it was killed, or the lab was stopped." : $"The user-mode kernel is gone. It said: {string.Join(" / ", rest)}";
    }

    /// <summary>The memory that this machine has left, in bytes.</summary>
    internal static long AvailableMemory()
    {
        string? line = File.ReadLines("/proc/meminfo").FirstOrDefault(line => line.StartsWith("MemAvailable:", StringComparison.Ordinal));
        return line is null ? long.MaxValue : long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) * 1024;
    }

    // A log level, as messages of the kernel begin with when it gives all of them out at its end.
    [GeneratedRegex("^<[0-7]>")]
    private static partial Regex Level();

    // What it says at any boot or end.
    [GeneratedRegex("^(reboot: |sysrq: |random: |kmsg_dump:|$)")]
    private static partial Regex Usual();
}
