using LbTest.Engine.Sockets;
using LbTest.Engine.Traffic;

namespace LbTest.Engine.Disturbances;

/// <summary>A time in which a client had no connection, though it had had one or had tried.</summary>
/// <param name="Client">Which client.</param>
/// <param name="From">From then.</param>
/// <param name="To">Until then; null where it never got one again.</param>
internal readonly record struct ConnectionGap(int Client, TimeSpan From, TimeSpan? To);

/// <summary>The connection records of a traffic result, asked by time.</summary>
internal sealed class ConnectionHistory
{
    private readonly TimeSpan?[] _back;

    internal ConnectionHistory(TrafficResult result)
    {
        Result = result;
        IsWhole = TrafficAnalysis.HasAllConnections(result);
        _back = new TimeSpan?[result.Connections.Length];
        var gaps = ImmutableArray.CreateBuilder<ConnectionGap>();
        foreach (var client in Enumerable.Range(0, result.Connections.Length).GroupBy(i => result.Connections[i].Client))
        {
            // Backwards, so that each loss knows when the client next had a connection.
            TimeSpan? next = null;
            foreach (int i in client.OrderByDescending(i => result.Connections[i].Started).ThenByDescending(i => i))
            {
                TrafficConnection connection = result.Connections[i];
                _back[i] = next;
                if (connection.WasLost) gaps.Add(new ConnectionGap(client.Key, connection.Ended, next));
                next = connection.Connected ?? next;
                if (connection.Reconnects == 0 && (connection.Connected is null || connection.FailedConnects > 0)) gaps.Add(new ConnectionGap(client.Key, connection.Started, next));
            }
        }

        // A client of which nothing more is known may well be back.
        Gaps = IsWhole ? gaps.ToImmutable() : [.. gaps.Where(gap => gap.To is not null)];
        var incomplete = new List<(TimeSpan From, TimeSpan To)>();
        foreach (ConnectionGap gap in Gaps.OrderBy(gap => gap.From))
        {
            TimeSpan to = gap.To ?? result.Duration;
            if (incomplete.Count == 0 || incomplete[^1].To < gap.From) incomplete.Add((gap.From, to));
            else if (incomplete[^1].To < to) incomplete[^1] = (incomplete[^1].From, to);
        }

        Incomplete = incomplete;
    }

    internal TrafficResult Result { get; }

    internal ImmutableArray<TrafficConnection> Connections => Result.Connections;

    /// <summary>False where only the connections that ended before the run's agent was lost are known.</summary>
    internal bool IsWhole { get; }

    /// <summary>True where connections can be lost at all: over UDP there are only addresses and ports.</summary>
    internal bool CanLose => Result.Protocol == TransportProtocol.Tcp;

    internal ImmutableArray<ConnectionGap> Gaps { get; }

    /// <summary>The times in which at least one client had no connection, ascending and apart from each other.</summary>
    internal IReadOnlyList<(TimeSpan From, TimeSpan To)> Incomplete { get; }

    /// <summary>When the client of a lost connection had one again; null: never.</summary>
    internal TimeSpan? Back(int index) => _back[index];

    /// <summary>Which records were established at a time; those that were lost at that very moment still were.</summary>
    internal IEnumerable<int> At(TimeSpan time) =>
        Enumerable.Range(0, Connections.Length).Where(i => Connections[i].Connected <= time && (!Connections[i].WasLost || Connections[i].Ended >= time));

    /// <summary>How many connections were established at a time.</summary>
    internal int Active(TimeSpan time) => IsWhole ? At(time).Count() : Result.Samples.LastOrDefault(sample => sample.Time <= time)?.Active ?? Result.Samples.FirstOrDefault()?.Active ?? 0;

    /// <summary>Whether every client had a connection at the end.</summary>
    internal bool AllConnected() => IsWhole
        ? Connections.Where(c => c is { Connected: not null, Failure: null }).Select(c => c.Client).Distinct().Count() >= Result.Clients
        : Result.Samples.Length > 0 && Result.Samples[^1].Active >= Result.Clients;

    /// <summary>The longest time that each client was without an echo for sure: as it was measured, and without a connection.</summary>
    internal IEnumerable<TimeSpan> LongestGaps()
    {
        ILookup<int, TimeSpan> without = Gaps.ToLookup(gap => gap.Client, gap => (gap.To ?? Result.Duration) - gap.From);
        return Connections.GroupBy(c => c.Client).Select(client => client.Select(c => c.LongestGap).Concat(without[client.Key]).Max());
    }

    /// <summary>The longest time in which no client received anything: as it was measured; where it was not, from samples and connections.</summary>
    internal TimeSpan Outage()
    {
        TimeSpan longest = Result.LongestSilence;
        if (longest > TimeSpan.Zero) return longest;
        TimeSpan heard = TimeSpan.Zero;
        foreach (TrafficSample sample in Result.Samples)
        {
            if (sample.Received > 0) heard = sample.Time;
            else if (sample.Time - heard > longest) longest = sample.Time - heard;
        }

        if (!IsWhole) return longest;
        TimeSpan? covered = null;
        foreach (TrafficConnection connection in Connections.Where(c => c.Connected is not null).OrderBy(c => c.Connected))
        {
            if (covered is { } until && connection.Connected - until > longest) longest = connection.Connected!.Value - until;
            TimeSpan ended = connection.WasLost ? connection.Ended : Result.Duration;
            if (covered is null || ended > covered) covered = ended;
        }

        return covered is { } last && Result.Duration - last > longest ? Result.Duration - last : longest;
    }
}
