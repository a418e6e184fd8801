using LbTest.Engine.Connect;
using LbTest.Engine.Disturbances;
using LbTest.Engine.Results;
using LbTest.Engine.Traffic;
using static LbTest.Engine.Report.Align;

namespace LbTest.Engine.Report;

/// <summary>One traffic result: what it cost, over time and by endpoint.</summary>
internal static class TrafficSection
{
    internal static ReportSection Of(TrafficResult result, string label, string id)
    {
        Disruption disruption = Measure(result);
        ImmutableArray<TimelinePoint> points = Timeline.Of(result);
        var items = ImmutableArray.CreateBuilder<ReportItem>();
        if (result.Disturbances.Length > 0) items.Add(Events(result));
        if (disruption.Steps.Length > 0) items.Add(Steps(disruption));
        if (points.Length > 0) items.AddRange(TrafficCharts.OverTime(result, points, id));
        if (TrafficCharts.ByEndpoint(result, id) is { } byEndpoint) items.Add(byEndpoint);
        if (Balances(disruption) is { Rows.Length: > 0 } balances) items.Add(balances);
        if (result.Failures.Length > 0) items.Add(Failures(result.Failures));
        if (result.Latency.Count > 0) items.Add(Latency("Latency from a packet's planned time to its echo", result.Latency));
        bool measured = result.Samples.Length + result.Connections.Length > 0;
        bool asFewAsPossible = disruption.LostConnections <= (disruption.LeastLost ?? 0);
        return new ReportSection(id, label, "Traffic test")
        {
            NotComplete = result.Completed ? null : result.Reason ?? "the reason is not known",
            Badge = !measured ? "Nothing to measure" : disruption.LostConnections == 0 ? "Nothing lost" : asFewAsPossible ? "Least possible lost" : $"{Quantity.Of(disruption.LostConnections, "connection")} lost",
            Tone = !measured ? ReportTone.Neutral : disruption.LostConnections == 0 ? ReportTone.Good : asFewAsPossible ? ReportTone.Neutral : ReportTone.Bad,
            Verdict = disruption.Explanation, Figures = Figures(result, disruption), Items = items.ToImmutable(), Facts = Facts(result),
            Warnings = points.Length > 0 ? result.Warnings : result.Warnings.Add("The result has no samples, so there is nothing to show over time."),
        };
    }

    /// <summary>What the disturbances cost. A result that tells nothing of that, as one stopped at once, has a place in the report all the same.</summary>
    internal static Disruption Measure(TrafficResult result)
    {
        try
        {
            return DisruptionAnalysis.Measure(result);
        }
        catch (PlanException fault)
        {
            return new Disruption { Label = result.Label, Clients = result.Clients, LostConnections = result.LostConnections, FailedConnects = result.FailedConnects, Explanation = fault.Message };
        }
    }

    /// <summary>From the first disturbance to recovery, in words.</summary>
    internal static string Recovery(Disruption disruption) =>
        disruption.Recovery is { } time ? Quantity.Duration(time) : disruption.FirstFailure is null ? Quantity.None : disruption.Recovered ? Quantity.None : "not within the test";

    /// <summary>Failures by class.</summary>
    internal static ReportTable Failures(ImmutableArray<FailureCount> failures) => ReportTable.Of("Failures by class", failures,
        ("Class", Left, f => f.Class.ToString()), ("Count", Right, f => Quantity.Count(f.Count)), ("What the kernel said of one of them", Left, f => f.Example));

    /// <summary>Percentiles of latency.</summary>
    internal static ReportTable Latency(string caption, LatencySummary latency) => ReportTable.Of(caption + ", ms", [latency],
        ("p50", Right, l => Quantity.Milliseconds(l.P50)), ("p90", Right, l => Quantity.Milliseconds(l.P90)), ("p99", Right, l => Quantity.Milliseconds(l.P99)),
        ("p99.9", Right, l => Quantity.Milliseconds(l.P999)), ("Maximum", Right, l => Quantity.Milliseconds(l.Maximum)), ("Mean", Right, l => Quantity.Milliseconds(l.Mean)));

    private static ImmutableArray<ReportFact> Figures(TrafficResult result, Disruption d) =>
    [
        new("Connections lost", Quantity.Count(d.LostConnections)) { Beside = d.LeastLost is { } least ? $"least possible {Quantity.Expectation(least)}" : null, Tone = d.LostConnections > (d.LeastLost ?? 0) ? ReportTone.Bad : ReportTone.Neutral },
        new("Lost over the least", Quantity.Ratio(d.Ratio)),
        new("Recovery", Recovery(d)) { Beside = "from the first disturbance" },
        new("Outage", Quantity.Duration(d.Outage)) { Beside = "no client received anything" },
        new("Longest gap", Quantity.Duration(d.LongestGap)) { Beside = $"median of clients {Quantity.Duration(d.MedianGap)}" },
        new("Packets dropped", Quantity.Count(d.DroppedPackets)) { Beside = $"of {Quantity.Count(result.Sent + d.DroppedPackets)} planned", Tone = d.DroppedPackets > 0 ? ReportTone.Bad : ReportTone.Neutral },
        new("Packets lost", Quantity.Count(d.LostPackets)) { Beside = $"of {Quantity.Count(result.Sent)} sent" },
        new("Latency p99", result.Latency.Count > 0 ? Quantity.Duration(result.Latency.P99) : Quantity.None) { Beside = result.Latency.Count > 0 ? $"median {Quantity.Duration(result.Latency.P50)}" : null },
    ];

    private static ReportTable Events(TrafficResult result) => ReportTable.Of("Disturbances, as they were applied", result.Disturbances.Select((e, i) => (Number: i + 1, Event: e)),
        ("No.", Right, e => Quantity.Count(e.Number)), ("Planned (s)", Right, e => Quantity.Time(e.Event.Planned)), ("Applied (s)", Right, e => Quantity.Time(e.Event.Applied)),
        ("Took (ms)", Right, e => Quantity.Milliseconds(e.Event.Took)), ("What", Left, e => e.Event.Error is null ? e.Event.Description : $"{e.Event.Description}: FAILED: {e.Event.Error}"),
        ("Out of the rules", Left, e => Names(e.Event.Removed)), ("Into the rules", Left, e => Names(e.Event.Added)),
        ("Endpoints after", Right, e => Quantity.Count(e.Event.EndpointsAfter)));

    private static ReportTable Steps(Disruption disruption) => ReportTable.Of("What each step cost, until the next one", disruption.Steps,
        ("Time (s)", Right, s => Quantity.Time(s.Time)), ("Step", Left, s => s.Description), ("Lost", Right, s => Quantity.Count(s.Lost)),
        ("Least", Right, s => Quantity.Expectation(s.Least)), ("Expected", Right, s => Quantity.Expectation(s.Expected)),
        ("Ratio", Right, s => Quantity.Ratio(s.Least is > 0 and { } least ? s.Lost / least : null)), ("Reconnected", Right, s => Quantity.Count(s.Reconnected)),
        ("Dropped", Right, s => Quantity.Count(s.Dropped)), ("Retransmits", Right, s => Quantity.Count(s.Retransmits)),
        ("First failure after", Right, s => Quantity.Duration(s.FirstFailure)), ("Recovery after", Right, s => Quantity.Duration(s.Recovery)));

    private static ReportTable Balances(Disruption disruption) => Comparison.Balances("How evenly connections lay over the endpoints",
        [.. new[] { ("Before", disruption.Before), ("During", disruption.During), ("After", disruption.After) }.Where(pair => pair.Item2 is not null).Select(pair => (pair.Item1, pair.Item2!))]);

    private static ImmutableArray<ReportFact> Facts(TrafficResult result) =>
    [
        .. Environment(result),
        .. ReportFact.Known(
            ("Clients", Quantity.Count(result.Clients)),
            ("Rate, all clients", $"{Quantity.Number(result.PacketsPerSecond)} packets/s, {Quantity.BytesPerSecond(result.PacketsPerSecond * result.PacketSize)}"),
            ("Packet size", $"{Quantity.Count(result.PacketSize)} bytes"),
            ("Duration", result.Duration == result.PlannedDuration ? Quantity.Duration(result.Duration) : $"{Quantity.Duration(result.Duration)} of {Quantity.Duration(result.PlannedDuration)} planned"),
            ("Lost connections", result.Reconnect ? "made anew" : "left lost"),
            ("Source addresses", result.Source ?? "chosen by the kernel, or from a list"),
            ("Seed", result.Seed.ToString(CultureInfo.InvariantCulture)),
            ("Endpoints listed", result.Endpoints.Length == 0 ? null : Quantity.Count(result.Endpoints.Length)),
            ("Connects that failed", Quantity.Count(result.FailedConnects)),
            ("Retransmits", Quantity.Count(result.Retransmits)),
            ("Reordered, duplicated", result.Reordered + result.Duplicated == 0 ? null : $"{Quantity.Count(result.Reordered)}, {Quantity.Count(result.Duplicated)}")),
    ];

    /// <summary>What every kind of result knows of where it comes from.</summary>
    internal static ImmutableArray<ReportFact> Environment(ITestResult result) => ReportFact.Known(
        ("Started", result.Started == default ? null : result.Started.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture) + " UTC"),
        ("Target", result.Target), ("Protocol", result.Protocol.ToString().ToUpperInvariant()), ("Cluster", result.Context?.Cluster), ("Proxy mode", result.Context?.ProxyMode),
        ("From", result.Context?.From), ("To", result.Context?.To), ("ECMP", result.Context is null ? null : result.Context.Ecmp ? "over all nodes" : "no"),
        ("Session affinity", result.Context?.Affinity == true ? "ClientIP" : null), ("Generator", result.Generator));

    private static string Names(ImmutableArray<string> names) => names.Length <= 4 ? string.Join(", ", names)
        : string.Create(CultureInfo.InvariantCulture, $"{string.Join(", ", names.Take(3))} and {names.Length - 3:N0} more");
}
