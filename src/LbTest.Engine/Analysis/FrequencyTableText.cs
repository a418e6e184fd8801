using System.Text;

namespace LbTest.Engine.Analysis;

/// <summary>Lays a <see cref="FrequencyTable"/> out as text.</summary>
internal sealed class FrequencyTableText
{
    private const string Gap = "  ";
    private const int NarrowestColumn = 8;
    private const int WidestColumn = 24;

    private static readonly (string Name, Func<Balance, string> Value)[] Measures =
    [
        ("endpoints", b => Whole(b.Endpoints)),
        ("connections", b => Whole(b.Connections)),
        ("minimum", b => Whole(b.Minimum)),
        ("maximum", b => Whole(b.Maximum)),
        ("std deviation", b => Decimals(b.StandardDeviation, 2)),
        ("  by chance", b => Decimals(b.ExpectedStandardDeviation, 2)),
        ("Jain's index", b => Decimals(b.JainIndex, 4)),
        ("  by chance", b => Decimals(b.ExpectedJainIndex, 4)),
        ("χ²", b => Decimals(b.ChiSquare, b.ChiSquare < 10 ? 2 : 1)),
        ("  p lower", b => Explanation.Probability(b.PLower)),
        ("  p upper", b => Explanation.Probability(b.PUpper)),
        ("verdict", b => Paragraph.Word(b.Verdict)),
    ];

    private readonly FrequencyTable _table;
    private readonly int _width;
    private readonly FoldedRow[] _rows;
    private readonly int _firstWidth;
    private readonly string[] _heads;
    private readonly StringBuilder _text = new();

    public FrequencyTableText(FrequencyTable table, int width)
    {
        _table = table;
        _width = width;
        _rows = FoldedRow.Fold(table.Rows);
        _firstWidth = _rows.Select(row => row.Name.Length).Concat(Measures.Select(m => m.Name.Length)).Max();
        int widest = Math.Clamp(width - _firstWidth - Gap.Length, NarrowestColumn, WidestColumn);
        _heads = [.. table.Labels.Select(label => label.Length == 0 ? "Endpoints" : Paragraph.Shorten(label, widest))];
    }

    public override string ToString()
    {
        for (int first = 0; first < _heads.Length;)
        {
            int end = EndOfBlock(first);
            AppendBlock(first, end);
            first = end;
        }

        for (int column = 0; column < _heads.Length; column++)
        {
            string label = _table.Labels[column];
            _text.Append(Paragraph.Wrap((label.Length == 0 ? "" : label + ": ") + _table.Balances[column].Explanation, _width));
        }

        return _text.ToString();
    }

    private void AppendBlock(int first, int end)
    {
        AppendLine("Connections".PadLeft(_firstWidth), first, end, c => _heads[c]);
        foreach (var row in _rows)
        {
            string bar = _heads.Length == 1 ? Bar(row.Endpoints[0]) : "";
            AppendLine(row.Name.PadLeft(_firstWidth), first, end, c => row.Endpoints[c] == 0 ? "·" : Whole(row.Endpoints[c]), bar);
        }

        _text.Append('─', _firstWidth + Enumerable.Range(first, end - first).Sum(c => Gap.Length + ColumnWidth(c))).Append('\n');
        foreach (var (name, value) in Measures)
            AppendLine(name.PadRight(_firstWidth), first, end, c => value(_table.Balances[c]));
        _text.Append('\n');
    }

    private void AppendLine(string name, int first, int end, Func<int, string> cell, string bar = "")
    {
        _text.Append(name);
        for (int column = first; column < end; column++)
            _text.Append(Gap).Append(cell(column).PadLeft(ColumnWidth(column)));
        _text.Append(bar).Append('\n');
    }

    /// <summary>As many columns as fit beside the first one; at least one.</summary>
    private int EndOfBlock(int first)
    {
        int end = first, used = _firstWidth;
        while (end < _heads.Length && (end == first || used + Gap.Length + ColumnWidth(end) <= _width))
            used += Gap.Length + ColumnWidth(end++);
        return end;
    }

    private int ColumnWidth(int column) => Math.Max(
        Math.Max(NarrowestColumn, _heads[column].Length),
        Measures.Max(measure => measure.Value(_table.Balances[column]).Length));

    private string Bar(int endpoints)
    {
        int room = Math.Max(0, _width - _firstWidth - ColumnWidth(0) - 2 * Gap.Length), most = _rows.Max(row => row.Endpoints[0]);
        int length = most <= room ? endpoints : (int)Math.Ceiling((double)endpoints * room / most);
        return length == 0 ? "" : Gap + new string('█', length);
    }

    private static string Whole(long number) => number.ToString("N0", CultureInfo.InvariantCulture);

    private static string Decimals(double number, int digits) => number.ToString("N" + digits, CultureInfo.InvariantCulture);
}
