namespace LbTest.Engine.Report;

/// <summary>How a report is written.</summary>
public enum ReportFormat
{
    /// <summary>One self-contained page with charts.</summary>
    Html,

    /// <summary>An array of results, each with its analysis.</summary>
    Json,

    /// <summary>Rows: the samples of traffic results, the endpoints of connect results.</summary>
    Csv,

    /// <summary>Text and tables for an issue, a pull request or a wiki.</summary>
    Markdown,
}

/// <summary>What a report says about itself.</summary>
public sealed record ReportOptions
{
    /// <summary>Its title; null makes one from the labels of the results.</summary>
    public string? Title { get; init; }

    /// <summary>When it was made; null is now.</summary>
    public DateTimeOffset? Made { get; init; }
}
