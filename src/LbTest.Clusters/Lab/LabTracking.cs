using LbTest.Clusters.Conntrack;
using LbTest.Clusters.Tools;
using LbTest.Engine;

namespace LbTest.Clusters.Lab;

/// <summary>The connections that the nodes of a lab track.</summary>
internal sealed class LabTracking(LabTopology topology)
{
    /// <summary>Those of a node, or of all.</summary>
    /// <exception cref="PlanException">There is no such node.</exception>
    internal ImmutableArray<ConntrackEntry> List(string? name, ConntrackFilter filter) => Run(name, ConntrackTool.List(filter));

    /// <summary>Has a node, or all, forget them.</summary>
    /// <returns>What was forgotten.</returns>
    /// <exception cref="PlanException">There is no such node.</exception>
    internal ImmutableArray<ConntrackEntry> Clear(string? name, ConntrackFilter filter) => Run(name, ConntrackTool.Delete(filter));

    private ImmutableArray<ConntrackEntry> Run(string? name, IEnumerable<string[]> commands)
    {
        LabNode[] nodes = [.. topology.Nodes.Where(node => name is null || node.Name == name)];
        PlanException.Require(nodes.Length > 0, "NodeName", name, "is no node of the lab", $"Its nodes are {string.Join(", ", topology.Nodes.Select(node => node.Name))}");
        string[][] all = [.. commands];
        return [.. nodes.SelectMany(node => LabNetwork.Namespace(node.Name).Run(() => all.SelectMany(arguments => ConntrackTool.Read(Print(arguments), node.Name)).ToArray()))];
    }

    private static string Print(string[] arguments)
    {
        try
        {
            return Tool.Run(ConntrackTool.Name, arguments);
        }
        catch (ToolException exception) when (exception.Message.Contains(ConntrackTool.NothingDeleted, StringComparison.Ordinal))
        {
            return "";
        }
    }
}
