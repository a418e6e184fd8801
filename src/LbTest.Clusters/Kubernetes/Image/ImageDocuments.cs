using System.Text.Json.Serialization;

namespace LbTest.Clusters.Kubernetes.Image;

// The documents of an image, by the names of the OCI image specification (v1.0) and, last, of docker's archives.

internal sealed record ImageDescriptor(string MediaType, string Digest, long Size)
{
    public ImagePlatform? Platform { get; init; }

    public SortedDictionary<string, string>? Annotations { get; init; }
}

internal sealed record ImagePlatform(string Architecture, string Os);

internal sealed record ImageLayout(string ImageLayoutVersion);

internal sealed record ImageIndex(int SchemaVersion, string MediaType, ImmutableArray<ImageDescriptor> Manifests);

internal sealed record ImageManifest(int SchemaVersion, string MediaType, ImageDescriptor Config, ImmutableArray<ImageDescriptor> Layers);

internal sealed record ImageConfig(DateTimeOffset Created, string Architecture, string Os, ImageRun Config, ImageRootFs Rootfs, ImmutableArray<ImageStep> History);

/// <summary>How a container of the image runs. The specification has these names with a capital.</summary>
internal sealed record ImageRun(
    [property: JsonPropertyName("User")] string User, [property: JsonPropertyName("Env")] ImmutableArray<string> Env,
    [property: JsonPropertyName("Entrypoint")] ImmutableArray<string> Entrypoint, [property: JsonPropertyName("Cmd")] ImmutableArray<string> Cmd,
    [property: JsonPropertyName("WorkingDir")] string WorkingDir, [property: JsonPropertyName("Labels")] SortedDictionary<string, string> Labels);

internal sealed record ImageRootFs(string Type, [property: JsonPropertyName("diff_ids")] ImmutableArray<string> DiffIds);

internal sealed record ImageStep(DateTimeOffset Created, [property: JsonPropertyName("created_by")] string CreatedBy);

/// <summary>An image in docker's own index of an archive.</summary>
internal sealed record DockerImage(
    [property: JsonPropertyName("Config")] string Config, [property: JsonPropertyName("RepoTags")] ImmutableArray<string> RepoTags, [property: JsonPropertyName("Layers")] ImmutableArray<string> Layers);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ImageLayout))]
[JsonSerializable(typeof(ImageIndex))]
[JsonSerializable(typeof(ImageManifest))]
[JsonSerializable(typeof(ImageConfig))]
[JsonSerializable(typeof(ImmutableArray<DockerImage>))]
internal sealed partial class ImageJson : JsonSerializerContext;
