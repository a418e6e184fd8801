using LbTest.Engine;
using LbTest.Engine.Disturbances;

namespace LbTest.Clusters.Lab.Disturbances;

/// <summary>Endpoints that are replaced, added or taken away as a Kubernetes Deployment does it.</summary>
internal sealed class RolloutDisturbances(DisturbancePlanner planner)
{
    private readonly List<LabEndpoint> _extra = [];
    private TimeSpan _busyUntil;

    /// <summary>The endpoints that have to be added to the lab.</summary>
    internal ImmutableArray<LabEndpoint> Extra => [.. _extra];

    internal void Update(PlannedDisturbance of)
    {
        Disturbance what = of.What;
        PlanException.Require(what.Image is null, nameof(what.Image), what.Image, "means nothing in a lab, whose endpoints have none", "Leave it out");
        LabEndpoint[] old = Existing(what);
        PlanException.Require(old.Length > 0, nameof(what.Kind), what.Kind, $"at {Selection.Seconds(planner.Now)} finds no endpoint to replace", "Give the lab endpoints");
        ImmutableArray<RolloutStep> steps = Rollout.Update(old.Length, what.MaxSurge, what.MaxUnavailable, what.ReadinessDelay, what.DrainTime);
        Require(what, steps);
        // Each new one lives on the node of the one that it replaces.
        Carry(of, steps, old, [.. old.Select(endpoint => NewOn(what, endpoint.Node))]);
    }

    internal void Scale(PlannedDisturbance of)
    {
        Disturbance what = of.What;
        LabEndpoint[] old = Existing(what);
        int before = old.Length, wanted = what.Replicas!.Value;
        PlanException.Require(wanted != before, nameof(what.Replicas), wanted, $"is the number of endpoints that there are at {Selection.Seconds(planner.Now)} already", "Give another number");
        ScaleTo(of, old, wanted, undo: false);
        if (what.Duration is not { } duration) return;
        PlanException.Require(planner.Now + duration >= _busyUntil, nameof(what.Duration), Selection.Seconds(duration), $"ends before the change in scale does, which takes {Selection.Seconds(_busyUntil - planner.Now)}",
            "Give more, or shorten ReadinessDelay or DrainTime");
        planner.Later(planner.Now + duration, () => ScaleTo(of, [.. planner.State.Endpoints], before, undo: true));
    }

    private void ScaleTo(PlannedDisturbance of, LabEndpoint[] old, int wanted, bool undo)
    {
        Disturbance what = of.What;
        ImmutableArray<RolloutStep> steps = Rollout.Scale(old.Length, wanted, what.ReadinessDelay, what.DrainTime);
        // What its undoing still has to do when the test ends is undone with everything else.
        if (!undo) Require(what, steps);
        Carry(of, steps, old, [.. Enumerable.Range(old.Length, Math.Max(0, wanted - old.Length)).Select(i => NewOn(what, NodeFor(i)))], undo);
    }

    private LabEndpoint[] Existing(Disturbance what)
    {
        PlanException.Require(planner.Now >= _busyUntil, nameof(what.At), Selection.Seconds(what.At), $"is before the rollout under way ends, at {Selection.Seconds(_busyUntil)}", "Begin it then or later");
        return [.. planner.State.Endpoints];
    }

    private void Require(Disturbance what, ImmutableArray<RolloutStep> steps)
    {
        TimeSpan end = planner.Now + steps.Max(step => step.At);
        PlanException.Require(end < planner.End, nameof(what.At), Selection.Seconds(what.At), $"is too late for this {what.Kind}: it goes on until {Selection.Seconds(end)}, the test lasts {Selection.Seconds(planner.End)}",
            "Give the test more time, or shorten ReadinessDelay or DrainTime");
        _busyUntil = end;
    }

    // Everything of one instant is one step: the rules change once, then those that leave close their connections.
    private void Carry(PlannedDisturbance of, ImmutableArray<RolloutStep> steps, LabEndpoint[] old, LabEndpoint[] @new, bool undo = false)
    {
        TimeSpan start = planner.Now;
        LabState state = planner.State;
        planner.State = state with
        {
            Extra = [.. state.Extra, .. @new], Absent = state.Absent.Union(@new.Select(e => e.Name)), Out = state.Out.Union(@new.Select(e => e.Name)),
        };
        foreach (IGrouping<TimeSpan, RolloutStep> instant in steps.Where(step => step.Action != RolloutAction.Create).GroupBy(step => step.At).OrderBy(group => group.Key))
        {
            string[] Of(RolloutAction action) => [.. instant.Where(step => step.Action == action).Select(step => (step.New ? @new : old)[step.Index].Name)];
            (string[] ready, string[] removed, string[] closed) = (Of(RolloutAction.Ready), Of(RolloutAction.Remove), Of(RolloutAction.Close));
            if (instant.Key == TimeSpan.Zero) Happen();
            else planner.Later(start + instant.Key, Happen);

            void Happen()
            {
                LabState now = planner.State;
                planner.Step(of, Say(ready, removed, closed), now with
                {
                    Absent = now.Absent.Except(ready).Union(closed), Out = now.Out.Except(ready).Union(removed),
                    Refusing = now.Refusing.SetItems(closed.Where(name => !now.Refusing.ContainsKey(name)).Select(name => KeyValuePair.Create(name, ConnectionEnd.Close))),
                }, broken: closed, undo: undo);
            }
        }
    }

    private static string Say(string[] ready, string[] removed, string[] closed)
    {
        (string[] Names, Does Does)[] parts =
        [
            (ready, Does.IsReady), ([.. removed.Intersect(closed)], Does.LeavesRules.And(Does.Closes)), ([.. removed.Except(closed)], Does.LeavesRules), ([.. closed.Except(removed)], Does.Closes),
        ];
        return string.Join("; ", parts.Where(part => part.Names.Length > 0).Select(part => Selection.Say("endpoint", part.Names, part.Does)));
    }

    private string NodeFor(int place)
    {
        ImmutableArray<LabNode> nodes = planner.State.Topology.Nodes;
        // Round robin over the nodes that have an address left; where none has, the first one says so.
        IEnumerable<LabNode> turn = Enumerable.Range(0, nodes.Length).Select(i => nodes[(place + i) % nodes.Length]);
        return (turn.FirstOrDefault(node => NextHost(node) <= LabTopology.LastHost) ?? nodes[0]).Name;
    }

    private int NextHost(LabNode node) => LabTopology.FirstHost + node.Endpoints.Length + _extra.Count(e => e.Node == node.Name);

    private LabEndpoint NewOn(Disturbance what, string nodeName)
    {
        LabTopology topology = planner.State.Topology;
        LabNode node = topology.Nodes.Single(n => n.Name == nodeName);
        (int host, int number) = (NextHost(node), topology.Endpoints.Length + _extra.Count + 1);
        PlanException.Require(host <= LabTopology.LastHost, nameof(what.Kind), what.Kind, $"needs more than the {LabSpec.MaxEndpointsPerNode} addresses that {nodeName} has for endpoints", "Give the lab more nodes or fewer endpoints");
        PlanException.Require(number <= topology.LastEndpointNumber, nameof(what.Kind), what.Kind, $"needs more endpoints than names of {topology.EndpointName(1).Length} characters can tell apart, {topology.LastEndpointNumber}", "Give the lab fewer endpoints");
        byte[] network = node.Gateway.GetAddressBytes();
        var endpoint = new LabEndpoint(topology.EndpointName(number), nodeName, new IPAddress([network[0], network[1], network[2], (byte)host]));
        _extra.Add(endpoint);
        return endpoint;
    }
}
