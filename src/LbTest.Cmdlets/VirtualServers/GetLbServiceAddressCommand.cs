using LbTest.Clusters.Ipvs;
using LbTest.Cmdlets.Parameters;

namespace LbTest.Cmdlets.VirtualServers;

/// <summary>Gets the addresses that are bound for services, and the virtual servers that answer for them.</summary>
[Cmdlet(VerbsCommon.Get, "LbServiceAddress", DefaultParameterSetName = ByCluster)]
[OutputType(typeof(ServiceAddress))]
public sealed class GetLbServiceAddressCommand : IpvsCommand
{
    private readonly List<VirtualServer> _servers = [];

    /// <summary>The virtual servers of one node.</summary>
    [Parameter(Mandatory = true, ValueFromPipeline = true, ParameterSetName = "VirtualServer")]
    [AllowEmptyCollection]
    [Result]
    public VirtualServer[] VirtualServer { get; set; } = [];

    /// <summary>What <c>ip addr</c> printed on that node.</summary>
    [Parameter(Mandatory = true, ParameterSetName = "VirtualServer")]
    [AllowEmptyString]
    public string[] AddressText { get; set; } = [];

    private protected override void Process()
    {
        if (ParameterSetName == ByCluster) Ask((lab, node, cancel) => lab.GetServiceAddressesAsync(node, cancel), $"Reading the service addresses of '{Cluster.Name}'");
        else _servers.AddRange(VirtualServer);
    }

    private protected override void Finish()
    {
        if (ParameterSetName == ByCluster) return;
        string?[] nodes = [.. _servers.Select(server => server.NodeName).Distinct()];
        PlanException.Require(nodes.Length <= 1, nameof(VirtualServer), string.Join(", ", nodes), "are of several nodes, and the addresses are one node's", "Compare the servers of each node with its own addresses");
        WriteObject(ServiceAddressAnalysis.Of(BoundAddress.Parse(string.Join('\n', AddressText)), _servers, TextNode() ?? nodes.FirstOrDefault()), enumerateCollection: true);
    }
}
