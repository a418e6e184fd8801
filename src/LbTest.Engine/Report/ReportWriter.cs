using LbTest.Engine.Results;

namespace LbTest.Engine.Report;

/// <summary>Writes results of any kinds as a report in any format: results in, text out.</summary>
public static class ReportWriter
{
    /// <summary>Writes a report.</summary>
    /// <param name="results">The results, in the order in which they shall appear.</param>
    /// <param name="format">How.</param>
    /// <param name="options">Title and time; CSV and JSON have neither.</param>
    public static string Write(IReadOnlyList<ITestResult> results, ReportFormat format, ReportOptions? options = null) => format switch
    {
        ReportFormat.Json => JsonReport.Write(results),
        ReportFormat.Csv => CsvReport.Write(results),
        ReportFormat.Markdown => MarkdownReport.Write(results, options),
        _ => HtmlReport.Write(results, options),
    };

    /// <summary>The format that a file's extension stands for; HTML where it stands for none.</summary>
    public static ReportFormat FormatOf(string path) => Path.GetExtension(path).ToUpperInvariant() switch
    {
        ".JSON" => ReportFormat.Json,
        ".CSV" => ReportFormat.Csv,
        ".MD" or ".MARKDOWN" => ReportFormat.Markdown,
        _ => ReportFormat.Html,
    };
}
