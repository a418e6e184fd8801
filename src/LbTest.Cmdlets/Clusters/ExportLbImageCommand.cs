using LbTest.Clusters.Kubernetes;
using LbTest.Clusters.Kubernetes.Image;

namespace LbTest.Cmdlets.Clusters;

/// <summary>Writes the image that clusters run, as an archive that container engines load.</summary>
[Cmdlet(VerbsData.Export, "LbImage", SupportsShouldProcess = true)]
[OutputType(typeof(FileInfo))]
public sealed class ExportLbImageCommand : LbCommand
{
    /// <summary>The archive to write.</summary>
    [Parameter(Position = 0, Mandatory = true)]
    [ValidateNotNullOrEmpty]
    public string Path { get; set; } = "";

    /// <summary>The image's name.</summary>
    [Parameter(Position = 1)]
    [ValidateNotNullOrEmpty]
    public string Name { get; set; } = KubernetesSpec.DefaultImage;

    /// <summary>Overwrites a file that exists.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    private protected override bool OneOfMany => false;

    private protected override void Process()
    {
        string file = SessionState.Path.GetUnresolvedProviderPathFromPSPath(Path, out ProviderInfo provider, out _);
        PlanException.Require(provider.Name == "FileSystem", nameof(Path), Path, "is no path of the file system", "Give a file");
        if (!ShouldProcess(file, $"Write the image {Name}")) return;
        WrittenImage written = Run(cancel => Task.FromResult(AgentImage.Write(file, Name, Force, cancel)), "Writing the image");
        WriteVerbose($"{written.Name} {written.Digest}");
        WriteObject(new FileInfo(written.File));
    }
}
