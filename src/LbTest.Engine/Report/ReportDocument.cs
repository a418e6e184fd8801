using System.Reflection;
using LbTest.Engine.Connect;
using LbTest.Engine.Results;
using LbTest.Engine.Traffic;

namespace LbTest.Engine.Report;

/// <summary>What a report says, before it is HTML or Markdown.</summary>
internal sealed record ReportDocument(string Title, DateTimeOffset Made, ImmutableArray<ReportSection> Sections)
{
    /// <summary>The version of LbTest that made the report.</summary>
    internal static string Version { get; } =
        typeof(ReportDocument).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "";

    /// <summary>Puts results into words, tables and charts: a comparison where there is something to compare, then a section each.</summary>
    internal static ReportDocument Of(IReadOnlyList<ITestResult> results, ReportOptions? options)
    {
        ArgumentNullException.ThrowIfNull(results);
        ImmutableArray<string> labels = ResultLabels.Of(results);
        (string, TrafficResult)[] traffic = [.. labels.Zip(results).Where(pair => pair.Second is TrafficResult).Select(pair => (pair.First, (TrafficResult)pair.Second))];
        (string, ConnectResult)[] connects = [.. labels.Zip(results).Where(pair => pair.Second is ConnectResult).Select(pair => (pair.First, (ConnectResult)pair.Second))];
        var sections = ImmutableArray.CreateBuilder<ReportSection>();
        if (traffic.Length > 1) sections.Add(Comparison.OfTraffic(traffic));
        if (connects.Length > 1) sections.Add(Comparison.OfConnects(connects));
        for (int i = 0; i < results.Count; i++)
        {
            string id = string.Create(CultureInfo.InvariantCulture, $"result-{i + 1}");
            sections.Add(results[i] switch
            {
                TrafficResult one => TrafficSection.Of(one, labels[i], id),
                ConnectResult one => ConnectSection.Of(one, labels[i], id),
                _ => throw new ArgumentException($"A result of the kind '{results[i].Kind}' has no report.", nameof(results)),
            });
        }

        return new ReportDocument(options?.Title ?? TitleOf(labels), options?.Made ?? DateTimeOffset.UtcNow, sections.ToImmutable());
    }

    private static string TitleOf(ImmutableArray<string> labels) => labels.Length switch
    {
        0 => "LbTest report",
        <= 3 => "LbTest: " + string.Join(", ", labels),
        _ => string.Create(CultureInfo.InvariantCulture, $"LbTest: {labels.Length} results"),
    };
}

/// <summary>How good or bad something is.</summary>
internal enum ReportTone
{
    Neutral,
    Good,
    Bad,
}

/// <summary>One result, or the comparison of several.</summary>
internal sealed record ReportSection(string Id, string Heading, string Kind)
{
    /// <summary>The verdict in a word or two; null where there is none.</summary>
    internal string? Badge { get; init; }

    internal ReportTone Tone { get; init; }

    /// <summary>Why the test did not run to its end; null when it did.</summary>
    internal string? NotComplete { get; init; }

    /// <summary>The verdict in sentences.</summary>
    internal string Verdict { get; init; } = "";

    internal ImmutableArray<string> Warnings { get; init; } = [];

    /// <summary>The few numbers that matter most.</summary>
    internal ImmutableArray<ReportFact> Figures { get; init; } = [];

    /// <summary>Tables and charts, in order.</summary>
    internal ImmutableArray<ReportItem> Items { get; init; } = [];

    /// <summary>The plan and the environment.</summary>
    internal ImmutableArray<ReportFact> Facts { get; init; } = [];
}

/// <summary>A name and its value.</summary>
internal sealed record ReportFact(string Name, string Value)
{
    /// <summary>What the value is to be compared with; null where there is nothing.</summary>
    internal string? Beside { get; init; }

    internal ReportTone Tone { get; init; }

    internal static ImmutableArray<ReportFact> Known(params ReadOnlySpan<(string Name, string? Value)> facts)
    {
        var known = ImmutableArray.CreateBuilder<ReportFact>();
        foreach ((string name, string? value) in facts)
        {
            if (!string.IsNullOrEmpty(value)) known.Add(new ReportFact(name, value));
        }

        return known.ToImmutable();
    }
}

/// <summary>A table or a chart.</summary>
internal abstract record ReportItem;

/// <summary>A table: text, ready to be shown.</summary>
internal sealed record ReportTable(string Caption, ImmutableArray<ReportColumn> Columns, ImmutableArray<ImmutableArray<string>> Rows) : ReportItem
{
    internal static ReportTable Of<T>(string caption, IEnumerable<T> rows, params (string Name, Align Align, Func<T, string> Cell)[] columns) => new(
        caption, [.. columns.Select(c => new ReportColumn(c.Name, c.Align))], [.. rows.Select(row => columns.Select(c => c.Cell(row)).ToImmutableArray())]);
}

/// <summary>A column of a table.</summary>
/// <param name="Name">What heads it, with the unit.</param>
/// <param name="Align">Left for words, right for numbers.</param>
internal sealed record ReportColumn(string Name, Align Align);

/// <summary>On which side of its column a cell stands.</summary>
internal enum Align
{
    Left,
    Right,
}
