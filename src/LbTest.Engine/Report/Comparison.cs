using LbTest.Engine.Analysis;
using LbTest.Engine.Compare;
using LbTest.Engine.Connect;
using LbTest.Engine.Disturbances;
using LbTest.Engine.Results;
using LbTest.Engine.Traffic;
using static LbTest.Engine.Report.Align;

namespace LbTest.Engine.Report;

/// <summary>Results of one kind side by side.</summary>
internal static class Comparison
{
    // More lines nobody tells apart.
    private const int MostLines = 8;

    internal static ReportSection OfTraffic((string Label, TrafficResult Result)[] results)
    {
        (string Label, TrafficResult Result, Disruption Disruption)[] measured = [.. results.Select(r => (r.Label, r.Result, TrafficSection.Measure(r.Result)))];
        ReportTable table = ReportTable.Of("What each test cost", measured,
            ("Result", Left, r => r.Result.Completed ? r.Label : r.Label + " (not complete)"), ("Connections lost", Right, r => Quantity.Count(r.Disruption.LostConnections)),
            ("Least", Right, r => Quantity.Expectation(r.Disruption.LeastLost)), ("Ratio", Right, r => Quantity.Ratio(r.Disruption.Ratio)),
            ("Recovery", Right, r => TrafficSection.Recovery(r.Disruption)), ("Outage", Right, r => Quantity.Duration(r.Disruption.Outage)),
            ("Packets dropped", Right, r => Quantity.Count(r.Disruption.DroppedPackets)), ("Latency p99", Right, r => r.Result.Latency.Count > 0 ? Quantity.Duration(r.Result.Latency.P99) : Quantity.None));
        (string Label, TrafficResult Result, ImmutableArray<TimelinePoint> Points)[] drawn =
            [.. results.Select(r => (r.Label, r.Result, Points: Timeline.Of(r.Result))).Where(r => r.Points.Length > 0).Take(MostLines)];
        return Against(new ReportSection("compare-traffic", "Traffic tests side by side", "Comparison")
        {
            Items = drawn.Length < 2 ? [table] :
            [
                table,
                Chart("compare-active", "Active connections", "Connections established at the end of each second", "Connections", ChartUnit.Count, drawn, p => p.Active),
                Chart("compare-received", "Throughput received", "Bytes of payload that came back", "Bytes of payload per second", ChartUnit.BytesPerSecond, drawn, p => p.PerSecond(p.BytesReceived)),
            ],
        }, [.. results.Select(r => (r.Label, (ITestResult)r.Result))]);
    }

    internal static ReportSection OfConnects((string Label, ConnectResult Result)[] results) => Against(new ReportSection("compare-connect", "Connect tests side by side", "Comparison")
    {
        Items = [Balances("How evenly connections were spread", [.. results.Select(r => (r.Result.Completed ? r.Label : r.Label + " (not complete)", ConnectAnalysis.Measure(r.Result)))])],
    }, [.. results.Select(r => (r.Label, (ITestResult)r.Result))]);

    // Each against the first: what it says, and what to mind.
    private static ReportSection Against(ReportSection section, (string Label, ITestResult Result)[] results)
    {
        ResultComparison[] comparisons = [.. results.Skip(1).Select(other => ComparisonAnalysis.Compare(results[0].Result, results[0].Label, other.Result, other.Label, new BalanceOptions()))];
        return section with { Verdict = string.Join(' ', comparisons.Select(c => c.Explanation)), Warnings = [.. comparisons.SelectMany(c => c.Warnings).Distinct(StringComparer.Ordinal)] };
    }

    /// <summary>Balances, a row each.</summary>
    internal static ReportTable Balances(string caption, ImmutableArray<(string Label, Balance Balance)> balances) => ReportTable.Of(caption, balances,
        ("", Left, b => b.Label), ("Verdict", Left, b => Quantity.Word(b.Balance.Verdict)), ("Connections", Right, b => Quantity.Count(b.Balance.Connections)), ("Endpoints", Right, b => Quantity.Count(b.Balance.Endpoints)),
        ("Least", Right, b => Quantity.Count(b.Balance.Minimum)), ("Most", Right, b => Quantity.Count(b.Balance.Maximum)),
        ("Std deviation", Right, b => Quantity.Number(b.Balance.StandardDeviation)), ("By chance", Right, b => Quantity.Number(b.Balance.ExpectedStandardDeviation)),
        ("Jain", Right, b => Quantity.Number(b.Balance.JainIndex, 4)), ("By chance", Right, b => Quantity.Number(b.Balance.ExpectedJainIndex, 4)),
        ("χ²", Right, b => Quantity.Number(b.Balance.ChiSquare, 1)), ("p lower", Right, b => Explanation.Probability(b.Balance.PLower)),
        ("p upper", Right, b => Explanation.Probability(b.Balance.PUpper)));

    private static ReportChart Chart(string id, string title, string summary, string yName, ChartUnit unit,
        (string Label, TrafficResult Result, ImmutableArray<TimelinePoint> Points)[] results, Func<TimelinePoint, double> value)
    {
        ImmutableArray<ChartSeries> series = [.. results.Select((r, i) =>
            TrafficCharts.Over(r.Points, r.Label, (i + 1).ToString(CultureInfo.InvariantCulture), i % 2 == 0 ? ChartStyle.Line : ChartStyle.Dashed, p => value(p)))];
        // The same was done to all: it can be marked once.
        bool alike = results.All(r => Unlike.DisturbedAlike(r.Result, results[0].Result));
        ImmutableArray<ChartMark> marks = alike ? TrafficCharts.Marks(results[0].Result) : [];
        return new ReportChart(id, title, $"{summary}{(alike && marks.Length > 0 ? $"; the disturbances, the same for all, as applied in {results[0].Label}" : "")}.",
            ReportTable.Of(title, series,
                ("Result", Left, s => s.Name), ("Least", Right, s => Written(s.Values.Min())), ("Most", Right, s => Written(s.Values.Max())), ("Mean of samples", Right, s => Written(s.Values.Average()))))
        {
            Data = new ChartData
            {
                XName = "Time (s)", YName = yName, Unit = unit, Series = series, Marks = marks, Areas = alike ? TrafficCharts.Areas(results[0].Result) : [],
                XMaximum = Math.Max(results.Max(r => Math.Round(r.Points[^1].Time, 3)), marks.Select(m => m.At).DefaultIfEmpty().Max()),
            },
        };

        string Written(double? number) => unit == ChartUnit.BytesPerSecond ? Quantity.BytesPerSecond(number ?? 0) : Quantity.Number(number, 1);
    }
}
