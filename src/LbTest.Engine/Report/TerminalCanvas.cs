using System.Text;

namespace LbTest.Engine.Report;

/// <summary>The eight colours of a terminal that a chart uses.</summary>
internal enum TerminalColor
{
    None = 0,
    Red = 31,
    Green = 32,
    Yellow = 33,
    Blue = 34,
    Magenta = 35,
    Cyan = 36,
    Grey = 90,
}

/// <summary>Characters in rows, each with a colour; as many rows as are written to.</summary>
/// <param name="width">What lies beyond is cut off.</param>
internal sealed class TerminalCanvas(int width)
{
    private readonly List<(char Character, TerminalColor Color)[]> _rows = [];

    /// <summary>How many rows there are.</summary>
    internal int Height => _rows.Count;

    internal int Width => width;

    /// <summary>Writes text from a place on. Control characters, which might mean something to the terminal, become '?'.</summary>
    internal void Write(int column, int row, string text, TerminalColor color = TerminalColor.None)
    {
        while (_rows.Count <= row) _rows.Add(Blank());
        for (int i = Math.Max(0, -column); i < text.Length && column + i < width; i++) _rows[row][column + i] = (char.IsControl(text[i]) ? '?' : text[i], color);
    }

    /// <summary>Writes text into new rows, broken between words; all but the first row indented.</summary>
    internal void WriteWrapped(string text, int indent, TerminalColor color = TerminalColor.None)
    {
        int row = Height, column = 0;
        foreach (string word in text.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            bool begun = column > 0;
            if (begun && column + 1 + word.Length > width) (row, column, begun) = (row + 1, indent, false);
            if (begun) column++;
            Write(column, row, word, color);
            column += word.Length;
        }
    }

    /// <summary>True where nothing has been written.</summary>
    internal bool IsFree(int column, int row, int length) =>
        row >= _rows.Count || _rows[row].Skip(Math.Max(0, column)).Take(length).All(cell => cell.Character == ' ');

    /// <summary>The rows, each ending with a line feed, without spaces at their ends.</summary>
    /// <param name="color">True for ANSI escape sequences (ECMA-48, SGR).</param>
    /// <param name="ascii">True for nothing but ASCII.</param>
    internal string ToText(bool color, bool ascii)
    {
        var text = new StringBuilder();
        foreach ((char Character, TerminalColor Color)[] row in _rows)
        {
            int end = Array.FindLastIndex(row, cell => cell.Character != ' ') + 1;
            TerminalColor last = TerminalColor.None;
            foreach ((char character, TerminalColor cell) in row.AsSpan(0, end))
            {
                if (color && cell != last && character != ' ') text.Append(CultureInfo.InvariantCulture, $"\e[{(int)(last = cell)}m");
                text.Append(ascii ? Plain(character) : character);
            }

            text.Append(last == TerminalColor.None ? "\n" : "\e[0m\n");
        }

        return text.ToString();
    }

    private (char, TerminalColor)[] Blank()
    {
        var row = new (char, TerminalColor)[width];
        Array.Fill(row, (' ', TerminalColor.None));
        return row;
    }

    private static char Plain(char character) => character switch
    {
        <= '~' => character,
        '█' or '▇' or '▆' => '#',
        '▅' or '▄' or '▒' => '+',
        '▃' or '▂' => ':',
        '▁' or '░' => '.',
        '│' or '┤' => '|',
        '└' => '+',
        '─' or '━' or '–' or '−' => '-',
        '▲' => '^',
        '…' => '.',
        'µ' => 'u',
        'χ' => 'x',
        '²' => '2',
        '≤' => '<',
        '≥' => '>',
        _ => '?',
    };
}
