using System.Globalization;
using LbTest.Clusters.Tools;
using LbTest.Engine.Disturbances;

namespace LbTest.Clusters.Lab.Disturbances;

/// <summary>Puts trouble on hops in force: loss by an nft rule where packets arrive, delay and rate limits by queueing disciplines where they leave.</summary>
/// <remarks>
/// Loss is not at the sender: a packet that its own output drops is known to its TCP at once. What travels as one large packet between
/// namespaces (GSO) is lost as one. A rate limit is a token bucket (tc-tbf(8)) with a queue of 100 ms behind it; what does not fit is dropped.
/// </remarks>
internal sealed class LabHops
{
    private const double QueueSeconds = 0.1, BurstSeconds = 0.01;

    // A queue must hold some packets at any rate; larger ones than the bucket are split by the kernel.
    private const long LeastQueue = 16 * 1024;

    private HopState _inForce = HopState.Calm;

    /// <summary>Puts a state in force, all of it that can be.</summary>
    /// <returns>What could not be done; empty when all was.</returns>
    internal ImmutableArray<string> Enforce(HopState state)
    {
        var errors = new List<string>();
        HopSide[] sides = [.. _inForce.Sides.Keys.Union(state.Sides.Keys)];
        HopState before = _inForce;
        Do(sides.Where(side => before[side].Loss != state[side].Loss), side => side.Receiver.Namespace, side => Tool.Run("nft", ["-f", "-"], Loss(side, state[side].Loss)));
        Do(sides.Where(side => before[side] with { Loss = null } != state[side] with { Loss = null }), side => side.Sender.Namespace,
            side => Tool.Run("tc", ["-batch", "-"], Queueing(side.Sender.Device, state[side])));
        _inForce = state;
        return [.. errors];

        void Do(IEnumerable<HopSide> some, Func<HopSide, string> place, Action<HopSide> work) => SideBySide.Run(some, place, side =>
        {
            if (Attempt.To(() => work(side)) is { } error) lock (errors) errors.Add(error);
        });
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

    // Each root has a handle of its own: a discipline is replaced by one of another kind only under another name.
    private static string Queueing(string device, HopTrouble trouble)
    {
        string? rate = trouble.BytesPerSecond is { } bytes ? TokenBucket(bytes) : null;
        if (trouble.Latency is not { } latency) return rate is null ? $"qdisc del dev {device} root\n" : $"qdisc replace dev {device} root handle 1: {rate}\n";
        string jitter = trouble.Jitter == default ? "" : $" {Microseconds(trouble.Jitter)}";
        string delay = $"qdisc replace dev {device} root handle 2: netem limit 100000 delay {Microseconds(latency)}{jitter}\n";
        return rate is null ? delay : $"{delay}qdisc replace dev {device} parent 2:1 handle 3: {rate}\n";
    }

    private static string TokenBucket(double bytesPerSecond)
    {
        long rate = (long)Math.Round(bytesPerSecond), burst = Math.Max(LeastQueue, (long)(rate * BurstSeconds)), queue = Math.Max(LeastQueue, (long)(rate * QueueSeconds));
        return $"tbf rate {rate}bps burst {Math.Min(burst, int.MaxValue)} limit {Math.Min(burst + queue, int.MaxValue)}";
    }

    private static string Microseconds(TimeSpan time) => string.Create(CultureInfo.InvariantCulture, $"{time.TotalMicroseconds:0}us");
}
