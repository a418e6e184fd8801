using LbTest.Clusters;
using LbTest.Clusters.Lab.Dataplanes;
using LbTest.Cmdlets.Parameters;

namespace LbTest.Cmdlets.Clusters;

/// <summary>Gets what the kernel's rules counted per endpoint, node by node, since the cluster was started.</summary>
[Cmdlet(VerbsCommon.Get, "LbEndpointCounter")]
[OutputType(typeof(EndpointCounter))]
public sealed class GetLbEndpointCounterCommand : LbCommand
{
    /// <summary>The cluster, or its name.</summary>
    [Parameter(Position = 0, Mandatory = true, ValueFromPipeline = true)]
    [ArgumentCompleter(typeof(ClusterNameCompleter))]
    [Cluster]
    public Cluster Cluster { get; set; } = null!;

    private protected override void Process() =>
        WriteObject(Run(Cluster.ObserveAsync, $"Reading the counters of '{Cluster.Name}'"), enumerateCollection: true);
}
