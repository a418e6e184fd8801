using System.Text;
using LbTest.Engine.Results;

namespace LbTest.Engine.Report;

/// <summary>Writes results as Markdown (GitHub's, with tables): the verdicts, what each step cost, the endpoints, plan and environment.</summary>
/// <remarks>Tables behind charts that are longer than a reader would scroll are left out; the CSV report has every row.</remarks>
public static class MarkdownReport
{
    private const int MostRows = 60;

    /// <summary>Writes the text.</summary>
    /// <param name="results">The results, in the order in which they shall appear.</param>
    /// <param name="options">Title and time; null for the defaults.</param>
    public static string Write(IReadOnlyList<ITestResult> results, ReportOptions? options = null)
    {
        ReportDocument document = ReportDocument.Of(results, options);
        var text = new StringBuilder();
        text.Append("# ").Append(Escape(document.Title)).Append("\n\n");
        text.Append(CultureInfo.InvariantCulture, $"Made {document.Made.UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC by LbTest {ReportDocument.Version}.\n");
        foreach (ReportSection section in document.Sections) Section(text, section);
        return text.ToString();
    }

    private static void Section(StringBuilder text, ReportSection section)
    {
        text.Append("\n## ").Append(Escape(section.Heading)).Append("\n\n");
        if (section.NotComplete is not null) text.Append("> **NOT COMPLETE:** ").Append(Escape(section.NotComplete)).Append("\n\n");
        if (section.Badge is not null) text.Append("**").Append(Escape(section.Kind)).Append(": ").Append(Escape(section.Badge)).Append("**\n\n");
        if (section.Verdict.Length > 0) text.Append(Escape(section.Verdict)).Append("\n\n");
        foreach (string warning in section.Warnings) text.Append("> Mind: ").Append(Escape(warning)).Append("\n\n");
        if (section.Figures.Length > 0)
        {
            Table(text, ReportTable.Of("", section.Figures, ("Figure", Align.Left, f => f.Name), ("Value", Align.Right, f => f.Value), ("Beside it", Align.Left, f => f.Beside ?? "")));
        }

        foreach (ReportItem item in section.Items)
        {
            ReportTable table = item as ReportTable ?? ((ReportChart)item).Table;
            text.Append("### ").Append(Escape(item is ReportChart chart ? chart.Title : table.Caption)).Append("\n\n");
            if (item is ReportChart { Summary: var summary }) text.Append(Escape(summary)).Append("\n\n");
            if (item is ReportTable || table.Rows.Length <= MostRows) Table(text, table);
            else text.Append(CultureInfo.InvariantCulture, $"({table.Rows.Length:N0} rows: see the CSV report.)\n\n");
        }

        if (section.Facts.Length == 0) return;
        text.Append("### Plan and environment\n\n");
        Table(text, ReportTable.Of("", section.Facts, ("Name", Align.Left, f => f.Name), ("Value", Align.Left, f => f.Value)));
    }

    private static void Table(StringBuilder text, ReportTable table)
    {
        text.Append("| ").AppendJoin(" | ", table.Columns.Select(c => Escape(c.Name))).Append(" |\n| ")
            .AppendJoin(" | ", table.Columns.Select(c => c.Align == Align.Right ? "--:" : "---")).Append(" |\n");
        foreach (ImmutableArray<string> row in table.Rows) text.Append("| ").AppendJoin(" | ", row.Select(Escape)).Append(" |\n");
        text.Append('\n');
    }

    // What Markdown or HTML would take for markup. A line break would end a table's row.
    private static string Escape(string plain)
    {
        var text = new StringBuilder();
        foreach (char c in plain)
        {
            _ = c switch
            {
                '<' => text.Append("&lt;"),
                '&' => text.Append("&amp;"),
                '\\' or '`' or '*' or '_' or '[' or ']' or '|' or '#' or '~' or '!' => text.Append('\\').Append(c),
                _ => char.IsControl(c) ? text.Append(' ') : text.Append(c),
            };
        }

        return text.ToString();
    }
}
