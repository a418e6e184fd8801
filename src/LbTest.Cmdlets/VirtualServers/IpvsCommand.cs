using System.Collections.Immutable;
using LbTest.Clusters;
using LbTest.Cmdlets.Parameters;

namespace LbTest.Cmdlets.VirtualServers;

/// <summary>What cmdlets share that look into IPVS: a cluster, and which of its nodes.</summary>
public abstract class IpvsCommand : LbCommand
{
    private protected const string ByCluster = "Cluster";

    /// <summary>The cluster, or its name.</summary>
    [Parameter(Position = 0, Mandatory = true, ValueFromPipeline = true, ParameterSetName = ByCluster)]
    [ArgumentCompleter(typeof(ClusterNameCompleter))]
    [Cluster(NamesOnly = true)]
    public Cluster Cluster { get; set; } = null!;

    /// <summary>Which nodes; wildcards match. Without it all that are in mode IPVS. Of text, the node that it is from.</summary>
    [Parameter]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(PlaceNameCompleter))]
    public string[] NodeName { get; set; } = [];

    /// <summary>The node that text is from; null where that was not said.</summary>
    /// <exception cref="PlanException">Several were given.</exception>
    private protected string? TextNode()
    {
        PlanException.Require(NodeName.Length <= 1, nameof(NodeName), string.Join(", ", NodeName), "is more than the one node that text is from", "Give one name, or the text of each node by itself");
        return NodeName.FirstOrDefault();
    }

    /// <summary>Asks the cluster about each of the wanted nodes, and writes what it answers.</summary>
    private protected void Ask<T>(Func<Cluster, string?, CancellationToken, Task<ImmutableArray<T>>> ask, string activity)
    {
        try
        {
            foreach (string? node in NodeNames.Matching(Cluster, NodeName, WriteError)) WriteObject(Run(cancel => ask(Cluster, node, cancel), activity), enumerateCollection: true);
        }
        // This one has no virtual servers; the next one may have.
        catch (PlanException fault)
        {
            WriteError(Faults.Describe(fault));
        }
    }
}
