using LbTest.Clusters.Lab;
using LbTest.Cmdlets.Parameters;

namespace LbTest.Cmdlets.Clusters;

/// <summary>Gets the labs of this session, and this user's detached ones.</summary>
[Cmdlet(VerbsCommon.Get, "LbCluster")]
[OutputType(typeof(LabCluster))]
public sealed class GetLbClusterCommand : LbCommand
{
    /// <summary>Their names; wildcards match.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true)]
    [ArgumentCompleter(typeof(LabNameCompleter))]
    [SupportsWildcards]
    public string[] Name { get; set; } = ["*"];

    private protected override void Process()
    {
        foreach (LabCluster lab in RunningLabs.Matching(Name, WriteError)) WriteObject(lab);
    }
}
