using System.Text;

namespace LbTest.Engine.Analysis;

/// <summary>Words for a terminal: what must fit into a line or a column.</summary>
internal static class Paragraph
{
    private const string Indent = "  ";
    private const char HardSpace = '\u00a0';

    // No line ends between a number and its sign, name or unit.
    private static readonly string[] Ties = ["df ", "p lower ", "upper ", " %", " = ", " ≤ ", " s,", " s."];

    /// <summary>Breaks a paragraph into lines, the second and later ones indented, each ended by a line feed and none longer than the width unless a word is.</summary>
    internal static string Wrap(string paragraph, int width)
    {
        var text = new StringBuilder();
        int used = 0;
        foreach (string word in Tied(paragraph).Split(' ').Select(word => word.Replace(HardSpace, ' ')))
        {
            if (used > 0 && used + 1 + word.Length > width)
            {
                text.Append('\n').Append(Indent);
                used = Indent.Length;
            }
            else if (used > 0)
            {
                text.Append(' ');
                used++;
            }

            text.Append(word);
            used += word.Length;
        }

        return text.Append('\n').ToString();
    }

    /// <summary>A verdict for a column.</summary>
    internal static string Word(Verdict verdict) => verdict switch
    {
        Verdict.ConsistentWithRandom => "random",
        Verdict.EvenerThanRandom => "evener",
        Verdict.Uneven => "uneven",
        _ => "none",
    };

    /// <summary>A label that is no longer than a column.</summary>
    internal static string Shorten(string label, int length) => label.Length <= length ? label : label[..(length - 1)] + "…";

    private static string Tied(string text) => Ties.Aggregate(text, (tied, part) => tied.Replace(part, part.Replace(' ', HardSpace), StringComparison.Ordinal));
}
