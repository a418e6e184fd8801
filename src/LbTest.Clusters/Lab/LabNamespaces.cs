using System.Runtime.InteropServices;

namespace LbTest.Clusters.Lab;

/// <summary>The network namespaces of a lab, each with a name in /run/netns, as ip-netns(8) keeps and finds them.</summary>
internal static partial class LabNamespaces
{
    private const string Folder = "/run/netns";

    internal static NetworkNamespace Of(string name) => new($"{Folder}/{name}");

    /// <summary>Makes new ones.</summary>
    /// <param name="names">Their names.</param>
    /// <param name="prepare">Called inside each.</param>
    /// <exception cref="IOException">A name is taken.</exception>
    /// <exception cref="InvalidOperationException">The kernel refused.</exception>
    internal static void Add(IEnumerable<string> names, Action prepare) => _ = new NetworkNamespace("/proc/self/ns/net").Run(() =>
    {
        if (!Directory.Exists(Folder))
        {
            _ = Directory.CreateDirectory(Folder);
            Mounts.Bind(Folder, Folder);
            Mounts.Share(Folder);
        }

        foreach (string name in names)
        {
            string path = Of(name).Path;
            File.OpenHandle(path, FileMode.CreateNew, FileAccess.Write).Dispose();
            // The thread is in the new one then; in the end it goes back to where it was.
            const int network = 0x40000000;
            if (Unshare(network) != 0) throw new InvalidOperationException($"The network namespace '{name}' could not be made: {Marshal.GetLastPInvokeErrorMessage()}.");
            Mounts.Bind("/proc/thread-self/ns/net", path);
            prepare();
        }

        return true;
    });

    /// <summary>Takes one away: it goes when nobody is in it any more. One that is not there is passed over.</summary>
    internal static void Remove(string name)
    {
        string path = Of(name).Path;
        if (!File.Exists(path)) return;
        Mounts.Remove(path);
        File.Delete(path);
    }

    [LibraryImport("libc", EntryPoint = "unshare", SetLastError = true)]
    private static partial int Unshare(int flags);
}
