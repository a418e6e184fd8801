using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using LbTest.Clusters.Protocol;
using LbTest.Engine;

namespace LbTest.Clusters.Kubernetes.Image;

/// <summary>What has been written.</summary>
/// <param name="File">The archive.</param>
/// <param name="Name">The image's name, as a pod names it.</param>
/// <param name="Digest">The digest of its manifest; the same for the same agent, libraries and name.</param>
public sealed record WrittenImage(string File, string Name, string Digest);

/// <summary>Writes the image that endpoints and clients run: the agent and nothing else, for nobody's user and a read-only root.</summary>
/// <remarks>
/// No container engine is needed. The archive is an OCI layout with docker's index beside it, so <c>ctr images import</c>, <c>kind load image-archive</c>, <c>docker load</c>,
/// <c>podman load</c> and <c>skopeo</c> take it.
/// </remarks>
public static class AgentImage
{
    private const string ConfigType = "application/vnd.oci.image.config.v1+json", LayerType = "application/vnd.oci.image.layer.v1.tar+gzip";
    private const string ManifestType = "application/vnd.oci.image.manifest.v1+json", IndexType = "application/vnd.oci.image.index.v1+json";

    // "+json" as it is.
    private static readonly ImageJson Documents = new(new JsonSerializerOptions(ImageJson.Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });

    private static readonly ImmutableArray<string> Environment =
    [
        // .NET would put sockets into /tmp, which nobody may write to, and load libraries that are not there.
        "DOTNET_EnableDiagnostics=0", "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1", $"LD_LIBRARY_PATH={ImageLayer.LibraryFolder}", "PATH=/",
    ];

    /// <summary>Writes the image to a file, whole or not at all.</summary>
    /// <param name="file">Where to.</param>
    /// <param name="name">Its name; null for <see cref="KubernetesSpec.DefaultImage"/>, which is what <c>Start-LbCluster</c> looks for.</param>
    /// <param name="overwrite">True replaces a file that exists.</param>
    /// <param name="cancel">Ends it.</param>
    /// <exception cref="PlanException">The name is none, or the file cannot be written.</exception>
    /// <exception cref="FileNotFoundException">The agent is not where it should be.</exception>
    public static WrittenImage Write(string file, string? name = null, bool overwrite = false, CancellationToken cancel = default)
    {
        string version = KubernetesSpec.DefaultImage.Split(':')[1];
        var named = ImageName.Parse(name ?? KubernetesSpec.DefaultImage, version);
        // Told before the work, not after it.
        PlanException.Require(!Directory.Exists(file), "Path", file, "is a folder", "Give a file in it");
        PlanException.Require(overwrite || !File.Exists(file), "Path", file, "exists", "Permit to overwrite it with -Force (--force), or give another file");
        Program program = Program.Read(AgentFile.Find());
        string whole = Path.GetFullPath(file), half = $"{whole}.{System.Environment.ProcessId}.part";
        try
        {
            WrittenImage written;
            using (FileStream output = File.Create(half)) written = Write(output, program, named, version, cancel);
            File.Move(half, whole, overwrite);
            return written with { File = whole };
        }
        catch (Exception fault)
        {
            if (File.Exists(half)) File.Delete(half);
            if (fault is UnauthorizedAccessException or IOException) throw new PlanException("Path", file, $"cannot be written: {fault.Message.TrimEnd('.')}", "Give a file in a folder that exists and that you may write to", fault);
            throw;
        }
    }

    private static WrittenImage Write(Stream output, Program program, ImageName name, string version, CancellationToken cancel)
    {
        ImageLayer layer = ImageLayer.Of(program, cancel);
        var labels = new SortedDictionary<string, string>(StringComparer.Ordinal)
        {
            ["org.opencontainers.image.description"] = "LbTest's agent: endpoints of tests, and where they start from", ["org.opencontainers.image.licenses"] = "MIT",
            ["org.opencontainers.image.title"] = "lbtest", ["org.opencontainers.image.version"] = version,
        };
        // "serve" is for those who run it by hand: manifests say what they want.
        var run = new ImageRun($"{ImageLayer.User}:{ImageLayer.User}", Environment, [ImageLayer.Agent], ["serve", "--service", "Both"], "/", labels);
        var config = new ImageConfig(DateTimeOffset.UnixEpoch, program.Architecture, "linux", run, new ImageRootFs("layers", [layer.DiffId]), [new ImageStep(DateTimeOffset.UnixEpoch, $"lbtest image {version}")]);
        var blobs = new SortedDictionary<string, byte[]>(StringComparer.Ordinal);
        ImageDescriptor configured = Add(ConfigType, Json(config, Documents.ImageConfig)), layered = Add(LayerType, layer.Compressed);
        ImageDescriptor manifest = Add(ManifestType, Json(new ImageManifest(2, ManifestType, configured, [layered]), Documents.ImageManifest)) with
        {
            Platform = new ImagePlatform(program.Architecture, "linux"),
            // The one for containerd, the other for podman and skopeo.
            Annotations = new SortedDictionary<string, string>(StringComparer.Ordinal) { ["io.containerd.image.name"] = name.Full, ["org.opencontainers.image.ref.name"] = name.Full },
        };
        using var archive = new ImageArchive(output);
        archive.Folder("blobs/");
        archive.Folder("blobs/sha256/");
        foreach ((string path, byte[] content) in blobs) archive.File(path, content);
        archive.File("index.json", Json(new ImageIndex(2, IndexType, [manifest]), Documents.ImageIndex));
        archive.File("manifest.json", Json([new DockerImage(Blob(configured.Digest), [name.Short], [Blob(layered.Digest)])], Documents.ImmutableArrayDockerImage));
        archive.File("oci-layout", Json(new ImageLayout("1.0.0"), Documents.ImageLayout));
        return new WrittenImage("", name.Short, manifest.Digest);

        ImageDescriptor Add(string type, byte[] content)
        {
            string digest = ImageArchive.Digest(content);
            blobs[Blob(digest)] = content;
            return new ImageDescriptor(type, digest, content.Length);
        }
    }

    private static string Blob(string digest) => $"blobs/{digest.Replace(':', '/')}";

    private static byte[] Json<T>(T document, JsonTypeInfo<T> type) => JsonSerializer.SerializeToUtf8Bytes(document, type);
}
