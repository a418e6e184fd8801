using System.Text;

namespace LbTest.Engine.Report;

/// <summary>Sections, tables and charts as HTML.</summary>
internal static class HtmlText
{
    private const int MostKeys = 6;

    /// <summary>Text as the content of an element or of an attribute in double quotes. What no document may contain (control characters, half surrogates) becomes U+FFFD.</summary>
    internal static string Escape(string? text)
    {
        var escaped = new StringBuilder();
        foreach (Rune rune in (text ?? "").EnumerateRunes())
        {
            _ = rune.Value switch
            {
                '&' => escaped.Append("&amp;"),
                '<' => escaped.Append("&lt;"),
                '>' => escaped.Append("&gt;"),
                '"' => escaped.Append("&quot;"),
                '\'' => escaped.Append("&#39;"),
                '\t' or '\n' or '\r' => escaped.Append(' '),
                < 0x20 or (>= 0x7f and < 0xa0) => escaped.Append('\ufffd'),
                _ => escaped.Append(rune.ToString()),
            };
        }

        return escaped.ToString();
    }

    internal static string Section(ReportSection section, bool charts)
    {
        var html = new StringBuilder();
        html.Append("<section id=\"").Append(section.Id).Append("\" aria-labelledby=\"").Append(section.Id).Append("-heading\">\n<p class=\"kind\">").Append(Escape(section.Kind))
            .Append("</p>\n<h2 id=\"").Append(section.Id).Append("-heading\">").Append(Escape(section.Heading));
        if (section.Badge is not null) html.Append(" <span class=\"badge ").Append(Class(section.Tone)).Append("\">").Append(Escape(section.Badge)).Append("</span>");
        html.Append("</h2>\n");
        if (section.NotComplete is not null) html.Append("<p class=\"incomplete\"><strong>NOT COMPLETE:</strong> ").Append(Escape(section.NotComplete)).Append("</p>\n");
        if (section.Verdict.Length > 0) html.Append("<p class=\"verdict\">").Append(Escape(section.Verdict)).Append("</p>\n");
        foreach (string warning in section.Warnings) html.Append("<p class=\"warning\"><strong>Mind:</strong> ").Append(Escape(warning)).Append("</p>\n");
        if (section.Figures.Length > 0) Figures(html, section.Figures);
        foreach (ReportItem item in section.Items)
        {
            if (item is ReportTable table) Table(html, table);
            else if (item is ReportChart chart) Chart(html, chart, charts);
        }

        if (section.Facts.Length > 0) Facts(html, section.Facts);
        return html.Append("</section>\n").ToString();
    }

    private static void Figures(StringBuilder html, ImmutableArray<ReportFact> figures)
    {
        html.Append("<dl class=\"figures\">\n");
        foreach (ReportFact figure in figures)
        {
            html.Append("<div class=\"").Append(Class(figure.Tone)).Append("\"><dt>").Append(Escape(figure.Name)).Append("</dt><dd>").Append(Escape(figure.Value)).Append("</dd>");
            if (figure.Beside is not null) html.Append("<dd class=\"beside\">").Append(Escape(figure.Beside)).Append("</dd>");
            html.Append("</div>\n");
        }

        html.Append("</dl>\n");
    }

    private static void Facts(StringBuilder html, ImmutableArray<ReportFact> facts)
    {
        html.Append("<h3>Plan and environment</h3>\n<dl class=\"facts\">\n");
        foreach (ReportFact fact in facts) html.Append("<div><dt>").Append(Escape(fact.Name)).Append("</dt><dd>").Append(Escape(fact.Value)).Append("</dd></div>\n");
        html.Append("</dl>\n");
    }

    // Where there are no charts the tables stand open.
    private static void Chart(StringBuilder html, ReportChart chart, bool charts)
    {
        html.Append("<figure aria-labelledby=\"").Append(chart.Id).Append("-title\">\n<figcaption><h3 id=\"").Append(chart.Id).Append("-title\">").Append(Escape(chart.Title))
            .Append("</h3><p>").Append(Escape(chart.Summary)).Append("</p></figcaption>\n");
        if (charts)
        {
            html.Append("<div class=\"chart\" id=\"").Append(chart.Id).Append("\" role=\"img\" aria-label=\"Chart: ").Append(Escape(chart.Title)).Append(". ").Append(Escape(chart.Summary))
                .Append(" The table below has its numbers.\"></div>\n");
            Key(html, chart.Data.Marks);
        }

        html.Append("<details").Append(charts ? "" : " open").Append("><summary>Table: ").Append(Escape(chart.Table.Caption)).Append("</summary>\n");
        Table(html, chart.Table);
        html.Append("</details>\n</figure>\n");
    }

    // What the numbers at the lines mean; where there are many, the section's table of disturbances says it.
    private static void Key(StringBuilder html, ImmutableArray<ChartMark> marks)
    {
        if (marks.Length == 0) return;
        html.Append("<p class=\"key\">");
        if (marks.Length > MostKeys) html.Append(CultureInfo.InvariantCulture, $"Lines are the {marks.Length:N0} disturbances by their numbers in the table of disturbances.");
        else html.AppendJoin("; ", marks.Select(m => string.Create(CultureInfo.InvariantCulture, $"<b>{m.Number}</b> at {m.At:#,0.00} s: {Escape(m.Text)}")));
        html.Append("</p>\n");
    }

    // A box that scrolls sideways must be reachable with the keyboard.
    private static void Table(StringBuilder html, ReportTable table)
    {
        html.Append("<div class=\"table\" role=\"region\" tabindex=\"0\" aria-label=\"").Append(Escape(table.Caption)).Append("\"><table><caption>").Append(Escape(table.Caption)).Append("</caption>\n<thead><tr>");
        foreach (ReportColumn column in table.Columns)
        {
            // An empty head is none, and a reader of the page aloud should not be told of one.
            if (column.Name.Length == 0) html.Append("<td></td>");
            else html.Append("<th scope=\"col\"").Append(Side(column)).Append('>').Append(Escape(column.Name)).Append("</th>");
        }

        html.Append("</tr></thead>\n<tbody>\n");
        foreach (ImmutableArray<string> row in table.Rows)
        {
            html.Append("<tr>");
            for (int i = 0; i < row.Length; i++)
            {
                (string open, string close) = i == 0 ? ("<th scope=\"row\"", "</th>") : ("<td", "</td>");
                html.Append(open).Append(Side(table.Columns[i])).Append('>').Append(Escape(row[i])).Append(close);
            }

            html.Append("</tr>\n");
        }

        html.Append("</tbody></table></div>\n");
    }

    private static string Side(ReportColumn column) => column.Align == Align.Right ? " class=\"number\"" : "";

    private static string Class(ReportTone tone) => tone switch
    {
        ReportTone.Good => "good",
        ReportTone.Bad => "bad",
        _ => "neutral",
    };
}
