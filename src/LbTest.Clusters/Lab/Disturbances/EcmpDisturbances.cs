using LbTest.Engine;
using LbTest.Engine.Disturbances;

namespace LbTest.Clusters.Lab.Disturbances;

/// <summary>Nodes that the router ceases to send to, and sends to again.</summary>
internal sealed class EcmpDisturbances(DisturbancePlanner planner)
{
    internal void Remove(PlannedDisturbance of)
    {
        RequireEcmp(of.What);
        ImmutableHashSet<string> targets = [.. planner.State.EcmpTargets.Select(n => n.Name)];
        ImmutableArray<string> names = Choose(of.What, targets.Contains, "a target");
        PlanException.Require(targets.Count > names.Length, nameof(of.What.Kind), of.What.Kind, $"at {Selection.Seconds(of.What.At)} would leave the router no target", "Leave it at least one node");
        planner.Step(of, Say(names, "no longer sends to"), planner.State with { EcmpOut = planner.State.EcmpOut.Union(names) });
        if (of.What.Duration is not { } duration) return;
        planner.Later(planner.Now + duration, () =>
        {
            ImmutableArray<string> still = [.. names.Where(planner.State.EcmpOut.Contains)];
            if (!still.IsEmpty) Return(of, still);
        });
    }

    internal void Add(PlannedDisturbance of)
    {
        RequireEcmp(of.What);
        Return(of, Choose(of.What, planner.State.EcmpOut.Contains, "not a target"));
    }

    private void Return(PlannedDisturbance of, ImmutableArray<string> names) =>
        planner.Step(of, Say(names, "sends again to"), planner.State with { EcmpOut = planner.State.EcmpOut.Except(names) }, undo: true);

    private ImmutableArray<string> Choose(Disturbance what, Func<string, bool> able, string wanted) =>
        Selection.Choose(what, [.. planner.State.Topology.EntryNodes.Select(n => n.Name)], able, "node", wanted, planner.Random);

    private void RequireEcmp(Disturbance what) =>
        PlanException.Require(planner.State.Topology.Spec.Ecmp, nameof(what.Kind), what.Kind, "needs a lab whose router spreads over the nodes", "Start the lab with ECMP");

    private static string Say(ImmutableArray<string> names, string does) => $"the router {does} {Selection.Words(names)}";
}
