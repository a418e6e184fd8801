using LbTest.Engine.Sockets;
using LbTest.Engine.Traffic;

namespace LbTest.Engine.Disturbances;

/// <summary>One sample's failures.</summary>
/// <param name="From">The end of the sample before.</param>
/// <param name="Sample">The sample.</param>
/// <param name="LostPackets">Packets of it that never came back; those that were merely under way at its end are none.</param>
internal readonly record struct SampledTrouble(TimeSpan From, TrafficSample Sample, long LostPackets)
{
    /// <summary>True when nothing was dropped but by this machine's own fault, and no packet lost.</summary>
    internal bool IsClean => Sample.Dropped == Sample.Late && LostPackets == 0;
}

/// <summary>When something went wrong: connections to the tick, by their records; packets by the second, by the samples.</summary>
internal sealed class TrafficTrouble
{
    private readonly ConnectionHistory _history;
    private readonly SampledTrouble[] _samples;

    internal TrafficTrouble(ConnectionHistory history)
    {
        _history = history;
        TrafficResult result = history.Result;
        // Over TCP a packet is lost only with its connection; what a lasting one lacks was under way at the end.
        long lost = result.Protocol == TransportProtocol.Tcp && history.IsWhole
            ? Math.Min(result.Lost, history.Connections.Where(c => c.WasLost).Sum(c => Math.Max(0, c.Sent - c.Received)))
            : result.Lost;
        // What is missing at the end of a sample is lost so far as it never came later: the least that is missing from there on.
        long[] missing = new long[result.Samples.Length];
        long sum = 0;
        for (int i = 0; i < missing.Length; i++) missing[i] = sum += result.Samples[i].Sent - result.Samples[i].Received;
        for (int i = missing.Length - 1; i >= 0; i--) missing[i] = Math.Max(0, lost = Math.Min(lost, missing[i]));
        _samples = [.. result.Samples.Select((sample, i) => new SampledTrouble(
            i == 0 ? TimeSpan.Zero : result.Samples[i - 1].Time, sample, missing[i] - (i == 0 ? 0 : missing[i - 1])))];
    }

    /// <summary>The first failure from a time on, and whether it is known to the second only: it came no later than that.</summary>
    internal (TimeSpan At, bool Sampled)? First(TimeSpan from)
    {
        TimeSpan? exact = Earliest(_history.Connections.Where(c => c.WasLost && c.Ended >= from).Select(c => c.Ended));
        TimeSpan? sampled = Earliest(_samples.Where(s => s.Sample.Time > from && !IsCalm(s)).Select(s => s.Sample.Time));
        return exact is { } loss && !(sampled < loss) ? (loss, false) : sampled is { } second ? (second, true) : null;

        static TimeSpan? Earliest(IEnumerable<TimeSpan> times) => times.Select(time => (TimeSpan?)time).Min();
    }

    /// <summary>The end of all trouble from a time on, and whether it is known to the second only.</summary>
    internal (TimeSpan At, bool Sampled) Last(TimeSpan from)
    {
        TimeSpan back = _history.Incomplete.Select(gap => gap.To).Append(from).Max();
        // A second in which clients were without a connection fails because of that, and is over when they have one.
        TimeSpan sampled = _samples.Where(s => s.Sample.Time > from && !IsCalm(s) && !_history.Incomplete.Any(gap => gap.From <= s.Sample.Time && gap.To >= s.From))
            .Select(s => s.Sample.Time).Append(TimeSpan.Zero).Max();
        return sampled > back ? (sampled, true) : (back, false);
    }

    /// <summary>Whether, at the end, every client had a connection and the last whole second had neither dropped nor lost a packet.</summary>
    internal bool IsOverAtEnd()
    {
        SampledTrouble[] whole = [.. _samples.Where(s => s.Sample.Time - s.From >= TimeSpan.FromSeconds(0.9))];
        return _history.AllConnected() && (_samples.Length == 0 || (whole.Length > 0 ? whole : _samples)[^1].IsClean);
    }

    // The samples' count of lost connections matters only where their records are missing, which know the time of each.
    private bool IsCalm(SampledTrouble second) => second.IsClean && second.Sample.FailedConnects == 0 && (_history.IsWhole || second.Sample.Failed == 0);
}
