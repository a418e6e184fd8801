using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using LbTest.Clusters.Prerequisites;
using LbTest.Clusters.Tools;

namespace LbTest.Clusters.Kubernetes.Nodes;

/// <summary>Runs a node's own tools from a pod that shares the node's processes and network: the node has the tools that fit its kernel, kube-proxy's container those that kube-proxy uses.</summary>
public static partial class NodeTool
{
    /// <summary>The node's files, for a pod that shares its processes.</summary>
    internal const string NodeRoot = "/proc/1/root";

    private static readonly string[] Folders = ["usr/sbin", "sbin", "usr/local/sbin", "usr/bin", "bin", "usr/local/bin"];

    /// <summary>Becomes the tool: with the files where it was found as its root, in the node's network. Returns only by an exception.</summary>
    /// <param name="command">The tool and its arguments.</param>
    /// <param name="proxyFirst">True looks into kube-proxy's container first: its iptables is the variant that wrote the rules.</param>
    /// <exception cref="InvalidOperationException">It is nowhere, or cannot be started.</exception>
    [SupportedOSPlatform("linux")]
    public static void Become(IReadOnlyList<string> command, bool proxyFirst)
    {
        ArgumentNullException.ThrowIfNull(command);
        (string root, string path) = Find(command[0], proxyFirst)
            ?? throw new InvalidOperationException($"The tool '{command[0]}' is neither on this node nor in kube-proxy's container. Install it on the node: {ToolException.Remedy(command[0])}.");
        if (ChangeRoot(root) != 0 || ChangeFolder("/") != 0) throw new InvalidOperationException($"'{root}' cannot be entered: {Marshal.GetLastPInvokeErrorMessage()}. The pod has to be privileged.");
        string?[] environment = ["PATH=/usr/sbin:/sbin:/usr/local/sbin:/usr/bin:/bin:/usr/local/bin", "LC_ALL=C", null];
        _ = Execute(path, [path, .. command.Skip(1), null], environment);
        throw new InvalidOperationException($"'{path}' in '{root}' cannot be started: {Marshal.GetLastPInvokeErrorMessage()}.");
    }

    /// <summary>What mode IPVS and nftables need of the node that this pod is on. Changes nothing.</summary>
    public static ImmutableArray<Prerequisite> Prerequisites(IReadOnlyCollection<Lab.Dataplanes.ProxyMode> modes) => [.. NodeNeeds.Of(modes, NodeRoot, tool => Find(tool, proxyFirst: false)?.Path)];

    /// <summary>Where a tool is; null where nobody has it.</summary>
    private static (string Root, string Path)? Find(string tool, bool proxyFirst)
    {
        string[] proxies = [.. Proxies()];
        string[] roots = proxyFirst ? [.. proxies, NodeRoot] : [NodeRoot, .. proxies];
        foreach (string root in roots)
        {
            if (Folders.Select(folder => $"/{folder}/{tool}").FirstOrDefault(path => IsThere(root + path)) is { } found) return (root, found);
        }

        return null;
    }

    private static IEnumerable<string> Proxies()
    {
        foreach (string process in Directory.EnumerateDirectories("/proc").Where(folder => char.IsAsciiDigit(folder["/proc/".Length])))
        {
            string name;
            try
            {
                name = File.ReadAllText(Path.Combine(process, "comm")).Trim();
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                // It has ended meanwhile.
                continue;
            }

            if (name == ProxyModeReport.KubeProxy) yield return Path.Combine(process, "root");
        }
    }

    // A link may lead to where only that root has something.
    private static bool IsThere(string path)
    {
        try
        {
            return new FileInfo(path) is var file && (file.LinkTarget is not null || file.Exists);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    [LibraryImport("libc", EntryPoint = "chroot", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int ChangeRoot(string path);

    [LibraryImport("libc", EntryPoint = "chdir", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int ChangeFolder(string path);

    [LibraryImport("libc", EntryPoint = "execve", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Execute(string path, string?[] arguments, string?[] environment);
}
