using System.Formats.Tar;
using System.Security.Cryptography;

namespace LbTest.Clusters.Kubernetes.Image;

/// <summary>A tar archive whose bytes depend on nothing but what is in it: no times, no owners, sorted by the caller.</summary>
internal sealed class ImageArchive(Stream output) : IDisposable
{
    private const UnixFileMode ReadAll = UnixFileMode.UserRead | UnixFileMode.GroupRead | UnixFileMode.OtherRead;
    private const UnixFileMode ExecuteAll = UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    private readonly TarWriter _tar = new(output, TarEntryFormat.Ustar, leaveOpen: true);

    internal void Folder(string path, bool anyoneWrites = false) => Write(TarEntryType.Directory, path,
        ReadAll | ExecuteAll | UnixFileMode.UserWrite | (anyoneWrites ? UnixFileMode.GroupWrite | UnixFileMode.OtherWrite | UnixFileMode.StickyBit : UnixFileMode.None), null);

    internal void Text(string path, string text) => File(path, System.Text.Encoding.UTF8.GetBytes(text));

    internal void File(string path, byte[] content, bool program = false)
    {
        using var data = new MemoryStream(content, writable: false);
        Write(TarEntryType.RegularFile, path, ReadAll | UnixFileMode.UserWrite | (program ? ExecuteAll : UnixFileMode.None), data);
    }

    /// <summary>The name of content in an image: <c>sha256:…</c>.</summary>
    internal static string Digest(ReadOnlySpan<byte> content) => $"sha256:{Convert.ToHexStringLower(SHA256.HashData(content))}";

    private void Write(TarEntryType type, string path, UnixFileMode mode, Stream? data)
    {
        var entry = new UstarTarEntry(type, path) { Mode = mode, ModificationTime = DateTimeOffset.UnixEpoch };
        if (data is not null) entry.DataStream = data;
        _tar.WriteEntry(entry);
    }

    public void Dispose() => _tar.Dispose();
}
