using LbTest.Clusters.Ipvs;

namespace LbTest.Cmdlets.VirtualServers;

/// <summary>Gets the IPVS virtual servers of a cluster's nodes, or of what ipvsadm printed.</summary>
[Cmdlet(VerbsCommon.Get, "LbVirtualServer", DefaultParameterSetName = ByCluster)]
[OutputType(typeof(VirtualServer))]
public sealed class GetLbVirtualServerCommand : IpvsCommand
{
    private readonly List<string> _lines = [];

    /// <summary>What ipvsadm printed: lines, or several in one.</summary>
    [Parameter(Mandatory = true, ValueFromPipeline = true, ParameterSetName = "Text")]
    [AllowEmptyString]
    [AllowEmptyCollection]
    public string[] InputObject { get; set; } = [];

    private protected override void Process()
    {
        if (ParameterSetName == ByCluster) Ask((lab, node, cancel) => lab.GetVirtualServersAsync(node, cancel), $"Reading the virtual servers of '{Cluster.Name}'");
        else _lines.AddRange(InputObject);
    }

    // A virtual server ends where the next one begins: with the last line all of it is known.
    private protected override void Finish()
    {
        if (_lines.Count > 0) WriteObject(IpvsadmText.Parse(_lines, TextNode()), enumerateCollection: true);
    }
}
