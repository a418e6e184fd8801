using System.Text;
using LbTest.Engine.Analysis;

namespace LbTest.Engine.Compare;

/// <summary>Lays a <see cref="ResultComparison"/> out as text.</summary>
internal static class ComparisonTable
{
    private const string Gap = "  ", None = "–";
    private const int Narrowest = 8, Widest = 24;

    internal static string Write(ResultComparison comparison, int width)
    {
        width = Math.Max(width, 40);
        List<string[]> rows = [["", comparison.Reference, comparison.Label, "change"]];
        if (comparison.Spread is { } spread) rows.Add(["Verdict", Paragraph.Word(spread.ReferenceBalance.Verdict), Paragraph.Word(spread.Balance.Verdict), ""]);
        rows.AddRange(comparison.Measures.Select(m => new[] { m.Unit.Length == 0 ? m.Name : $"{m.Name}, {m.Unit}", m.Text(m.Reference), m.Text(m.Result), Change(m) }));
        int first = rows.Max(row => row[0].Length), change = rows.Max(row => row[3].Length);
        int room = Math.Clamp((width - first - change - (3 * Gap.Length)) / 2, Narrowest, Widest);
        int[] columns = [.. Enumerable.Range(1, 2).Select(c => Math.Min(room, rows.Max(row => row[c].Length))), change];
        var text = new StringBuilder();
        for (int r = 0; r < rows.Count; r++)
        {
            text.Append(rows[r][0].PadRight(first));
            for (int c = 0; c < columns.Length; c++) text.Append(Gap).Append(Paragraph.Shorten(rows[r][c + 1], columns[c]).PadLeft(columns[c]));
            End(text);
            if (r == 0) text.Append('─', first + columns.Sum(c => c + Gap.Length)).Append('\n');
        }

        text.Append('\n');
        if (comparison.Steps.Length > 0) Steps(text, comparison, width);
        return text.Append(Paragraph.Wrap($"{comparison.Verdict}. {comparison.Explanation}", width)).ToString();
    }

    private static void Steps(StringBuilder text, ResultComparison comparison, int width)
    {
        foreach (StepComparison step in comparison.Steps)
        {
            text.Append(Paragraph.Wrap(string.Create(CultureInfo.InvariantCulture,
                $"{step.Time.TotalSeconds,8:0.00} s  {step.Description}: {Lost(step.ReferenceLost, step.ReferenceLeast)} lost in {comparison.Reference}, {Lost(step.Lost, step.Least)} in {comparison.Label}"), width));
        }

        text.Append('\n');
    }

    private static string Lost(int lost, double? least) => least is { } number ? string.Create(CultureInfo.InvariantCulture, $"{lost:N0} (least {number:#,0.#})") : lost.ToString("N0", CultureInfo.InvariantCulture);

    private static string Change(MeasureComparison measure) => measure.Change switch
    {
        null => None,
        0 => "same",
        > 0 and { } more => "+" + measure.Text(more),
        { } less => "−" + measure.Text(-less),
    };

    private static void End(StringBuilder text)
    {
        while (text[^1] == ' ') text.Length--;
        text.Append('\n');
    }
}
