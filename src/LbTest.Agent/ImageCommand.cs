using System.CommandLine;
using LbTest.Clusters.Kubernetes;
using LbTest.Clusters.Kubernetes.Image;

namespace LbTest.Agent;

/// <summary><c>lbtest image</c>: the image of this very program, for clusters.</summary>
internal static class ImageCommand
{
    internal static Command Create()
    {
        var output = new Option<string>("--output", "-o") { Description = "The archive to write", Required = true };
        var name = new Option<string>("--name", "-n") { Description = "The image's name", DefaultValueFactory = _ => KubernetesSpec.DefaultImage };
        var force = new Option<bool>("--force") { Description = "Overwrite a file that exists" };
        var command = new Command("image", "Write the image that clusters run, as an archive for 'ctr images import', 'kind load image-archive', 'docker load', 'podman load' or skopeo. No container engine is needed.") { output, name, force };
        command.SetAction((parsed, cancel) =>
        {
            WrittenImage written = AgentImage.Write(parsed.GetValue(output)!, parsed.GetValue(name), parsed.GetValue(force), cancel);
            Console.WriteLine($"{written.Name} {written.Digest} in {written.File}");
            return Task.FromResult(ExitCode.Success);
        });
        return command;
    }
}
