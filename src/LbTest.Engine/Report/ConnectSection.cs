using LbTest.Engine.Analysis;
using LbTest.Engine.Connect;
using static LbTest.Engine.Report.Align;

namespace LbTest.Engine.Report;

/// <summary>One connect result: how its connections were spread, against what chance gives.</summary>
internal static class ConnectSection
{
    internal static ReportSection Of(ConnectResult result, string label, string id)
    {
        Balance balance = ConnectAnalysis.Measure(result);
        var items = ImmutableArray.CreateBuilder<ReportItem>();
        if (result.Endpoints.Length > 0)
        {
            // Under session affinity sources are what is spread.
            string unit = result.Context?.Affinity == true && result.Affinity is not null ? "Sources" : "Connections";
            items.Add(Histogram(result, unit, id));
            items.Add(ByEndpoint(result, unit, id));
            items.Add(Comparison.Balances("The spread in numbers", [(label, balance)]));
        }

        if (result.Failures.Length > 0) items.Add(TrafficSection.Failures(result.Failures));
        if (result.Latency.Count > 0) items.Add(TrafficSection.Latency(result.Protocol == Sockets.TransportProtocol.Tcp ? "Connect latency" : "Latency from datagram to answer", result.Latency));
        return new ReportSection(id, label, "Connect test")
        {
            NotComplete = result.Completed ? null : $"{Quantity.Of(result.Unfinished, "connection")} were not made: {result.Reason ?? "the reason is not known"}",
            Badge = Quantity.Word(balance.Verdict),
            Tone = balance.Verdict switch { Verdict.Uneven => ReportTone.Bad, Verdict.Undetermined => ReportTone.Neutral, _ => ReportTone.Good },
            Verdict = balance.Explanation, Warnings = result.Warnings, Figures = Figures(result, balance), Items = items.ToImmutable(), Facts = Facts(result, balance),
        };
    }

    private static ReportChart Histogram(ConnectResult result, string unit, string id)
    {
        ImmutableArray<FrequencyBin> bins = FrequencyHistogram.Of(ConnectAnalysis.Counts(result), ConnectAnalysis.Shares(result));
        return new ReportChart($"{id}-frequency", $"How many endpoints got how many {unit.ToLowerInvariant()}",
            "Bars are endpoints; the line is what independent random choices by the expected shares would give on average.",
            ReportTable.Of("Frequencies, beside what chance gives", bins,
                ($"{unit} per endpoint", Right, b => b.Name), ("Endpoints", Right, b => Quantity.Count(b.Endpoints)), ("By chance", Right, b => Quantity.Number(b.Expected))))
        {
            Data = new ChartData
            {
                Categories = [.. bins.Select(b => b.Name)], XName = $"{unit} per endpoint", YName = "Endpoints",
                Series =
                [
                    new("Endpoints", "active", ChartStyle.Bar) { Values = [.. bins.Select(b => (double?)b.Endpoints)] },
                    new("By chance", "expected", ChartStyle.Line) { Values = [.. bins.Select(b => (double?)Math.Round(b.Expected, 4))] },
                ],
            },
        };
    }

    private static ReportChart ByEndpoint(ConnectResult result, string unit, string id)
    {
        ImmutableArray<long> counts = ConnectAnalysis.Counts(result);
        ImmutableArray<double>? shares = ConnectAnalysis.Shares(result);
        long all = counts.Sum();
        (EndpointResult Endpoint, long Count, double Expected)[] rows = [.. result.Endpoints.Select((e, i) => (e, counts[i], all * (shares is { } s ? s[i] : 1.0 / counts.Length)))];
        return new ReportChart($"{id}-endpoints", $"{unit} by endpoint",
            $"{Quantity.Of(rows.Length, "endpoint")} got {Quantity.Count(counts.Min())} to {Quantity.Count(counts.Max())}; the line is what each should get.",
            ReportTable.Of($"{unit} by endpoint", rows,
                ("Endpoint", Left, r => r.Endpoint.Unexpected ? r.Endpoint.Name + " (not listed)" : r.Endpoint.Name), ("Node", Left, r => r.Endpoint.Node ?? Quantity.None),
                (unit, Right, r => Quantity.Count(r.Count)), ("Expected", Right, r => Quantity.Number(r.Expected, 1)), ("Share", Right, r => Quantity.Share(all == 0 ? null : (double)r.Count / all))))
        {
            Data = new ChartData
            {
                Categories = [.. rows.Select(r => r.Endpoint.Name)], XName = "Endpoint", YName = unit,
                Series =
                [
                    new(unit, "active", ChartStyle.Bar) { Values = [.. rows.Select(r => (double?)r.Count)] },
                    new("Expected", "expected", ChartStyle.Dashed) { Values = [.. rows.Select(r => (double?)Math.Round(r.Expected, 2))] },
                ],
            },
        };
    }

    private static ImmutableArray<ReportFact> Figures(ConnectResult result, Balance balance) =>
    [
        new("Connections", Quantity.Count(result.Connections)) { Beside = $"of {Quantity.Count(result.Requested)} planned" },
        new("Failed", Quantity.Count(result.Failed)) { Tone = result.Failed > 0 ? ReportTone.Bad : ReportTone.Neutral },
        new("Endpoints", Quantity.Count(balance.Endpoints)) { Beside = balance.EmptyEndpoints > 0 ? $"{Quantity.Count(balance.EmptyEndpoints)} got nothing" : null },
        new("Least and most", $"{Quantity.Count(balance.Minimum)}–{Quantity.Count(balance.Maximum)}") { Beside = $"mean {Quantity.Number(balance.Mean, 1)}" },
        new("Standard deviation", Quantity.Number(balance.StandardDeviation)) { Beside = $"by chance {Quantity.Number(balance.ExpectedStandardDeviation)}" },
        new("Jain's index", Quantity.Number(balance.JainIndex, 4)) { Beside = $"by chance {Quantity.Number(balance.ExpectedJainIndex, 4)}" },
        new("Latency p99", result.Latency.Count > 0 ? Quantity.Duration(result.Latency.P99) : Quantity.None) { Beside = result.Latency.Count > 0 ? $"median {Quantity.Duration(result.Latency.P50)}" : null },
    ];

    private static ImmutableArray<ReportFact> Facts(ConnectResult result, Balance balance) =>
    [
        .. TrafficSection.Environment(result),
        .. ReportFact.Known(
            ("Connections planned", Quantity.Count(result.Requested)),
            ("At once", result.Concurrency == 0 ? null : Quantity.Count(result.Concurrency)),
            ("Duration", Quantity.Duration(result.Duration)),
            ("Source addresses", result.Source ?? "chosen by the kernel"),
            ("Seed", result.Seed.ToString(CultureInfo.InvariantCulture)),
            ("SYN segments sent again", result.SynRetransmits == 0 ? null : Quantity.Count(result.SynRetransmits)),
            ("Sources seen, moved", result.Affinity is { } affinity ? $"{Quantity.Count(affinity.Sources)}, {Quantity.Count(affinity.Moved)}" : null),
            ("Test", string.Create(CultureInfo.InvariantCulture, $"{balance.Test}, α = {balance.Alpha}, both tails"))),
    ];
}
