using System.Text.Json.Serialization;

namespace LbTest.Engine.Report;

/// <summary>A chart, as the page's script draws it, and the table behind it.</summary>
internal sealed record ReportChart(string Id, string Title, string Summary, ReportTable Table) : ReportItem
{
    internal required ChartData Data { get; init; }
}

/// <summary>What is drawn. This is what the page's script reads, as JSON.</summary>
internal sealed record ChartData
{
    /// <summary>The element that it is drawn in.</summary>
    public string Id { get; init; } = "";

    /// <summary>The categories on the x axis; null where that is time in seconds.</summary>
    public ImmutableArray<string>? Categories { get; init; }

    /// <summary>What the x axis shows, with its unit.</summary>
    public required string XName { get; init; }

    /// <summary>What the y axis shows, with its unit.</summary>
    public required string YName { get; init; }

    /// <summary>Where the time axis ends, s.</summary>
    public double? XMaximum { get; init; }

    /// <summary>How values of the y axis are written.</summary>
    public ChartUnit Unit { get; init; }

    /// <summary>True where values of very different sizes share the y axis; they are above 0 then.</summary>
    public bool Logarithmic { get; init; }

    public required ImmutableArray<ChartSeries> Series { get; init; }

    /// <summary>What was done to the cluster, at which time.</summary>
    public ImmutableArray<ChartMark> Marks { get; init; } = [];

    /// <summary>From when to when a disturbance was in force.</summary>
    public ImmutableArray<ChartArea> Areas { get; init; } = [];
}

/// <summary>How numbers are written.</summary>
internal enum ChartUnit
{
    Count,
    BytesPerSecond,
    Milliseconds,
}

/// <summary>How a series is drawn.</summary>
internal enum ChartStyle
{
    Line,
    Dashed,
    Area,
    Bar,
}

/// <summary>A line, an area or bars.</summary>
/// <param name="Name">Its name in the legend.</param>
/// <param name="Color">Which of the page's colours: <c>active</c>, <c>failed</c>, …, or a number from 1.</param>
/// <param name="Style">How it is drawn.</param>
/// <param name="Stack">Series of one stack stand on each other.</param>
internal sealed record ChartSeries(string Name, string Color, ChartStyle Style, bool Stack = false)
{
    /// <summary>Over time: pairs of seconds and value; over categories: their values. A missing value is null.</summary>
    public ImmutableArray<double?> Values { get; init; } = [];

    /// <summary>The times of the values, s; empty over categories.</summary>
    public ImmutableArray<double> Times { get; init; } = [];
}

/// <summary>A line across the chart.</summary>
/// <param name="At">When, s.</param>
/// <param name="Number">Its number in the list of disturbances, from 1.</param>
/// <param name="Text">What happened.</param>
/// <param name="Undo">True when it undid something.</param>
internal sealed record ChartMark(double At, int Number, string Text, bool Undo);

/// <summary>A stretch of time in which a disturbance was in force.</summary>
internal sealed record ChartArea(double From, double To, string Text);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ImmutableArray<ChartData>))]
internal sealed partial class ChartJson : JsonSerializerContext;
