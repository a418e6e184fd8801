using System.Formats.Tar;
using System.Text.Json.Nodes;
using LbTest.Clusters.Kubernetes.Image;
using LbTest.Clusters.Protocol;
using LbTest.Engine;

namespace LbTest.Clusters.Tests.Kubernetes.Image;

/// <summary>The archive of the image, against the OCI image specification.</summary>
public sealed class ImageTests(ImageFixture image) : IClassFixture<ImageFixture>
{
    [SkippableFact]
    public void It_is_an_OCI_layout_of_one_image_with_its_full_name()
    {
        Linux();
        Assert.Equal("1.0.0", image.Json("oci-layout")["imageLayoutVersion"]!.GetValue<string>());
        JsonNode index = image.Json("index.json");
        Assert.Equal((2, "application/vnd.oci.image.index.v1+json"), (index["schemaVersion"]!.GetValue<int>(), index["mediaType"]!.GetValue<string>()));
        JsonNode manifest = Assert.Single(index["manifests"]!.AsArray())!;
        Assert.Equal(image.Written.Digest, manifest["digest"]!.GetValue<string>());
        Assert.Equal("linux", manifest["platform"]!["os"]!.GetValue<string>());
        Assert.Equal(["docker.io/library/lbtest:1.2.3", "docker.io/library/lbtest:1.2.3"],
            new[] { "io.containerd.image.name", "org.opencontainers.image.ref.name" }.Select(name => manifest["annotations"]![name]!.GetValue<string>()));
    }

    [SkippableFact]
    public void Manifest_configuration_and_layer_are_what_their_digests_say()
    {
        Linux();
        Assert.Equal(2, image.Manifest["schemaVersion"]!.GetValue<int>());
        JsonNode rootfs = image.Config["rootfs"]!;
        Assert.Equal("layers", rootfs["type"]!.GetValue<string>());
        Assert.Equal(ImageFixture.Digest(image.Layer()), Assert.Single(rootfs["diff_ids"]!.AsArray())!.GetValue<string>());
        // oci-layout, index.json, manifest.json and these three: nothing else.
        Assert.Equal(6, image.Files.Count);
    }

    [SkippableFact]
    public void It_runs_as_nobody()
    {
        Linux();
        JsonNode config = image.Config, run = config["config"]!;
        Assert.Equal(("65532:65532", "/lbtest", "linux"), (run["User"]!.GetValue<string>(), Assert.Single(run["Entrypoint"]!.AsArray())!.GetValue<string>(), config["os"]!.GetValue<string>()));
        Assert.Contains("DOTNET_EnableDiagnostics=0", run["Env"]!.AsArray().Select(one => one!.GetValue<string>()));
        Assert.Equal(image.Json("index.json")["manifests"]![0]!["platform"]!["architecture"]!.GetValue<string>(), config["architecture"]!.GetValue<string>());
    }

    [SkippableFact]
    public void Docker_finds_it_too()
    {
        Linux();
        JsonNode docker = Assert.Single(image.Json("manifest.json").AsArray())!;
        Assert.Equal("lbtest:1.2.3", Assert.Single(docker["RepoTags"]!.AsArray())!.GetValue<string>());
        Assert.Equal($"blobs/{image.Manifest["config"]!["digest"]!.GetValue<string>().Replace(':', '/')}", docker["Config"]!.GetValue<string>());
        Assert.Equal($"blobs/{image.Manifest["layers"]![0]!["digest"]!.GetValue<string>().Replace(':', '/')}", Assert.Single(docker["Layers"]!.AsArray())!.GetValue<string>());
    }

    [SkippableFact]
    public void The_layer_is_sorted_belongs_to_root_and_has_no_times()
    {
        Linux();
        using var reader = new TarReader(new MemoryStream(image.Layer()));
        var names = new List<string>();
        while (reader.GetNextEntry() is { } entry)
        {
            Assert.Equal((0, 0, DateTimeOffset.UnixEpoch), (entry.Uid, entry.Gid, entry.ModificationTime));
            Assert.True(entry.EntryType is TarEntryType.Directory or TarEntryType.RegularFile, entry.Name);
            names.Add(entry.Name);
        }

        Assert.Equal(names.Order(StringComparer.Ordinal), names);
        Assert.Superset(new HashSet<string> { "lbtest", "etc/passwd", "etc/group", "tmp/" }, names.ToHashSet());
    }

    [SkippableFact]
    public void The_same_input_gives_the_same_bytes()
    {
        Linux();
        WrittenImage again = AgentImage.Write(Path.Combine(image.Folder, "again.tar"), "lbtest:1.2.3");

        Assert.Equal(image.Written.Digest, again.Digest);
        Assert.Equal(File.ReadAllBytes(image.Written.File), File.ReadAllBytes(again.File));
    }

    [Theory]
    [InlineData("lbtest", "lbtest:9", "docker.io/library/lbtest:9")]
    [InlineData("lbtest:1", "lbtest:1", "docker.io/library/lbtest:1")]
    [InlineData("team/lbtest:1", "team/lbtest:1", "docker.io/team/lbtest:1")]
    [InlineData("docker.io/lbtest:1", "docker.io/lbtest:1", "docker.io/library/lbtest:1")]
    [InlineData("localhost/lbtest", "localhost/lbtest:9", "localhost/lbtest:9")]
    [InlineData("kind-registry:5000/lbtest:1", "kind-registry:5000/lbtest:1", "kind-registry:5000/lbtest:1")]
    [InlineData("Registry.example.com:443/a/b-c/lbtest:v1.0_x", "Registry.example.com:443/a/b-c/lbtest:v1.0_x", "Registry.example.com:443/a/b-c/lbtest:v1.0_x")]
    public void Names_are_made_full_as_container_engines_do_it(string text, string @short, string full) => Assert.Equal(new ImageName(@short, full), ImageName.Parse(text, "9"));

    [Theory, InlineData(""), InlineData("Lbtest"), InlineData("lbtest:"), InlineData("lbtest:-1"), InlineData("a//b"), InlineData("lbtest:1\n"), InlineData("lbtest@sha256:00")]
    public void Other_names_are_refused(string text) =>
        Assert.Equal($"Name '{text}' is no name of an image. Give one in lower case with a tag, e.g. lbtest:1.2 or registry.example.com/team/lbtest:1.2.", Assert.Throws<PlanException>(() => ImageName.Parse(text, "9")).Message);

    [SkippableFact]
    public void What_cannot_be_written_is_refused_and_nothing_is_left()
    {
        Linux();
        string there = Path.Combine(image.Folder, "there.tar"), nowhere = Path.Combine(image.Folder, "none", "x.tar");
        File.WriteAllText(there, "mine");

        Assert.Contains("exists. Permit to overwrite it with -Force (--force), or give another file.", Refused(there), StringComparison.Ordinal);
        Assert.Contains("is a folder. Give a file in it.", Refused(image.Folder), StringComparison.Ordinal);
        Assert.Contains("cannot be written: ", Refused(nowhere), StringComparison.Ordinal);
        Assert.Equal("mine", File.ReadAllText(there));
        Assert.DoesNotContain(Directory.GetFiles(image.Folder), file => file.EndsWith(".part", StringComparison.Ordinal));

        static string Refused(string file) => Assert.Throws<PlanException>(() => AgentImage.Write(file)).Message;
    }

    [SkippableFact]
    public void One_that_is_stopped_leaves_nothing()
    {
        Linux();
        string file = Path.Combine(image.Folder, "stopped.tar");

        _ = Assert.ThrowsAny<OperationCanceledException>(() => AgentImage.Write(file, cancel: new CancellationToken(canceled: true)));

        Assert.Empty(Directory.GetFiles(image.Folder, "stopped*"));
    }

    [SkippableFact]
    public void A_program_tells_what_it_needs()
    {
        Linux();
        Program program = Program.Read(AgentFile.Find());

        Assert.StartsWith("/", program.Loader, StringComparison.Ordinal);
        Assert.Contains("libc.so.6", program.Libraries().Keys);
        Assert.All(program.Libraries().Values, path => Assert.True(File.Exists(path), path));
    }

    [SkippableFact]
    public void What_is_no_program_is_refused()
    {
        Linux();
        string text = Path.Combine(image.Folder, "script");
        File.WriteAllText(text, "#!/bin/sh\n");

        Assert.Contains("is no program for Linux", Assert.Throws<PlatformNotSupportedException>(() => Program.Read(text)).Message, StringComparison.Ordinal);
    }

    private static void Linux() => Skip.IfNot(OperatingSystem.IsLinux(), "Images are made on Linux.");
}
