using LbTest.Clusters;
using LbTest.Cmdlets.Parameters;

namespace LbTest.Cmdlets.Clusters;

/// <summary>Stops labs. Nothing of them stays.</summary>
[Cmdlet(VerbsLifecycle.Stop, "LbCluster", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.Medium, DefaultParameterSetName = "Name")]
[OutputType(typeof(void))]
public sealed class StopLbClusterCommand : LbCommand
{
    /// <summary>Their names; wildcards match.</summary>
    [Parameter(Position = 0, Mandatory = true, ParameterSetName = "Name")]
    [ArgumentCompleter(typeof(LabNameCompleter))]
    [SupportsWildcards]
    public string[] Name { get; set; } = [];

    /// <summary>The clusters themselves.</summary>
    [Parameter(Mandatory = true, ValueFromPipeline = true, ParameterSetName = "Cluster")]
    [Cluster]
    public Cluster[] Cluster { get; set; } = [];

    private protected override void Process()
    {
        IEnumerable<Cluster> clusters = ParameterSetName == "Name" ? RunningLabs.Matching(Name, WriteError) : Cluster;
        foreach (Cluster cluster in clusters)
        {
            if (!ShouldProcess($"lab '{cluster.Name}'", "Stop lab")) continue;
            _ = Run(_ => Stop(cluster), $"Stopping lab '{cluster.Name}'");
        }
    }

    // Once begun it goes on to its end: half a lab is of no use to anyone.
    private static async Task<bool> Stop(Cluster cluster)
    {
        await cluster.StopAsync().ConfigureAwait(false);
        RunningLabs.Forget(cluster.Name);
        return true;
    }
}
