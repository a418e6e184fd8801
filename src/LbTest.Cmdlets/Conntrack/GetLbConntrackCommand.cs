using LbTest.Clusters.Conntrack;

namespace LbTest.Cmdlets.Conntrack;

/// <summary>Gets the connections that the kernel of a cluster's nodes tracks.</summary>
[Cmdlet(VerbsCommon.Get, "LbConntrack")]
[OutputType(typeof(ConntrackEntry))]
public sealed class GetLbConntrackCommand : ConntrackCommand
{
    private protected override void Process()
    {
        foreach (string? node in Nodes) WriteObject(Run(cancel => Cluster.GetConntrackAsync(Filter, node, cancel), $"Reading the tracked connections of '{Cluster.Name}'"), enumerateCollection: true);
    }
}
