using System.Runtime.InteropServices;

namespace LbTest.Clusters.Lab.Kernels;

/// <summary>Finds out whether a folder can hold the memory of a user-mode kernel: a file that is mapped, and executed from.</summary>
internal static partial class MappedFile
{
    private const int ReadExecute = 1 | 4, Shared = 1;

    /// <summary>What is wrong with the folder, as the end of a sentence; null when nothing is.</summary>
    internal static string? Problem(string folder, long bytes)
    {
        try
        {
            if (!Directory.Exists(folder)) return "is not there";
            long free = new DriveInfo(folder).AvailableFreeSpace;
            if (free < bytes) return $"has {free >> 20} MiB free, too few";
            string file = Path.Combine(folder, $"lbtest-{Environment.ProcessId}-{Path.GetRandomFileName()}");
            using FileStream stream = new(file, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, 1, FileOptions.DeleteOnClose);
            stream.SetLength(Environment.SystemPageSize);
            // PROT_READ | PROT_EXEC, as the kernel maps it: mmap(2) refuses that on a file system that is mounted noexec.
            nint mapped = Map(0, (nuint)Environment.SystemPageSize, ReadExecute, Shared, (int)stream.SafeFileHandle.DangerousGetHandle(), 0);
            if (mapped == -1) return "does not let files be executed (noexec)";
            _ = Unmap(mapped, (nuint)Environment.SystemPageSize);
            return null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return "is not writable";
        }
    }

    [LibraryImport("libc", EntryPoint = "mmap")]
    private static partial nint Map(nint address, nuint length, int protection, int flags, int descriptor, nint offset);

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int Unmap(nint address, nuint length);
}
