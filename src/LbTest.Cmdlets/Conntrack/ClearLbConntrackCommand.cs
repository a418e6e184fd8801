using LbTest.Clusters.Conntrack;

namespace LbTest.Cmdlets.Conntrack;

/// <summary>Has the kernel of a cluster's nodes forget connections that it tracks.</summary>
[Cmdlet(VerbsCommon.Clear, "LbConntrack", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.Medium)]
[OutputType(typeof(ConntrackEntry))]
public sealed class ClearLbConntrackCommand : ConntrackCommand
{
    /// <summary>Forgets all, those of other applications and of the node itself too.</summary>
    [Parameter]
    public SwitchParameter All { get; set; }

    /// <summary>Returns what was forgotten.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    private protected override void Process()
    {
        PlanException.Require(All != !Filter.IsEmpty, nameof(All), All.IsPresent, All ? "contradicts the parameters that say which" : "is missing, and nothing says which connections",
            All ? "Leave one or the other out" : "Give -Protocol, -SourceAddress, -DestinationAddress or -EndpointAddress, or -All for every connection");
        foreach (string? node in Nodes)
        {
            if (!ShouldProcess(node is null ? $"all nodes of '{Cluster.Name}'" : $"node '{node}' of '{Cluster.Name}'", $"Forget {Which()}")) continue;
            var forgotten = Run(cancel => Cluster.ClearConntrackAsync(Filter, node, cancel), $"Clearing tracked connections of '{Cluster.Name}'");
            WriteVerbose($"{forgotten.Length} forgotten.");
            if (PassThru) WriteObject(forgotten, enumerateCollection: true);
        }
    }

    private string Which() => All ? "all tracked connections" : "tracked connections" + string.Concat(
        Protocol is null ? "" : $" of {Protocol}", SourceAddress is null ? "" : $" from {SourceAddress}", DestinationAddress is null ? "" : $" to {DestinationAddress}",
        DestinationPort is null ? "" : $" to port {DestinationPort}", EndpointAddress is null ? "" : $" at endpoint {EndpointAddress}");
}
