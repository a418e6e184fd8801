using System.Globalization;
using LbTest.Engine;
using LbTest.Engine.Disturbances;

namespace LbTest.Clusters.Lab.Disturbances;

/// <summary>Hops that lose, delay, reorder or hold up packets.</summary>
internal sealed class HopDisturbances(DisturbancePlanner planner)
{
    internal void Begin(PlannedDisturbance of)
    {
        Disturbance what = of.What;
        ImmutableArray<HopSide> sides = Sides(what);
        foreach (HopSide side in sides)
        {
            PlanException.Require(Free(planner.Hops[side], what.Kind), nameof(what.Name), side.Place, $"has another {what.Kind} of the same direction at {Selection.Seconds(what.At)}",
                "Let one end before the other begins");
        }

        HopState after = sides.Aggregate(planner.Hops, (hops, side) => hops.With(side, What(hops[side], what)));
        string ways = what.Direction switch { HopDirection.To => "to", HopDirection.From => "from", _ => "to and from" };
        string places = $"{ways} {Selection.Words([.. sides.Select(side => side.Place).Distinct()])}";
        planner.Step(of, $"{Say(what)} {places}", after);
        if (what.Duration is not { } duration) return;
        planner.Later(planner.Now + duration, () => planner.Step(
            of, $"no more {Noun(what.Kind)} {places}", sides.Aggregate(planner.Hops, (hops, side) => hops.With(side, Without(hops[side], what.Kind))), undo: true));
    }

    private ImmutableArray<HopSide> Sides(Disturbance what)
    {
        LabTopology topology = planner.State.Topology;
        (string Place, string Neighbour, string Device)[] hops =
        [
            (LabTopology.Tester, LabTopology.Router, LabTopology.Tester), .. topology.Nodes.Select(n => (n.Name, LabTopology.Router, n.Name)),
            .. planner.State.Endpoints.Select(e => (e.Name, e.Node, LabNetwork.Device(e))),
        ];
        string problem = $"is neither the tester nor a node nor an endpoint of this lab at {Selection.Seconds(what.At)}";
        ImmutableArray<string> names = what.Name.IsDefaultOrEmpty ? [LabTopology.Tester] : Selection.Named(what.Name, [.. hops.Select(h => h.Place)], problem);
        HopDirection[] directions = what.Direction == HopDirection.Both ? [HopDirection.To, HopDirection.From] : [what.Direction];
        return [.. from hop in hops where names.Contains(hop.Place) from direction in directions select new HopSide(hop.Place, direction, hop.Neighbour, hop.Device)];
    }

    private static bool Free(HopTrouble trouble, DisturbanceKind kind) => kind switch
    {
        DisturbanceKind.PacketLoss => trouble.Loss is null,
        DisturbanceKind.Delay => trouble.Latency is null,
        DisturbanceKind.Reorder => trouble.Overtaking is null,
        _ => trouble.BytesPerSecond is null,
    };

    private static HopTrouble What(HopTrouble trouble, Disturbance what) => what.Kind switch
    {
        DisturbanceKind.PacketLoss => trouble with { Loss = what.Percent },
        DisturbanceKind.Delay => trouble with { Latency = what.Latency, Jitter = what.Jitter },
        DisturbanceKind.Reorder => trouble with { Overtaking = what.Percent, HeldBack = HeldBack(what) },
        _ => trouble with { BytesPerSecond = what.BytesPerSecond },
    };

    private static HopTrouble Without(HopTrouble trouble, DisturbanceKind kind) => kind switch
    {
        DisturbanceKind.PacketLoss => trouble with { Loss = null },
        DisturbanceKind.Delay => trouble with { Latency = null, Jitter = default },
        DisturbanceKind.Reorder => trouble with { Overtaking = null, HeldBack = default },
        _ => trouble with { BytesPerSecond = null },
    };

    private static TimeSpan HeldBack(Disturbance what) => what.Latency ?? Disturbance.DefaultHoldBack;

    private static string Noun(DisturbanceKind kind) => kind switch
    {
        DisturbanceKind.PacketLoss => "packet loss", DisturbanceKind.Delay => "delay", DisturbanceKind.Reorder => "reordering", _ => "rate limit",
    };

    private static string Say(Disturbance what) => what.Kind switch
    {
        DisturbanceKind.PacketLoss => string.Create(CultureInfo.InvariantCulture, $"{what.Percent:0.####} % of packets are lost"),
        DisturbanceKind.Delay => $"packets are delayed by {Milliseconds(what.Latency!.Value)}{(what.Jitter == default ? "" : $" ± {Milliseconds(what.Jitter)}")}",
        DisturbanceKind.Reorder => string.Create(CultureInfo.InvariantCulture, $"{what.Percent:0.####} % of packets overtake the others, held back by {Milliseconds(HeldBack(what))},"),
        _ => string.Create(CultureInfo.InvariantCulture, $"at most {what.BytesPerSecond:#,0} bytes/s get through"),
    };

    private static string Milliseconds(TimeSpan time) => string.Create(CultureInfo.InvariantCulture, $"{time.TotalMilliseconds:0.###} ms");
}
