using LbTest.Engine.Disturbances;

namespace LbTest.Clusters.Lab.Disturbances;

/// <summary>One way of a hop: the link between a place and its upstream neighbour (tester and nodes: the router, an endpoint: its node).</summary>
/// <param name="Place">The tester, a node or an endpoint; its device is <c>eth0</c>.</param>
/// <param name="Direction">To or from the place.</param>
/// <param name="Neighbour">The neighbour's namespace.</param>
/// <param name="Device">The neighbour's device that leads to the place.</param>
internal sealed record HopSide(string Place, HopDirection Direction, string Neighbour, string Device)
{
    /// <summary>Where packets of this way leave.</summary>
    internal (string Namespace, string Device) Sender => Direction == HopDirection.To ? (Neighbour, Device) : (Place, "eth0");

    /// <summary>Where they arrive.</summary>
    internal (string Namespace, string Device) Receiver => Direction == HopDirection.To ? (Place, "eth0") : (Neighbour, Device);
}

/// <summary>What happens to packets on a way.</summary>
internal sealed record HopTrouble
{
    /// <summary>Per cent lost, at random.</summary>
    internal double? Loss { get; init; }

    /// <summary>How long they are delayed.</summary>
    internal TimeSpan? Latency { get; init; }

    /// <summary>How much that varies.</summary>
    internal TimeSpan Jitter { get; init; }

    /// <summary>Per cent that overtake the others.</summary>
    internal double? Overtaking { get; init; }

    /// <summary>How long the others are held back for that.</summary>
    internal TimeSpan HeldBack { get; init; }

    /// <summary>Bytes/s at most.</summary>
    internal double? BytesPerSecond { get; init; }
}

/// <summary>What happens on all hops of a lab; those that nothing happens on are not in it.</summary>
internal sealed record HopState(ImmutableDictionary<HopSide, HopTrouble> Sides)
{
    /// <summary>Nothing anywhere.</summary>
    internal static HopState Calm { get; } = new(ImmutableDictionary<HopSide, HopTrouble>.Empty);

    internal HopTrouble this[HopSide side] => Sides.GetValueOrDefault(side) ?? new HopTrouble();

    internal HopState With(HopSide side, HopTrouble trouble) => new(trouble == new HopTrouble() ? Sides.Remove(side) : Sides.SetItem(side, trouble));
}
