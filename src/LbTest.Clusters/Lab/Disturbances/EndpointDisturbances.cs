using LbTest.Engine.Disturbances;

namespace LbTest.Clusters.Lab.Disturbances;

/// <summary>Endpoints that leave and come back.</summary>
internal sealed class EndpointDisturbances(DisturbancePlanner planner)
{
    // Which disturbance took an endpoint down last: only that one goes on with it.
    private readonly Dictionary<string, PlannedDisturbance> _down = [];

    internal void Down(PlannedDisturbance of)
    {
        Disturbance what = of.What;
        ImmutableArray<string> names = Choose(what, planner.State.IsUp, "up");
        foreach (string name in names) _down[name] = of;
        (Does first, Does second) = what.Mode switch
        {
            EndpointDownMode.Drain => (Does.LeavesRules, Does.Closes),
            EndpointDownMode.Reset => (Does.Resets, Does.LeavesRules),
            _ => (Does.FallsSilent, Does.LeavesRules),
        };
        bool drains = what.Mode == EndpointDownMode.Drain;
        TimeSpan wait = drains ? what.DrainTime : what.DetectAfter;
        if (wait == TimeSpan.Zero)
        {
            planner.Step(of, Say(names, first.And(second)), Leave(Break(planner.State, what.Mode, names), names), broken: names);
        }
        else
        {
            planner.Step(of, Say(names, first), drains ? Leave(planner.State, names) : Break(planner.State, what.Mode, names), broken: drains ? null : names);
            planner.Later(planner.Now + wait, () => Then(of, names, still => planner.Step(
                of, Say(still, second), drains ? Break(planner.State, what.Mode, still) : Leave(planner.State, still), broken: drains ? still : null)));
        }

        if (what.Duration is { } duration) planner.Later(planner.Now + duration, () => Then(of, names, still => Return(of, still)));
    }

    internal void Up(PlannedDisturbance of) => Return(of, Choose(of.What, endpoint => _down.ContainsKey(endpoint.Name), "down"));

    private void Return(PlannedDisturbance of, ImmutableArray<string> names)
    {
        foreach (string name in names) _ = _down.Remove(name);
        LabState state = planner.State;
        planner.Step(of, Say(names, Does.IsBack), state with { Out = state.Out.Except(names), Refusing = state.Refusing.RemoveRange(names), Silent = state.Silent.Except(names) }, undo: true);
    }

    private ImmutableArray<string> Choose(Disturbance what, Func<LabEndpoint, bool> able, string wanted)
    {
        var all = planner.State.Endpoints.ToDictionary(e => e.Name);
        return Selection.Choose(what, [.. planner.State.Endpoints.Select(e => e.Name)], name => able(all[name]), "endpoint", wanted, planner.Random);
    }

    // Those that came back, or went for good, before it got so far are left alone.
    private void Then(PlannedDisturbance of, ImmutableArray<string> names, Action<ImmutableArray<string>> work)
    {
        var exist = planner.State.Endpoints.Select(e => e.Name).ToHashSet();
        ImmutableArray<string> still = [.. names.Where(name => exist.Contains(name) && _down.GetValueOrDefault(name) == of)];
        if (!still.IsEmpty) work(still);
    }

    private static LabState Leave(LabState state, ImmutableArray<string> names) => state with { Out = state.Out.Union(names) };

    private static LabState Break(LabState state, EndpointDownMode mode, ImmutableArray<string> names) => mode switch
    {
        EndpointDownMode.Drain => state with { Refusing = state.Refusing.SetItems(names.Select(name => KeyValuePair.Create(name, ConnectionEnd.Close))) },
        EndpointDownMode.Reset => state with { Refusing = state.Refusing.SetItems(names.Select(name => KeyValuePair.Create(name, ConnectionEnd.Reset))) },
        _ => state with { Silent = state.Silent.Union(names) },
    };

    private static string Say(ImmutableArray<string> names, Does does) => Selection.Say("endpoint", names, does);
}
