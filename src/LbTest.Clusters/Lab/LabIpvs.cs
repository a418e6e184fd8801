using LbTest.Clusters.Ipvs;
using LbTest.Clusters.Lab.Dataplanes;
using LbTest.Clusters.Tools;
using LbTest.Engine;

namespace LbTest.Clusters.Lab;

/// <summary>Looks into the nodes' IPVS: what their kernel has, as the tools tell it.</summary>
internal sealed class LabIpvs(LabTopology topology, LabRules rules)
{
    /// <summary>The virtual servers of a node, or of all that are in mode IPVS.</summary>
    /// <exception cref="PlanException">There is no such node, or none is in mode IPVS.</exception>
    internal ImmutableArray<VirtualServer> VirtualServers(string? name) => Read(name, Servers);

    /// <summary>The service addresses of a node, or of all that are in mode IPVS.</summary>
    /// <exception cref="PlanException">There is no such node, or none is in mode IPVS.</exception>
    internal ImmutableArray<ServiceAddress> ServiceAddresses(string? name) => Read(name, node =>
        ServiceAddressAnalysis.Of(BoundAddress.Parse(Tool.Run("ip", ["-o", "addr", "show"])), IpvsadmText.Parse(Tool.Run("ipvsadm", ["-Ln"])), node.Name));

    // Called in the node's namespace. The list has no counters, and the counters come without the rest.
    private static ImmutableArray<VirtualServer> Servers(LabNode node) =>
        IpvsCounting.Add(IpvsadmText.Parse(Tool.Run("ipvsadm", ["-Ln"]), node.Name), IpvsadmText.Parse(Tool.Run("ipvsadm", ["-Ln", "--stats", "--exact"])));

    private ImmutableArray<T> Read<T>(string? name, Func<LabNode, ImmutableArray<T>> read)
    {
        ImmutableArray<LabNode> nodes = name is null ? topology.Nodes : [.. topology.Nodes.Where(node => node.Name == name)];
        PlanException.Require(!nodes.IsEmpty, "NodeName", name, "is no node of the lab", $"Its nodes are {string.Join(", ", topology.Nodes.Select(node => node.Name))}");
        // What each node has, or nothing where it is in another mode: not the same as to have nothing.
        ImmutableArray<ImmutableArray<T>> found = rules.Read(nodes, ProxyMode.Ipvs, read);
        const string what = "is not in mode Ipvs, so it has no virtual servers", remedy = "Take a lab in that mode: Start-LbCluster -ProxyMode Ipvs, or 'lbtest lab start --proxy-mode Ipvs'";
        if (found.IsEmpty) throw name is null ? new PlanException("Cluster", topology.Spec.Name, what, remedy) : new PlanException("NodeName", name, what, remedy);
        return [.. found.SelectMany(one => one)];
    }
}
