using System.Text;
using System.Text.Json;
using LbTest.Engine.Results;

namespace LbTest.Engine.Report;

/// <summary>Writes results as one self-contained HTML page: no network, no other file.</summary>
/// <remarks>
/// The page is <c>report.html</c> with the parts named in it filled in. Charts are drawn by <c>report.js</c> with Apache ECharts, which
/// the build bundles; where it was built without npm, the page has the tables alone and says so. Everything that comes from results is
/// escaped, and a content security policy forbids the page to load anything.
/// </remarks>
public static class HtmlReport
{
    private const string ChartLibrary = "charts.js";

    /// <summary>True when this build has the chart library in it.</summary>
    public static bool HasCharts { get; } = typeof(HtmlReport).Assembly.GetManifestResourceInfo(Name(ChartLibrary)) is not null;

    /// <summary>Writes the page.</summary>
    /// <param name="results">The results, in the order in which they shall appear.</param>
    /// <param name="options">Title and time; null for the defaults.</param>
    public static string Write(IReadOnlyList<ITestResult> results, ReportOptions? options = null) => Write(results, options, HasCharts);

    internal static string Write(IReadOnlyList<ITestResult> results, ReportOptions? options, bool charts)
    {
        ReportDocument document = ReportDocument.Of(results, options);
        return Fill(Resource("report.html"), part => part switch
        {
            "title" => HtmlText.Escape(document.Title),
            "made" => HtmlText.Escape(string.Create(CultureInfo.InvariantCulture, $"Made {document.Made.UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC by LbTest {ReportDocument.Version} of {Quantity.Of(results.Count, "result")}")),
            "style" => Resource("report.css"),
            "contents" => Contents(document),
            "notes" => charts ? "" : "<p class=\"note\">The charts were left out, because this LbTest was built without npm. The tables have all their numbers.</p>",
            "sections" => string.Concat(document.Sections.Select(section => HtmlText.Section(section, charts))),
            "scripts" => charts ? Scripts(document) : "",
            _ => throw new InvalidOperationException($"report.html has no part '{part}'."),
        });
    }

    private static string Contents(ReportDocument document) => document.Sections.Length < 2 ? "" :
        $"<nav aria-label=\"Contents\"><ul>{string.Concat(document.Sections.Select(s => $"<li><a href=\"#{s.Id}\">{HtmlText.Escape(s.Heading)}</a></li>"))}</ul></nav>";

    // The serializer's default encoder escapes < > & ' and all that is not ASCII, so no string can end the script element.
    private static string Scripts(ReportDocument document)
    {
        ImmutableArray<ChartData> charts = [.. document.Sections.SelectMany(s => s.Items).OfType<ReportChart>().Select(chart => chart.Data with { Id = chart.Id })];
        return $"<script type=\"application/json\" id=\"chart-data\">{JsonSerializer.Serialize(charts, ChartJson.Default.ImmutableArrayChartData)}</script>\n"
            + $"<script>{Resource(ChartLibrary)}</script>\n<script>{Resource("report.js")}</script>\n";
    }

    // In one pass, so that nothing that is filled in is taken for a place to fill.
    private static string Fill(string template, Func<string, string> part)
    {
        var text = new StringBuilder();
        foreach ((int i, string piece) in template.Split("<!--@").Index())
        {
            int end = i == 0 ? 0 : piece.IndexOf("-->", StringComparison.Ordinal);
            if (i > 0) text.Append(part(piece[..end]));
            text.Append(piece, i == 0 ? 0 : end + 3, piece.Length - (i == 0 ? 0 : end + 3));
        }

        return text.ToString();
    }

    private static string Name(string file) => "LbTest.Engine.Report." + file;

    private static string Resource(string file)
    {
        using Stream stream = typeof(HtmlReport).Assembly.GetManifestResourceStream(Name(file)) ?? throw new InvalidOperationException($"The resource {file} is missing.");
        using var copy = new MemoryStream();
        stream.CopyTo(copy);
        return Encoding.UTF8.GetString(copy.GetBuffer(), 0, (int)copy.Length);
    }
}
