using LbTest.Engine.Disturbances;

namespace LbTest.Clusters.Lab.Disturbances;

/// <summary>Nodes that fall silent, with everything on them, and come back.</summary>
internal sealed class NodeDisturbances(DisturbancePlanner planner)
{
    private readonly Dictionary<string, PlannedDisturbance> _down = [];

    internal void Down(PlannedDisturbance of)
    {
        Disturbance what = of.What;
        ImmutableArray<string> names = Choose(what, name => !planner.State.Silent.Contains(name), "up");
        foreach (string name in names) _down[name] = of;
        string[] broken = [.. planner.State.Endpoints.Where(e => names.Contains(e.Node) && planner.State.IsUp(e)).Select(e => e.Name)];
        LabState silent = planner.State with { Silent = planner.State.Silent.Union(names) };
        if (what.DetectAfter == TimeSpan.Zero)
        {
            planner.Step(of, Say(names, Does.FallsSilent.And(Does.IsLeftOut)), Known(silent, names), broken);
        }
        else
        {
            planner.Step(of, Say(names, Does.FallsSilent), silent, broken);
            planner.Later(planner.Now + what.DetectAfter, () => Then(of, names, still => planner.Step(of, Say(still, Does.IsLeftOut), Known(planner.State, still))));
        }

        if (what.Duration is { } duration) planner.Later(planner.Now + duration, () => Then(of, names, still => Return(of, still)));
    }

    internal void Up(PlannedDisturbance of) => Return(of, Choose(of.What, _down.ContainsKey, "down"));

    private void Return(PlannedDisturbance of, ImmutableArray<string> names)
    {
        foreach (string name in names) _ = _down.Remove(name);
        LabState state = planner.State;
        planner.Step(of, Say(names, Does.IsBack), state with { Silent = state.Silent.Except(names), NodesOut = state.NodesOut.Except(names) }, undo: true);
    }

    private ImmutableArray<string> Choose(Disturbance what, Func<string, bool> able, string wanted) =>
        Selection.Choose(what, [.. planner.State.Topology.Nodes.Select(n => n.Name)], able, "node", wanted, planner.Random);

    private void Then(PlannedDisturbance of, ImmutableArray<string> names, Action<ImmutableArray<string>> work)
    {
        ImmutableArray<string> still = [.. names.Where(name => _down.GetValueOrDefault(name) == of)];
        if (!still.IsEmpty) work(still);
    }

    private static LabState Known(LabState state, ImmutableArray<string> names) => state with { NodesOut = state.NodesOut.Union(names) };

    private static string Say(ImmutableArray<string> names, Does does) => Selection.Say("node", names, does);
}
