using LbTest.Clusters.Lab.Dataplanes;
using LbTest.Engine;
using LbTest.Engine.Disturbances;

namespace LbTest.Clusters.Lab.Disturbances;

/// <summary>Nodes that change over to another proxy mode, and nodes that forget the connections they track.</summary>
internal sealed class ProxyDisturbances(DisturbancePlanner planner)
{
    internal void Switch(PlannedDisturbance of)
    {
        Disturbance what = of.What;
        ProxyMode from = planner.State.Mode;
        bool known = Enum.TryParse(what.ProxyMode, ignoreCase: true, out ProxyMode to) && to is ProxyMode.Iptables or ProxyMode.Nftables;
        PlanException.Require(known, nameof(what.ProxyMode), what.ProxyMode, "is not a proxy mode of a lab", "Use Iptables or Nftables");
        PlanException.Require(to != from, nameof(what.ProxyMode), what.ProxyMode, $"is the mode in force at {Selection.Seconds(what.At)} already", "Give the other one");
        planner.Step(of, $"all nodes change over from {from} to {to}", planner.State with { Mode = to });
        if (what.Duration is not { } duration) return;
        planner.Later(planner.Now + duration, () =>
        {
            if (planner.State.Mode == to) planner.Step(of, $"all nodes change back to {from}", planner.State with { Mode = from }, undo: true);
        });
    }

    internal void Flush(PlannedDisturbance of)
    {
        ImmutableArray<string> all = [.. planner.State.Topology.Nodes.Select(n => n.Name)];
        ImmutableArray<string> nodes = of.What.Name.IsDefaultOrEmpty ? all : Selection.Named(of.What.Name, all, "is no node of this lab");
        planner.StepFlush(of, $"{(nodes.Length == all.Length ? "all nodes forget" : nodes.Length == 1 ? $"{nodes[0]} forgets" : $"{Selection.Words(nodes)} forget")} the connections tracked", nodes);
    }
}
