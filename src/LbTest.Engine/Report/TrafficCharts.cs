using LbTest.Engine.Disturbances;
using LbTest.Engine.Traffic;
using static LbTest.Engine.Report.Align;

namespace LbTest.Engine.Report;

/// <summary>The charts of a traffic result, each with the table behind it.</summary>
internal static class TrafficCharts
{
    // Where the slowest packets take this many times the median, a linear axis would show nothing else.
    private const double LogarithmicFrom = 20;

    internal static ImmutableArray<ReportChart> OverTime(TrafficResult result, ImmutableArray<TimelinePoint> points, string id) =>
    [
        Connections(result, points, id), Throughput(result, points, id), Losses(result, points, id),
        .. points.Any(p => p.Latency is not null) ? [Latency(result, points, id)] : ImmutableArray<ReportChart>.Empty,
    ];

    /// <summary>Lost and lasting connections; null when no endpoint is known.</summary>
    internal static ReportChart? ByEndpoint(TrafficResult result, string id)
    {
        HostsRow[] hosts = result.Connections.Length == 0 ? [] : [.. TrafficAnalysis.Hosts(result)];
        // One that the cluster lists and that got nothing is a finding.
        hosts = [.. hosts, .. result.Endpoints.Select(e => e.Name).Except(hosts.Select(h => h.Endpoint)).Select(name => new HostsRow(name, 0, 0))];
        if (hosts.Length == 0 || result.Connections.Length == 0) return null;
        hosts = [.. hosts.OrderBy(h => h.Endpoint, StringComparer.Ordinal)];
        int empty = hosts.Count(h => h.Lost + h.Lasting == 0);
        return new ReportChart($"{id}-endpoints", "Connections by endpoint",
            $"{Quantity.Of(hosts.Length, "endpoint")}: {Quantity.Of(hosts.Sum(h => (long)h.Lost), "connection")} lost, {Quantity.Count(hosts.Sum(h => (long)h.Lasting))} lasted to the end{(empty > 0 ? $"; {Quantity.Of(empty, "endpoint")} got none" : "")}.",
            ReportTable.Of("Connections by endpoint", hosts, ("Endpoint", Left, h => h.Endpoint), ("Lost", Right, h => Quantity.Count(h.Lost)), ("Lasting", Right, h => Quantity.Count(h.Lasting))))
        {
            Data = new ChartData
            {
                Categories = [.. hosts.Select(h => h.Endpoint)], XName = "Endpoint", YName = "Connections",
                Series =
                [
                    new("Lasting", "active", ChartStyle.Bar, Stack: true) { Values = [.. hosts.Select(h => (double?)h.Lasting)] },
                    new("Lost", "failed", ChartStyle.Bar, Stack: true) { Values = [.. hosts.Select(h => (double?)h.Lost)] },
                ],
            },
        };
    }

    /// <summary>A series over time.</summary>
    internal static ChartSeries Over(ImmutableArray<TimelinePoint> points, string name, string color, ChartStyle style, Func<TimelinePoint, double?> value, bool stack = false) =>
        new(name, color, style, stack) { Times = [.. points.Select(p => Math.Round(p.Time, 3))], Values = [.. points.Select(p => value(p) is { } v ? Math.Round(v, 4) : (double?)null)] };

    /// <summary>What was done to the cluster, as lines across a chart.</summary>
    internal static ImmutableArray<ChartMark> Marks(TrafficResult result) =>
        [.. result.Disturbances.Select((e, i) => new ChartMark(Math.Round(e.Applied.TotalSeconds, 3), i + 1, e.Error is null ? e.Description : e.Description + " (failed)", e.Undo))];

    /// <summary>From the first event of a disturbance to its last one, or to its undoing.</summary>
    internal static ImmutableArray<ChartArea> Areas(TrafficResult result) =>
    [
        .. result.Disturbances.GroupBy(e => e.Index).Where(events => events.Count() > 1).Select(events => new ChartArea(
            Math.Round(events.Min(e => e.Applied).TotalSeconds, 3), Math.Round(events.Max(e => e.Applied).TotalSeconds, 3), events.First().Description)),
    ];

    private static ReportChart Connections(TrafficResult result, ImmutableArray<TimelinePoint> points, string id) => Chart(
        result, points, $"{id}-connections", "Connections over time",
        $"Of {Quantity.Of(result.Clients, "client")}, at least {Quantity.Count(points.Min(p => p.Active))} and at most {Quantity.Count(points.Max(p => p.Active))} had a connection at the end of a second; {Quantity.Of(points.Sum(p => (long)p.Failed), "connection")} lost in all.",
        "Connections", ChartUnit.Count,
        [
            Over(points, "Active", "active", ChartStyle.Area, p => p.Active, stack: true), Over(points, "Connecting", "connecting", ChartStyle.Area, p => p.Connecting, stack: true),
            Over(points, "Failed", "failed", ChartStyle.Line, p => p.Failed), Over(points, "New", "new", ChartStyle.Dashed, p => p.New),
        ],
        ("Active", p => Quantity.Count(p.Active)), ("New", p => Quantity.Count(p.New)), ("Failed", p => Quantity.Count(p.Failed)), ("Connecting", p => Quantity.Count(p.Connecting)),
        ("Connects failed", p => Quantity.Count(p.FailedConnects)));

    private static ReportChart Throughput(TrafficResult result, ImmutableArray<TimelinePoint> points, string id) => Chart(
        result, points, $"{id}-throughput", "Throughput over time",
        $"Planned {Quantity.BytesPerSecond(result.PacketsPerSecond * result.PacketSize)}; received between {Quantity.BytesPerSecond(points.Min(p => p.PerSecond(p.BytesReceived)))} and {Quantity.BytesPerSecond(points.Max(p => p.PerSecond(p.BytesReceived)))}.",
        "Bytes of payload per second", ChartUnit.BytesPerSecond,
        [
            Over(points, "Received", "active", ChartStyle.Area, p => p.PerSecond(p.BytesReceived)), Over(points, "Sent", "sent", ChartStyle.Dashed, p => p.PerSecond(p.BytesSent)),
        ],
        ("Sent (bytes/s)", p => Quantity.Number(p.PerSecond(p.BytesSent), 0)), ("Received (bytes/s)", p => Quantity.Number(p.PerSecond(p.BytesReceived), 0)),
        ("Sent (packets)", p => Quantity.Count(p.Sent)), ("Received (packets)", p => Quantity.Count(p.Received)));

    private static ReportChart Losses(TrafficResult result, ImmutableArray<TimelinePoint> points, string id) => Chart(
        result, points, $"{id}-losses", "Dropped packets and retransmits over time",
        $"{Quantity.Of(points.Sum(p => p.Dropped), "packet")} could not be sent in time; {Quantity.Of(points.Sum(p => p.Retransmits), "TCP segment")} sent again.",
        "Per second", ChartUnit.Count,
        [
            Over(points, "Dropped packets", "failed", ChartStyle.Area, p => p.PerSecond(p.Dropped)), Over(points, "Retransmits", "connecting", ChartStyle.Line, p => p.PerSecond(p.Retransmits)),
        ],
        ("Dropped packets", p => Quantity.Count(p.Dropped)), ("Retransmits", p => Quantity.Count(p.Retransmits)));

    private static ReportChart Latency(TrafficResult result, ImmutableArray<TimelinePoint> points, string id)
    {
        double[] medians = [.. points.Where(p => p.Latency is { P50.Ticks: > 0 }).Select(p => p.Latency!.P50.TotalMilliseconds).Order()];
        double median = medians.Length > 0 ? medians[medians.Length / 2] : 0, slowest = points.Max(p => p.Latency?.P999.TotalMilliseconds ?? 0);
        bool logarithmic = median > 0 && slowest > LogarithmicFrom * median;
        // A logarithmic axis has no 0.
        double? Value(TimeSpan? time) => time is { } t && (!logarithmic || t > TimeSpan.Zero) ? t.TotalMilliseconds : null;
        return Chart(
            result, points, $"{id}-latency", "Latency over time",
            $"From a packet's planned time to its echo, so that a stall shows in full: median {Quantity.Duration(result.Latency.P50)}, p99 {Quantity.Duration(result.Latency.P99)}, at most {Quantity.Duration(result.Latency.Maximum)}.",
            logarithmic ? "Latency (ms, logarithmic)" : "Latency (ms)", ChartUnit.Milliseconds,
            [
                Over(points, "p50", "new", ChartStyle.Line, p => Value(p.Latency?.P50)), Over(points, "p90", "active", ChartStyle.Line, p => Value(p.Latency?.P90)),
                Over(points, "p99", "connecting", ChartStyle.Line, p => Value(p.Latency?.P99)), Over(points, "p99.9", "failed", ChartStyle.Dashed, p => Value(p.Latency?.P999)),
            ],
            ("p50 (ms)", p => Quantity.Milliseconds(p.Latency?.P50)), ("p90 (ms)", p => Quantity.Milliseconds(p.Latency?.P90)), ("p99 (ms)", p => Quantity.Milliseconds(p.Latency?.P99)),
            ("p99.9 (ms)", p => Quantity.Milliseconds(p.Latency?.P999)), ("Maximum (ms)", p => Quantity.Milliseconds(p.Latency?.Maximum))) is var chart && logarithmic
            ? chart with { Data = chart.Data with { Logarithmic = true } } : chart;
    }

    private static ReportChart Chart(TrafficResult result, ImmutableArray<TimelinePoint> points, string id, string title, string summary, string yName, ChartUnit unit,
        ImmutableArray<ChartSeries> series, params (string Name, Func<TimelinePoint, string> Cell)[] columns)
    {
        string folded = points.Length < result.Samples.Length
            ? $" Each point is {Quantity.Of((result.Samples.Length + points.Length - 1) / points.Length, "sample")}: the fewest active, the most connecting, the sum of counts, the worst latencies." : "";
        return new ReportChart(id, title, summary + folded, ReportTable.Of(title, points,
            [("Until (s)", Right, p => Quantity.Time(TimeSpan.FromSeconds(p.Time))), .. columns.Select(c => (c.Name, Right, c.Cell))]))
        {
            Data = new ChartData
            {
                XName = "Time (s)", YName = yName, Unit = unit, Series = series, Marks = Marks(result), Areas = Areas(result),
                XMaximum = Math.Max(Math.Round(points[^1].Time, 3), Marks(result).Select(m => m.At).DefaultIfEmpty().Max()),
            },
        };
    }
}
