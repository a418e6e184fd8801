using System.Collections.Immutable;
using LbTest.Clusters;
using LbTest.Clusters.Lab.Dataplanes;
using LbTest.Clusters.Lab.Kernels;
using LbTest.Clusters.Prerequisites;
using LbTest.Cmdlets.Parameters;

namespace LbTest.Cmdlets.Prerequisites;

/// <summary>Tells what this machine, or the nodes of a cluster, have and lack for each kind of test, with the remedy.</summary>
[Cmdlet(VerbsDiagnostic.Test, "LbPrerequisite")]
[OutputType(typeof(Prerequisite), typeof(bool))]
public sealed class TestLbPrerequisiteCommand : LbCommand
{
    private const string Activity = "Looking at this machine";

    /// <summary>The proxy modes of interest.</summary>
    [Parameter(Position = 0)]
    public ProxyMode[] ProxyMode { get; set; } = [];

    /// <summary>The kernel of interest: the host's, that of user-mode labs, or both.</summary>
    [Parameter]
    public LabKernel Kernel { get; set; }

    /// <summary>Returns one Boolean: a lab can be had in each of these modes, or in the default one where none is given, on one kernel or the other; what is optional is left out.</summary>
    [Parameter]
    public SwitchParameter Quiet { get; set; }

    /// <summary>Looks at the nodes of this cluster in place of this machine.</summary>
    [Parameter(ValueFromPipeline = true)]
    [ArgumentCompleter(typeof(ClusterNameCompleter))]
    [Cluster]
    public Cluster? Cluster { get; set; }

    private protected override void Process()
    {
        if (Cluster is { } cluster)
        {
            ImmutableArray<Prerequisite> found = Run(cancel => cluster.GetPrerequisitesAsync(ProxyMode, cancel), $"Looking at the nodes of '{cluster.Name}'");
            if (Quiet) WriteObject(found.All(one => one.Present || one.Optional));
            else WriteObject(found, enumerateCollection: true);
        }
        else if (Quiet) WriteObject(Run(_ => Task.FromResult(PrerequisiteCheck.Suffices(ProxyMode, Kernel)), Activity));
        else WriteObject(Run(_ => Task.FromResult<ImmutableArray<Prerequisite>>(PrerequisiteCheck.Of(ProxyMode, Kernel)), Activity), enumerateCollection: true);
    }
}
