using System.Formats.Tar;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using LbTest.Clusters.Kubernetes.Image;

namespace LbTest.Clusters.Tests.Kubernetes.Image;

/// <summary>The image of the agent under test, written once.</summary>
public sealed class ImageFixture : IDisposable
{
    public ImageFixture()
    {
        Folder = Directory.CreateTempSubdirectory("lbtest-image-").FullName;
        if (!OperatingSystem.IsLinux()) return;
        try
        {
            Written = AgentImage.Write(Path.Combine(Folder, "image.tar"), "lbtest:1.2.3");
            Files = Read(Written.File);
        }
        // What could not be made is not disposed of by others.
        catch
        {
            Dispose();
            throw;
        }
    }

    internal string Folder { get; }

    internal WrittenImage Written { get; } = new("", "", "");

    /// <summary>What is in the archive, by path.</summary>
    internal Dictionary<string, byte[]> Files { get; } = [];

    internal static Dictionary<string, byte[]> Read(string archive)
    {
        using var reader = new TarReader(File.OpenRead(archive));
        var files = new Dictionary<string, byte[]>();
        while (reader.GetNextEntry(copyData: true) is { } entry)
        {
            if (entry.EntryType != TarEntryType.RegularFile) continue;
            using var content = new MemoryStream();
            entry.DataStream?.CopyTo(content);
            files.Add(entry.Name, content.ToArray());
        }

        return files;
    }

    internal JsonNode Json(string path) => JsonNode.Parse(Files[path])!;

    /// <summary>The content that a descriptor names, which must be as it says.</summary>
    internal byte[] Content(JsonNode descriptor, string type)
    {
        Assert.Equal(type, descriptor["mediaType"]!.GetValue<string>());
        string digest = descriptor["digest"]!.GetValue<string>();
        byte[] content = Files[$"blobs/{digest.Replace(':', '/')}"];
        Assert.Equal(digest, Digest(content));
        Assert.Equal(content.Length, descriptor["size"]!.GetValue<long>());
        return content;
    }

    internal JsonNode Manifest => JsonNode.Parse(Content(Json("index.json")["manifests"]![0]!, "application/vnd.oci.image.manifest.v1+json"))!;

    internal JsonNode Config => JsonNode.Parse(Content(Manifest["config"]!, "application/vnd.oci.image.config.v1+json"))!;

    /// <summary>The layer, as the tar archive that it is.</summary>
    internal byte[] Layer()
    {
        using var gzip = new GZipStream(new MemoryStream(Content(Manifest["layers"]![0]!, "application/vnd.oci.image.layer.v1.tar+gzip")), CompressionMode.Decompress);
        using var layer = new MemoryStream();
        gzip.CopyTo(layer);
        return layer.ToArray();
    }

    internal static string Digest(byte[] content) => $"sha256:{Convert.ToHexStringLower(SHA256.HashData(content))}";

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
