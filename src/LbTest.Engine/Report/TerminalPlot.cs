using LbTest.Engine.Analysis;

namespace LbTest.Engine.Report;

/// <summary>Values over time, the one drawn behind the other, from a common base line.</summary>
internal sealed class TerminalPlot
{
    /// <summary>Characters left of the plot: the scale and the axis.</summary>
    internal const int Margin = 13;

    // Where the largest value is this many times the least one, a linear scale would show nothing else.
    private const double LogarithmicFrom = 20;

    private const string Eighths = " ▁▂▃▄▅▆▇█";

    private readonly TerminalCanvas _canvas;
    private readonly ImmutableArray<TimelinePoint> _points;
    private readonly int _height, _each;
    private readonly Func<double, string> _unit;
    private readonly (string Name, char Fill, TerminalColor Color, Func<TimelinePoint, double> Value)[] _layers;

    /// <summary>Prepares a plot below what is on the canvas.</summary>
    /// <param name="canvas">Where to.</param>
    /// <param name="points">At most as many as there are columns.</param>
    /// <param name="height">Rows.</param>
    /// <param name="unit">How a value is written.</param>
    /// <param name="layers">Ascending: each value is no less than that of the layer before, which covers it.</param>
    internal TerminalPlot(TerminalCanvas canvas, ImmutableArray<TimelinePoint> points, int height, Func<double, string> unit,
        (string Name, char Fill, TerminalColor Color, Func<TimelinePoint, double> Value)[] layers)
    {
        (_canvas, _points, _height, _unit, _layers) = (canvas, points, height, unit, layers);
        _each = Math.Max(1, (canvas.Width - Margin - 1) / points.Length);
    }

    /// <summary>True when a logarithmic scale may be used where it shows more.</summary>
    internal bool Logarithmic { get; init; }

    private int Columns => _each * _points.Length;

    /// <summary>Draws scale, layers and base line.</summary>
    internal void Draw()
    {
        double[] least = [.. _points.Select(_layers[0].Value).Where(v => v > 0)];
        double largest = _points.Max(_layers[^1].Value), low = least.Length > 0 ? Math.Pow(10, Math.Floor(Math.Log10(least.Min()))) : 0;
        bool logarithmic = Logarithmic && low > 0 && largest > LogarithmicFrom * least.Min();
        double high = largest <= 0 ? 1 : logarithmic ? Math.Pow(10, Math.Ceiling(Math.Log10(largest))) : largest;
        double Scale(double v) => logarithmic ? v <= low ? 0 : Math.Log10(v / low) / Math.Log10(high / low) : v / high;
        double At(double share) => logarithmic ? low * Math.Pow(high / low, share) : high * share;

        int top = _canvas.Height;
        for (int row = 0; row < _height; row++)
        {
            bool labelled = row == 0 || row == _height / 2;
            Ruler(top + row, labelled ? _unit(At((double)(_height - row) / _height)) : "", '│');
            double floor = _height - 1 - row;
            for (int i = 0; i < _points.Length; i++)
            {
                if (Cell(_points[i], v => (Scale(v) * _height) - floor) is { } cell) _canvas.Write(Margin + (i * _each), top + row, new string(cell.Character, _each), cell.Color);
            }
        }

        Ruler(top + _height, _unit(At(0)), '└');
        _canvas.Write(Margin, top + _height, new string('─', Columns), TerminalColor.Grey);
    }

    /// <summary>Marks a time on the base line, and in the row under it with its number where there is room.</summary>
    internal void Mark(double seconds, int number, int row)
    {
        int point = 0;
        while (point < _points.Length - 1 && _points[point].Time < seconds) point++;
        double share = (seconds - _points[point].Start) / Math.Max(1e-9, _points[point].Time - _points[point].Start);
        int column = Margin + (point * _each) + (int)Math.Clamp(share * _each, 0, _each - 1);
        _canvas.Write(column, row - 1, "▲", TerminalColor.Magenta);
        string text = number.ToString(CultureInfo.InvariantCulture);
        if (_canvas.IsFree(column - 1, row, text.Length + 2)) _canvas.Write(column, row, text, TerminalColor.Magenta);
    }

    /// <summary>Writes the first and the last time.</summary>
    internal void TimeAxis(int row)
    {
        string end = Quantity.Number(_points[^1].Time, 1) + " s";
        _canvas.Write(Margin, row, "0");
        _canvas.Write(Math.Max(Margin + 2, Margin + Columns - end.Length), row, end);
    }

    /// <summary>Says what each fill stands for.</summary>
    internal void Legend()
    {
        int column = Margin, row = _canvas.Height - 1;
        // In the middle of the row of times, where there is room; else in a row of its own.
        int length = _layers.Sum(l => l.Name.Length + 4);
        if (_canvas.IsFree(Margin + 3, row, length) && Columns >= length + 14) column += 4;
        else row++;
        foreach ((string name, char fill, TerminalColor color, _) in _layers)
        {
            _canvas.Write(column, row, fill.ToString(), color);
            _canvas.Write(column + 2, row, name);
            column += name.Length + 4;
        }
    }

    /// <summary>Draws counts as a row of small bars, with their sum and the largest.</summary>
    internal void Strip(string name, TerminalColor color, Func<TimelinePoint, double> value)
    {
        int row = _canvas.Height;
        double most = _points.Max(value);
        Ruler(row, name, '│');
        for (int i = 0; i < _points.Length && most > 0; i++)
        {
            // What is there at all is seen.
            double share = value(_points[i]) / most;
            if (share > 0) _canvas.Write(Margin + (i * _each), row, new string(Eighths[Math.Clamp((int)Math.Round(8 * share), 1, 8)], _each), color);
        }

        string note = most > 0 ? $"most {Quantity.Number(most, 0)}" : "none";
        // At the right, in the strip or beside it; else at its left.
        int end = Math.Min(Margin + Columns, _canvas.Width - note.Length);
        if (_canvas.IsFree(end - 1, row, note.Length + 1)) _canvas.Write(end, row, note, TerminalColor.Grey);
        else if (_canvas.IsFree(Margin, row, note.Length + 2)) _canvas.Write(Margin + 1, row, note, TerminalColor.Grey);
    }

    /// <summary>Draws how many endpoints got how many connections, with a dash where chance would have them.</summary>
    internal static void Histogram(TerminalCanvas canvas, ImmutableArray<FrequencyBin> bins, int height)
    {
        int top = canvas.Height, each = Math.Max(2, (canvas.Width - Margin - 1) / bins.Length), columns = each * bins.Length;
        double most = Math.Max(1, bins.Max(b => Math.Max(b.Endpoints, b.Expected)));
        for (int row = 0; row < height; row++)
        {
            Ruler(canvas, top + row, row == 0 || row == height / 2 ? Quantity.Number(most * (height - row) / height, 1) : "", '│');
            for (int i = 0; i < bins.Length; i++)
            {
                double filled = (bins[i].Endpoints * height / most) - (height - 1 - row);
                int column = Margin + (i * each);
                if (Math.Round(8 * filled) > 0) canvas.Write(column, top + row, new string(Eighths[Math.Min(8, (int)Math.Round(8 * filled))], each - 1), TerminalColor.Green);
                bool expected = (int)Math.Min(height - 1, bins[i].Expected * height / most) == height - 1 - row;
                if (expected && bins[i].Expected >= most / (2 * height)) canvas.Write(column, top + row, new string('━', each - 1), TerminalColor.Yellow);
            }
        }

        Ruler(canvas, top + height, "0", '└');
        canvas.Write(Margin, top + height, new string('─', columns), TerminalColor.Grey);
        for (int i = 0; i < bins.Length; i++)
        {
            int column = Margin + (i * each);
            if (column + bins[i].Name.Length <= canvas.Width && (i == 0 || canvas.IsFree(column - 2, top + height + 1, bins[i].Name.Length + 2))) canvas.Write(column, top + height + 1, bins[i].Name);
        }

        int legend = canvas.Height;
        canvas.Write(Margin, legend, "█", TerminalColor.Green);
        canvas.Write(Margin + 2, legend, "endpoints");
        canvas.Write(Margin + 13, legend, "━", TerminalColor.Yellow);
        canvas.Write(Margin + 15, legend, "by chance");
    }

    // The lowest layer that fills half of the cell or more; the solid one shows eighths where no other stands on it.
    private (char Character, TerminalColor Color)? Cell(TimelinePoint point, Func<double, double> above)
    {
        for (int layer = 0; layer < _layers.Length; layer++)
        {
            double filled = above(_layers[layer].Value(point)), next = layer + 1 < _layers.Length ? above(_layers[layer + 1].Value(point)) : filled;
            bool solid = _layers[layer].Fill == '█', covered = next > filled + 0.25;
            if (filled >= (solid && !covered ? 1 : 0.5)) return (_layers[layer].Fill, _layers[layer].Color);
            if (solid && !covered && Math.Round(8 * filled) > 0) return (Eighths[(int)Math.Round(8 * filled)], _layers[layer].Color);
        }

        return null;
    }

    private void Ruler(int row, string text, char axis) => Ruler(_canvas, row, text, axis);

    private static void Ruler(TerminalCanvas canvas, int row, string text, char axis)
    {
        canvas.Write(Math.Max(0, Margin - 2 - text.Length), row, text);
        canvas.Write(Margin - 1, row, axis.ToString(), TerminalColor.Grey);
    }
}
