using LbTest.Engine;
using LbTest.Engine.Disturbances;
using LbTest.Engine.Traffic;

namespace LbTest.Clusters.Lab.Disturbances;

/// <summary>Works out, before a test begins, every step that its disturbances will take: it goes through them in the order of time, as if they happened.</summary>
/// <remarks>So every choice is made and every mistake found while nothing has been touched, and nothing is left to think about when time is short.</remarks>
internal sealed class DisturbancePlanner
{
    private readonly PriorityQueue<Action, (TimeSpan At, bool New, int Number)> _queue = new();
    private readonly List<LabStep> _steps = [];
    private int _number;

    private DisturbancePlanner(LabState state, TrafficPlan plan)
    {
        (State, End, Random) = (state, plan.Duration, new Random(plan.Seed ?? 0));
        Endpoints = new EndpointDisturbances(this);
        Nodes = new NodeDisturbances(this);
        Ecmp = new EcmpDisturbances(this);
        Hop = new HopDisturbances(this);
        Rollouts = new RolloutDisturbances(this);
        Proxy = new ProxyDisturbances(this);
    }

    private EndpointDisturbances Endpoints { get; }

    private NodeDisturbances Nodes { get; }

    private EcmpDisturbances Ecmp { get; }

    private HopDisturbances Hop { get; }

    private RolloutDisturbances Rollouts { get; }

    private ProxyDisturbances Proxy { get; }

    /// <summary>The lab as it will be at <see cref="Now"/>.</summary>
    internal LabState State { get; set; }

    /// <summary>Its hops at that time.</summary>
    internal HopState Hops { get; private set; } = HopState.Calm;

    /// <summary>The time that the planning has got to.</summary>
    internal TimeSpan Now { get; private set; }

    /// <summary>When the test ends.</summary>
    internal TimeSpan End { get; }

    /// <summary>Makes the choices; the same seed makes the same ones.</summary>
    internal Random Random { get; }

    /// <summary>All steps in the order of time, and the endpoints that have to be added to the lab for them.</summary>
    /// <exception cref="PlanException">A disturbance cannot be carried out in this lab.</exception>
    internal static (ImmutableArray<LabStep> Steps, ImmutableArray<LabEndpoint> Extra) Plan(LabState state, TrafficPlan plan, ImmutableArray<Disturbance> disturbances)
    {
        var planner = new DisturbancePlanner(state, plan);
        for (int i = 0; i < disturbances.Length; i++)
        {
            (int index, Disturbance disturbance) = (i, disturbances[i]);
            planner.Enqueue(disturbance.At, isNew: true, () => planner.Begin(index, disturbance));
        }

        while (planner._queue.TryDequeue(out Action? work, out (TimeSpan At, bool, int) priority))
        {
            planner.Now = priority.At;
            // What would only come after the end is part of the undoing of everything.
            if (planner.Now < planner.End) work();
        }

        return (Numbered(planner._steps), planner.Rollouts.Extra);
    }

    /// <summary>Has <paramref name="work"/> go on at a later time; before what begins only then.</summary>
    internal void Later(TimeSpan at, Action work) => Enqueue(at, isNew: false, work);

    /// <summary>Adds a step that leads to another state of the lab.</summary>
    internal void Step(PlannedDisturbance of, string description, LabState after, IEnumerable<string>? broken = null, bool undo = false)
    {
        string[] before = [.. State.InRules.Select(e => e.Name)], rules = [.. after.InRules.Select(e => e.Name)];
        (int targetsBefore, int targetsAfter) = (State.EcmpTargets.Length, after.EcmpTargets.Length);
        bool routes = targetsBefore != targetsAfter;
        DisturbanceEvent what = Event(of, description, undo) with
        {
            Removed = [.. before.Except(rules)], Added = [.. rules.Except(before)], Broken = [.. broken ?? []], EndpointsAfter = rules.Length,
            EcmpTargetsBefore = routes ? targetsBefore : null, EcmpTargetsAfter = routes ? targetsAfter : null,
        };
        State = after;
        _steps.Add(new LabStep(what) { State = after });
    }

    /// <summary>Adds a step that changes what happens on hops.</summary>
    internal void Step(PlannedDisturbance of, string description, HopState after, bool undo = false)
    {
        Hops = after;
        _steps.Add(new LabStep(Event(of, description, undo)) { Hops = after });
    }

    /// <summary>Adds a step in which nodes forget the connections they track.</summary>
    internal void StepFlush(PlannedDisturbance of, string description, ImmutableArray<string> nodes) =>
        _steps.Add(new LabStep(Event(of, description, undo: false)) { Flush = nodes });

    // The one place that knows all kinds.
    private void Begin(int index, Disturbance disturbance)
    {
        var of = new PlannedDisturbance(index, disturbance);
        switch (disturbance.Kind)
        {
            case DisturbanceKind.EndpointDown: Endpoints.Down(of); break;
            case DisturbanceKind.EndpointUp: Endpoints.Up(of); break;
            case DisturbanceKind.NodeDown: Nodes.Down(of); break;
            case DisturbanceKind.NodeUp: Nodes.Up(of); break;
            case DisturbanceKind.EcmpTargetRemove: Ecmp.Remove(of); break;
            case DisturbanceKind.EcmpTargetAdd: Ecmp.Add(of); break;
            case DisturbanceKind.PacketLoss or DisturbanceKind.Delay or DisturbanceKind.Reorder or DisturbanceKind.RateLimit: Hop.Begin(of); break;
            case DisturbanceKind.RollingUpdate: Rollouts.Update(of); break;
            case DisturbanceKind.ScaleTo: Rollouts.Scale(of); break;
            case DisturbanceKind.ProxyModeSwitch: Proxy.Switch(of); break;
            case DisturbanceKind.ConntrackFlush: Proxy.Flush(of); break;
            case DisturbanceKind.NodeDrain or DisturbanceKind.ProxyRestart: throw new PlanException(nameof(Disturbance.Kind), disturbance.Kind, "is for Kubernetes clusters alone: a lab has no scheduler and no kube-proxy", "Use NodeDown or ProxyModeSwitch, or Start-LbCluster -Kubernetes");
            default: throw new PlanException(nameof(Disturbance.Kind), disturbance.Kind, "is nothing that a lab can do by itself", "Leave it to the one who runs the test");
        }
    }

    private DisturbanceEvent Event(PlannedDisturbance of, string description, bool undo) => new()
    {
        Kind = of.What.Kind, Description = description, Index = of.Index, Undo = undo, Planned = Now, EndpointsAfter = State.InRules.Length,
    };

    private void Enqueue(TimeSpan at, bool isNew, Action work) => _queue.Enqueue(work, (at, isNew, _number++));

    // A disturbance of a single step has no number, nor has an undoing of one.
    private static ImmutableArray<LabStep> Numbered(List<LabStep> steps)
    {
        var counts = steps.CountBy(step => (step.Event.Index, step.Event.Undo)).ToDictionary();
        var next = new Dictionary<(int, bool), int>();
        return [.. steps.Select(step => counts[(step.Event.Index, step.Event.Undo)] == 1 ? step : step with { Event = step.Event with { Step = Next(step.Event) } })];

        int Next(DisturbanceEvent what) => next[(what.Index, what.Undo)] = next.GetValueOrDefault((what.Index, what.Undo)) + 1;
    }
}

/// <summary>A disturbance and its place in the list.</summary>
internal sealed record PlannedDisturbance(int Index, Disturbance What);
