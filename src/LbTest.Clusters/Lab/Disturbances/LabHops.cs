using LbTest.Clusters.Lab.Kernels;
using LbTest.Clusters.Tools;
using LbTest.Engine.Disturbances;

namespace LbTest.Clusters.Lab.Disturbances;

/// <summary>Puts trouble on hops in force: loss by an nft rule where packets arrive, the rest by queueing disciplines where they leave.</summary>
/// <remarks>
/// Loss is not at the sender: a packet that its own packet filter drops is known to its TCP at once. A user-mode kernel has no such rules; there
/// the discipline that delays loses packets as well, of which TCP knows nothing either. What travels as one large packet between namespaces
/// (GSO) is lost, or delayed, as one.
/// </remarks>
internal sealed class LabHops
{
    private readonly Dictionary<HopSide, HopQueue> _queues = [];
    private HopState _inForce = HopState.Calm;

    /// <summary>Puts a state in force, all of it that can be.</summary>
    /// <returns>What could not be done; empty when all was.</returns>
    internal ImmutableArray<string> Enforce(HopState state)
    {
        HopState before = _inForce;
        _inForce = state;
        HopSide[] sides = [.. before.Sides.Keys.Union(state.Sides.Keys)];
        HopSide[] queues = [.. sides.Where(side => Queued(before[side]) != Queued(state[side]))];
        foreach (HopSide side in queues) _ = _queues.TryAdd(side, new HopQueue(side.Sender.Device));
        return
        [
            .. Do(sides.Where(side => Filtered(before[side]) != Filtered(state[side])), side => side.Receiver.Namespace, side => Tool.Run("nft", ["-f", "-"], Loss(side, state[side].Loss))),
            .. Do(queues, side => side.Sender.Namespace, side => Queue(_queues[side].Change(Queued(state[side])))),
        ];
    }

    /// <summary>Ends all trouble and leaves nothing of it.</summary>
    /// <returns>What could not be done; empty when all was.</returns>
    internal ImmutableArray<string> End()
    {
        HopState before = _inForce;
        _inForce = HopState.Calm;
        return
        [
            .. Do(before.Sides.Keys.Where(side => Filtered(before[side]) is not null), side => side.Receiver.Namespace, side => Tool.Run("nft", ["-f", "-"], Loss(side, null))),
            .. Do(_queues.Keys, side => side.Sender.Namespace, side => Queue(_queues[side].Clear())),
        ];
    }

    private static double? Filtered(HopTrouble trouble) => Guest.Inside ? null : trouble.Loss;

    private static HopTrouble Queued(HopTrouble trouble) => Guest.Inside ? trouble : trouble with { Loss = null };

    private static List<string> Do(IEnumerable<HopSide> some, Func<HopSide, string> place, Action<HopSide> work)
    {
        var errors = new List<string>();
        SideBySide.Run(some, place, side =>
        {
            if (Attempt.To(() => work(side)) is { } error) lock (errors) errors.Add(error);
        });
        return errors;
    }

    private static void Queue(string lines)
    {
        if (lines.Length > 0) _ = Tool.Run("tc", ["-batch", "-"], lines);
    }

    private static string Loss(HopSide side, double? percent)
    {
        string table = $"inet lbtest-loss-{side.Place}-{(side.Direction == HopDirection.To ? "to" : "from")}", gone = $"add table {table}\ndelete table {table}\n";
        if (percent is null) return gone;
        // Before connection tracking: a packet that got lost was never there. 1 in a million is the least.
        long millionths = Math.Max(1, (long)Math.Round(percent.Value * 10_000));
        string chance = millionths >= 1_000_000 ? "" : $"numgen random mod 1000000 < {millionths} ";
        return $"{gone}table {table} {{\n chain loss {{\n type filter hook prerouting priority -350\n iifname \"{side.Receiver.Device}\" {chance}drop\n }}\n}}\n";
    }
}
