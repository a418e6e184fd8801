using System.Collections.Immutable;
using LbTest.Clusters;
using LbTest.Clusters.Lab;
using LbTest.Cmdlets.Parameters;

namespace LbTest.Cmdlets.VirtualServers;

/// <summary>What cmdlets share that look into IPVS: a cluster, and which of its nodes.</summary>
public abstract class IpvsCommand : LbCommand
{
    private protected const string ByCluster = "Cluster";

    /// <summary>The cluster, or its name.</summary>
    [Parameter(Position = 0, Mandatory = true, ValueFromPipeline = true, ParameterSetName = ByCluster)]
    [ArgumentCompleter(typeof(LabNameCompleter))]
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
    private protected void Ask<T>(Func<LabCluster, string?, CancellationToken, Task<ImmutableArray<T>>> ask, string activity)
    {
        try
        {
            LabCluster lab = Cluster as LabCluster
                ?? throw new PlanException(nameof(Cluster), Cluster.Name, "is no lab, and LbTest looks into labs only", "Pipe what ipvsadm prints on its nodes to Get-LbVirtualServer");
            foreach (string? node in Nodes()) WriteObject(Run(cancel => ask(lab, node, cancel), activity), enumerateCollection: true);
        }
        // This one has no virtual servers; the next one may have.
        catch (PlanException fault)
        {
            WriteError(Faults.Describe(fault));
        }
    }

    private List<string?> Nodes()
    {
        if (NodeName.Length == 0) return [null];
        var found = new List<string?>();
        foreach (string pattern in NodeName)
        {
            WildcardPattern wildcard = WildcardPattern.Get(pattern, WildcardOptions.IgnoreCase);
            string[] nodes = [.. Cluster.Nodes.Where(wildcard.IsMatch)];
            if (nodes.Length == 0 && !WildcardPattern.ContainsWildcardCharacters(pattern))
            {
                WriteError(Faults.NotFound("node", pattern, $"'{Cluster.Name}' has {string.Join(", ", Cluster.Nodes.Take(3))}{(Cluster.Nodes.Length > 3 ? $", … (in all {Cluster.Nodes.Length})" : "")}"));
            }

            found.AddRange(nodes.Except(found));
        }

        return found;
    }
}
