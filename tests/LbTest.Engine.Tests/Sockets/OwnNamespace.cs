using System.Diagnostics;
using LbTest.Engine.Sockets;

namespace LbTest.Engine.Tests.Sockets;

/// <summary>A new network namespace, held by a process of its own. A test that wants one is skipped where nobody lets it have one.</summary>
internal sealed class OwnNamespace : IDisposable
{
    private readonly Process _holder;

    internal OwnNamespace()
    {
        Skip.IfNot(OperatingSystem.IsLinux() && Environment.IsPrivilegedProcess, "Only root may enter another network namespace.");
        var start = new ProcessStartInfo("unshare", ["--net", "sh", "-c", "echo ready; exec sleep 1000"]) { RedirectStandardOutput = true, RedirectStandardError = true };
        _holder = Process.Start(start)!;
        bool ready = _holder.StandardOutput.ReadLine() == "ready";
        if (ready) return;
        string said = _holder.StandardError.ReadToEnd();
        Dispose();
        Skip.If(true, $"This machine lets root make no network namespace: {said}");
    }

    internal NetworkNamespace Namespace => new($"/proc/{_holder.Id}/ns/net");

    /// <summary>Its number, as the kernel shows it.</summary>
    internal string Identity => Read(Namespace.Path)!;

    /// <summary>The namespace that the calling thread is in.</summary>
    internal static string Current => Read("/proc/thread-self/ns/net")!;

    /// <summary>Those of all threads of this process.</summary>
    internal static string[] OfAllThreads => [.. Directory.EnumerateDirectories("/proc/self/task").Select(task => Read(task + "/ns/net")).OfType<string>()];

    // Null for a thread that has ended meanwhile.
    private static string? Read(string path)
    {
        try
        {
            return new FileInfo(path).LinkTarget;
        }
        catch (IOException)
        {
            return null;
        }
    }

    public void Dispose()
    {
        _holder.Kill();
        _holder.WaitForExit();
        _holder.Dispose();
    }
}
