using LbTest.Engine.Analysis;
using LbTest.Engine.Connect;
using LbTest.Engine.Results;
using LbTest.Engine.Traffic;

namespace LbTest.Engine.Report;

/// <summary>What a chart of a traffic result shows over time.</summary>
public enum ChartView
{
    /// <summary>Active and connecting clients; failed and new connections.</summary>
    Connections,

    /// <summary>Bytes of payload received per second; dropped packets and retransmits.</summary>
    Throughput,

    /// <summary>Percentiles of latency.</summary>
    Latency,
}

/// <summary>How a chart for the terminal is drawn.</summary>
public sealed record TerminalChartOptions
{
    /// <summary>What is shown of a traffic result; of a connect result there is one chart only.</summary>
    public ChartView View { get; init; }

    /// <summary>The terminal's width in characters; less than 40 counts as 40, more than 500 as 500.</summary>
    public int Width { get; init; } = 80;

    /// <summary>Rows of the plot itself, 3 to 100; others count as the nearest.</summary>
    public int Height { get; init; } = 10;

    /// <summary>True for ANSI escape sequences.</summary>
    public bool Color { get; init; }

    /// <summary>True for nothing but ASCII.</summary>
    public bool Ascii { get; init; }
}

/// <summary>A compact chart of one result for a terminal: result in, text out.</summary>
public static class TerminalChart
{
    private const int MostMarks = 8, MostBins = 40;

    /// <summary>Draws a traffic result over time, or how many endpoints of a connect result got how many connections.</summary>
    /// <param name="result">The result.</param>
    /// <param name="options">View and size; null for the defaults.</param>
    /// <returns>Lines that end with a line feed, none of them longer than the width.</returns>
    /// <exception cref="ArgumentException">The result is of a kind that has no chart.</exception>
    public static string Write(ITestResult result, TerminalChartOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(result);
        options ??= new TerminalChartOptions();
        var canvas = new TerminalCanvas(Math.Clamp(options.Width, 40, 500));
        int height = Math.Clamp(options.Height, 3, 100);
        if (result is TrafficResult traffic) Draw(canvas, traffic, options.View, height);
        else if (result is ConnectResult connect) Draw(canvas, connect, height);
        else throw new ArgumentException($"A result of the kind '{result.Kind}' has no chart.", nameof(result));
        return canvas.ToText(options.Color, options.Ascii);
    }

    private static void Draw(TerminalCanvas canvas, TrafficResult result, ChartView view, int height)
    {
        ImmutableArray<TimelinePoint> points = Timeline.Of(result, canvas.Width - TerminalPlot.Margin - 1);
        string what = view switch { ChartView.Throughput => "throughput", ChartView.Latency => "latency", _ => "connections" };
        Head(canvas, result, $"{what}, {Quantity.Of(result.Clients, "client")}, {Quantity.Duration(result.Duration)}");
        if (points.Length == 0 || (view == ChartView.Latency && points.All(p => p.Latency is null)))
        {
            canvas.WriteWrapped(points.Length == 0 ? "The result has no samples, so there is nothing to show over time." : "The result has no latencies.", 2);
            return;
        }

        TerminalPlot plot = view switch
        {
            ChartView.Throughput => new TerminalPlot(canvas, points, height, Quantity.BytesPerSecond, [("received", '█', TerminalColor.Green, p => p.PerSecond(p.BytesReceived))]),
            ChartView.Latency => new TerminalPlot(canvas, points, height, v => Quantity.Duration(TimeSpan.FromMilliseconds(v)),
            [
                ("p50", '█', TerminalColor.Green, p => p.Latency?.P50.TotalMilliseconds ?? 0), ("p90", '▒', TerminalColor.Cyan, p => p.Latency?.P90.TotalMilliseconds ?? 0),
                ("p99", '░', TerminalColor.Yellow, p => p.Latency?.P99.TotalMilliseconds ?? 0),
            ]) { Logarithmic = true },
            _ => new TerminalPlot(canvas, points, height, v => Quantity.Number(v, 0),
                [("active", '█', TerminalColor.Green, p => p.Active), ("connecting", '▒', TerminalColor.Yellow, p => p.Active + p.Connecting)]),
        };
        plot.Draw();
        int marks = canvas.Height;
        foreach ((int i, var disturbance) in result.Disturbances.Index()) plot.Mark(disturbance.Applied.TotalSeconds, i + 1, marks);
        plot.TimeAxis(result.Disturbances.Length > 0 ? marks + 1 : marks);
        (string, TerminalColor, Func<TimelinePoint, double>)[] strips = view switch
        {
            ChartView.Throughput => [("dropped", TerminalColor.Red, p => p.Dropped), ("retransmits", TerminalColor.Yellow, p => p.Retransmits)],
            ChartView.Latency => [],
            _ => [("connecting", TerminalColor.Yellow, p => p.Connecting), ("failed", TerminalColor.Red, p => p.Failed), ("new", TerminalColor.Cyan, p => p.New)],
        };
        plot.Legend();
        foreach ((string name, TerminalColor color, Func<TimelinePoint, double> value) in strips) plot.Strip(name, color, value);
        foreach ((int i, var disturbance) in result.Disturbances.Take(MostMarks).Index())
        {
            canvas.WriteWrapped(string.Create(CultureInfo.InvariantCulture, $"{i + 1} at {disturbance.Applied.TotalSeconds:0.00} s: {disturbance.Description}{(disturbance.Error is null ? "" : ": FAILED: " + disturbance.Error)}"), 4, TerminalColor.Magenta);
        }

        if (result.Disturbances.Length > MostMarks) canvas.WriteWrapped($"… and {Quantity.Of(result.Disturbances.Length - MostMarks, "disturbance")} more", 0, TerminalColor.Magenta);
    }

    private static void Draw(TerminalCanvas canvas, ConnectResult result, int height)
    {
        Balance balance = ConnectAnalysis.Measure(result);
        bool sources = result.Context?.Affinity == true && result.Affinity is not null;
        Head(canvas, result, $"how many endpoints got how many {(sources ? "sources" : "connections")}");
        ImmutableArray<FrequencyBin> bins = FrequencyHistogram.Of(ConnectAnalysis.Counts(result), ConnectAnalysis.Shares(result), Math.Min(MostBins, (canvas.Width - TerminalPlot.Margin - 1) / 2));
        if (bins.Length > 0) TerminalPlot.Histogram(canvas, bins, height);
        canvas.WriteWrapped($"{Quantity.Word(balance.Verdict)}: {balance.Explanation}", 2);
    }

    private static void Head(TerminalCanvas canvas, ITestResult result, string what)
    {
        canvas.WriteWrapped($"{(string.IsNullOrWhiteSpace(result.Label) ? result.Kind : result.Label)}: {what}", 2);
        if (!result.Completed) canvas.WriteWrapped($"NOT COMPLETE: {result.Reason ?? "the reason is not known"}", 2, TerminalColor.Red);
    }
}
