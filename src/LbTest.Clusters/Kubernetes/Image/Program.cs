using System.Buffers.Binary;
using System.Text;
using LbTest.Clusters.Tools;

namespace LbTest.Clusters.Kubernetes.Image;

/// <summary>An executable file of Linux (ELF), and what it needs of the machine that it runs on.</summary>
/// <param name="File">Its path.</param>
/// <param name="Architecture">For which processors it is, in the words of images: <c>amd64</c>, <c>arm64</c>.</param>
/// <param name="Loader">What loads its shared libraries, by the path that the kernel looks for; null for one that is linked statically.</param>
internal sealed record Program(string File, string Architecture, string? Loader)
{
    private const int HeaderSize = 64, InterpreterSegment = 3;

    // Loaded by name and not by a reference, where the C library still has them as files of their own: they resolve names and users.
    private static readonly string[] LoadedByName = ["libnss_files.so.2", "libnss_dns.so.2", "libresolv.so.2", "libgcc_s.so.1"];

    /// <summary>Reads a file's headers (elf(5)).</summary>
    /// <exception cref="PlatformNotSupportedException">It is no program for 64-bit Linux on a PC or an ARM machine.</exception>
    internal static Program Read(string file)
    {
        using FileStream stream = System.IO.File.OpenRead(file);
        Span<byte> header = stackalloc byte[HeaderSize];
        bool elf = stream.ReadAtLeast(header, HeaderSize, throwOnEndOfStream: false) == HeaderSize && header.StartsWith("\u007fELF"u8) && header[4] == 2 && header[5] == 1;
        string? architecture = !elf ? null : BinaryPrimitives.ReadUInt16LittleEndian(header[18..]) switch { 62 => "amd64", 183 => "arm64", _ => null };
        if (architecture is null) throw new PlatformNotSupportedException($"'{file}' is no program for Linux on amd64 or arm64, so no image can be made of it. Make the image on Linux.");
        long table = BinaryPrimitives.ReadInt64LittleEndian(header[32..]);
        int size = BinaryPrimitives.ReadUInt16LittleEndian(header[54..]), count = BinaryPrimitives.ReadUInt16LittleEndian(header[56..]);
        byte[] segment = new byte[size];
        for (int i = 0; i < count; i++)
        {
            stream.Position = table + (i * size);
            stream.ReadExactly(segment);
            if (BinaryPrimitives.ReadUInt32LittleEndian(segment) != InterpreterSegment) continue;
            byte[] path = new byte[BinaryPrimitives.ReadInt64LittleEndian(segment.AsSpan(32))];
            stream.Position = BinaryPrimitives.ReadInt64LittleEndian(segment.AsSpan(8));
            stream.ReadExactly(path);
            return new Program(file, architecture, Encoding.UTF8.GetString(path).TrimEnd('\0'));
        }

        return new Program(file, architecture, null);
    }

    /// <summary>The shared libraries that it needs, by name: asked of the very loader that will load them.</summary>
    /// <exception cref="ToolException">The loader cannot load it.</exception>
    /// <exception cref="InvalidOperationException">A library is missing.</exception>
    internal ImmutableSortedDictionary<string, string> Libraries()
    {
        var found = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        if (Loader is null) return found.ToImmutable();
        // libm.so.6 => /lib/x86_64-linux-gnu/libm.so.6 (0x00007fee021fc000)
        foreach (string line in Tool.Run(Loader, ["--list", File]).Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            if (line.Split(' ') is not [{ } name, "=>", { } path, ..]) continue;
            if (path == "not") throw new InvalidOperationException($"'{File}' needs the library '{name}', which is not on this machine. Install the package that has it.");
            if (name != Loader) found[Path.GetFileName(name)] = path;
        }

        if (found.TryGetValue("libc.so.6", out string? c))
        {
            foreach (string name in LoadedByName)
            {
                string beside = Path.Combine(Path.GetDirectoryName(c)!, name);
                if (!found.ContainsKey(name) && System.IO.File.Exists(beside)) found[name] = beside;
            }
        }

        return found.ToImmutable();
    }
}
