using LbTest.Clusters;
using LbTest.Clusters.Kubernetes;
using LbTest.Clusters.Lab;
using LbTest.Cmdlets.Parameters;

namespace LbTest.Cmdlets.Clusters;

/// <summary>Gets the clusters of this session and this user's detached labs; on request, those that were started on a Kubernetes cluster from anywhere.</summary>
[Cmdlet(VerbsCommon.Get, "LbCluster", DefaultParameterSetName = ByName)]
[OutputType(typeof(LabCluster), typeof(KubernetesCluster))]
public sealed class GetLbClusterCommand : KubernetesCommand
{
    private const string ByName = "Name";

    /// <summary>Their names; wildcards match.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true, ParameterSetName = ByName)]
    [ArgumentCompleter(typeof(ClusterNameCompleter))]
    [SupportsWildcards]
    public string[] Name { get; set; } = ["*"];

    /// <summary>The namespace; all if not given.</summary>
    [Parameter(ParameterSetName = OnKubernetes)]
    public string? Namespace { get; set; }

    private protected override void Process()
    {
        if (ParameterSetName == ByName)
        {
            foreach (Cluster cluster in RunningClusters.Matching(Name, WriteError)) WriteObject(cluster);
            return;
        }

        foreach (KubernetesCluster cluster in Run(cancel => KubernetesCluster.FindAsync(KubeConfigPath, Context, Namespace, cancel), "Asking the cluster"))
        {
            RunningClusters.Keep(cluster);
            WriteObject(cluster);
        }
    }
}
