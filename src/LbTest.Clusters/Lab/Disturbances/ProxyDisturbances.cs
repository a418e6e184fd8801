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
        LabMode from = planner.State.Balancing, to = from.To(
            Known<ProxyMode>(what.ProxyMode, nameof(what.ProxyMode), "is not a proxy mode of a lab"), Known<IpvsScheduler>(what.IpvsScheduler, nameof(what.IpvsScheduler), "is not a scheduler of IPVS"));
        PlanException.Require(to != from, what.ProxyMode is null ? nameof(what.IpvsScheduler) : nameof(what.ProxyMode), to, $"is in force at {Selection.Seconds(what.At)} already", "Give another one");
        planner.Step(of, $"all nodes change over from {from} to {to}", planner.State with { Balancing = to });
        if (what.Duration is not { } duration) return;
        planner.Later(planner.Now + duration, () =>
        {
            if (planner.State.Balancing == to) planner.Step(of, $"all nodes change back to {from}", planner.State with { Balancing = from }, undo: true);
        });
    }

    private static T? Known<T>(string? name, string parameter, string problem) where T : struct, Enum
    {
        if (name is null) return null;
        bool known = Enum.TryParse(name, ignoreCase: true, out T value) && char.IsAsciiLetter(name[0]);
        PlanException.Require(known, parameter, name, problem, $"Use one of {string.Join(", ", Enum.GetNames<T>())}");
        return value;
    }

    internal void Flush(PlannedDisturbance of)
    {
        ImmutableArray<string> all = [.. planner.State.Topology.Nodes.Select(n => n.Name)];
        ImmutableArray<string> nodes = of.What.Name.IsDefaultOrEmpty ? all : Selection.Named(of.What.Name, all, "is no node of this lab");
        planner.StepFlush(of, $"{(nodes.Length == all.Length ? "all nodes forget" : nodes.Length == 1 ? $"{nodes[0]} forgets" : $"{Selection.Words(nodes)} forget")} the connections tracked", nodes);
    }
}
