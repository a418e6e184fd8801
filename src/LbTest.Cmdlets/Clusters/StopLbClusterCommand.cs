using LbTest.Clusters;
using LbTest.Clusters.Lab;
using LbTest.Cmdlets.Parameters;

namespace LbTest.Cmdlets.Clusters;

/// <summary>Stops clusters: nothing of a lab stays; of a Kubernetes cluster what LbTest put there is deleted, nothing else.</summary>
[Cmdlet(VerbsLifecycle.Stop, "LbCluster", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.Medium, DefaultParameterSetName = "Name")]
[OutputType(typeof(void))]
public sealed class StopLbClusterCommand : LbCommand
{
    /// <summary>Their names; wildcards match.</summary>
    [Parameter(Position = 0, Mandatory = true, ParameterSetName = "Name")]
    [ArgumentCompleter(typeof(ClusterNameCompleter))]
    [SupportsWildcards]
    public string[] Name { get; set; } = [];

    /// <summary>The clusters themselves.</summary>
    [Parameter(Mandatory = true, ValueFromPipeline = true, ParameterSetName = "Cluster")]
    [Cluster]
    public Cluster[] Cluster { get; set; } = [];

    private protected override void Process()
    {
        IEnumerable<Cluster> clusters = ParameterSetName == "Name" ? RunningClusters.Matching(Name, WriteError) : Cluster;
        foreach (Cluster cluster in clusters)
        {
            if (!ShouldProcess($"{Kind(cluster)} '{cluster.Name}'", cluster is LabCluster ? "Stop lab" : "Delete what LbTest put there")) continue;
            _ = Run(cancel => Stop(cluster, cancel), $"Stopping {Kind(cluster)} '{cluster.Name}'");
        }
    }

    private static string Kind(Cluster cluster) => cluster is LabCluster ? "lab" : cluster.Kind;

    // Once begun it goes on to its end: half a lab is of no use to anyone.
    private static async Task<bool> Stop(Cluster cluster, CancellationToken cancel)
    {
        try
        {
            await cluster.StopAsync().ConfigureAwait(false);
        }
        catch (Exception fault) when (cancel.IsCancellationRequested)
        {
            Aftercare.Tell($"'{cluster.Name}' is not stopped: {fault.Message} Stop it again.");
            throw;
        }

        RunningClusters.Forget(cluster.Name);
        return true;
    }
}
