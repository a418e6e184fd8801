using System.Runtime.InteropServices;

namespace LbTest.Clusters.Lab;

/// <summary>Mounts inside the sandbox (mount(2), umount(2)).</summary>
internal static partial class Mounts
{
    private const int Binding = 0x1000, Recursive = 0x4000, Shared = 0x100000, Detached = 2;

    /// <summary>Mounts a file system in memory over a folder.</summary>
    /// <exception cref="InvalidOperationException">The kernel refused.</exception>
    internal static void Memory(string folder) => Do("lbtest", folder, "tmpfs", 0, "mode=0755");

    /// <summary>Shows a file or a folder at another place too, which has to be there.</summary>
    /// <exception cref="InvalidOperationException">The kernel refused.</exception>
    internal static void Bind(string what, string where) => Do(what, where, "none", Binding | Recursive, null);

    /// <summary>What is mounted or unmounted in a folder, itself a mount, is so for those that have copies of our mounts.</summary>
    /// <exception cref="InvalidOperationException">The kernel refused.</exception>
    internal static void Share(string folder) => Do("", folder, "none", Shared | Recursive, null);

    /// <summary>Takes a mount away, at once for everybody who does not use it already. None is no error.</summary>
    internal static void Remove(string where) => _ = Unmount(where, Detached);

    private static void Do(string what, string where, string type, nuint flags, string? options)
    {
        if (Mount(what, where, type, flags, options) != 0) throw new InvalidOperationException($"'{what}' could not be mounted at '{where}': {Marshal.GetLastPInvokeErrorMessage()}.");
    }

    [LibraryImport("libc", EntryPoint = "mount", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Mount(string source, string target, string type, nuint flags, string? data);

    [LibraryImport("libc", EntryPoint = "umount2", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Unmount(string target, int flags);
}
