using System.IO.Compression;

namespace LbTest.Clusters.Kubernetes.Image;

/// <summary>The one layer of our image: the agent, the libraries that it loads, and the few files that a C library looks for.</summary>
/// <param name="Compressed">As it is in the image (gzip).</param>
/// <param name="DiffId">The digest of what is in it, uncompressed.</param>
internal sealed record ImageLayer(byte[] Compressed, string DiffId)
{
    /// <summary>Where the agent is.</summary>
    internal const string Agent = "/lbtest";

    /// <summary>Where the libraries are.</summary>
    internal const string LibraryFolder = "/lib";

    /// <summary>The number of the user and of the group that the agent runs as: nobody's on any machine.</summary>
    internal const int User = 65532;

    private static readonly (string Path, string Text)[] Texts =
    [
        ("etc/group", $"root:x:0:\nnonroot:x:{User}:\n"),
        ("etc/nsswitch.conf", "hosts: files dns\n"),
        ("etc/passwd", $"root:x:0:0:root:/:/\nnonroot:x:{User}:{User}:nonroot:/:/\n"),
    ];

    /// <summary>Makes it.</summary>
    /// <param name="program">The agent.</param>
    /// <param name="cancel">Ends it.</param>
    internal static ImageLayer Of(Program program, CancellationToken cancel)
    {
        // By path in the image: text, or a file of this machine.
        var files = Texts.ToDictionary(one => one.Path, one => (Text: (string?)one.Text, File: ""));
        files[Agent[1..]] = (null, program.File);
        if (program.Loader is { } loader) files[loader[1..]] = (null, loader);
        foreach ((string name, string path) in program.Libraries()) files[$"{LibraryFolder[1..]}/{name}"] = (null, path);
        // The last four are there to be mounted on.
        var folders = files.Keys.SelectMany(Parents).Concat(["dev", "proc", "sys", "tmp"]).Distinct().ToDictionary(path => path, path => path == "tmp");
        var layer = new MemoryStream();
        using (var archive = new ImageArchive(layer))
        {
            foreach (string path in files.Keys.Concat(folders.Keys).Order(StringComparer.Ordinal))
            {
                cancel.ThrowIfCancellationRequested();
                if (folders.TryGetValue(path, out bool anyoneWrites)) archive.Folder($"{path}/", anyoneWrites);
                else if (files[path] is { Text: { } text }) archive.Text(path, text);
                else archive.File(path, File.ReadAllBytes(files[path].File), program: true);
            }
        }

        ReadOnlyMemory<byte> content = layer.GetBuffer().AsMemory(0, (int)layer.Length);
        return new ImageLayer(Compress(content, cancel), ImageArchive.Digest(content.Span));
    }

    private static IEnumerable<string> Parents(string path)
    {
        for (int slash = path.IndexOf('/', StringComparison.Ordinal); slash > 0; slash = path.IndexOf('/', slash + 1)) yield return path[..slash];
    }

    private static byte[] Compress(ReadOnlyMemory<byte> content, CancellationToken cancel)
    {
        const int piece = 1 << 20;
        var compressed = new MemoryStream();
        using (var gzip = new GZipStream(compressed, CompressionLevel.Optimal, leaveOpen: true))
        {
            for (int at = 0; at < content.Length; at += piece)
            {
                cancel.ThrowIfCancellationRequested();
                gzip.Write(content.Span.Slice(at, Math.Min(piece, content.Length - at)));
            }
        }

        return compressed.ToArray();
    }
}
