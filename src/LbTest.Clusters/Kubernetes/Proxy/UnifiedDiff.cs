using System.Globalization;
using System.Text;

namespace LbTest.Clusters.Kubernetes.Proxy;

/// <summary>The difference of two texts, as <c>diff -u</c> shows it.</summary>
internal static class UnifiedDiff
{
    private const int Context = 3;

    /// <summary>The difference; empty when there is none.</summary>
    /// <param name="before">One text.</param>
    /// <param name="after">The other.</param>
    /// <param name="name">What to call them.</param>
    internal static string Of(string before, string after, string name)
    {
        if (before == after) return "";
        List<(char Sign, string Line)> lines = Compare(before.Split('\n'), after.Split('\n'));
        var text = new StringBuilder().Append("--- ").Append(name).Append("\n+++ ").Append(name).Append('\n');
        int at = 0, old = 1, @new = 1;
        while (lines.FindIndex(at, one => one.Sign != ' ') is >= 0 and var first)
        {
            int start = Math.Max(at, first - Context), end = first;
            // Changes that are near to each other are shown together.
            while (lines.FindIndex(end, one => one.Sign != ' ') is >= 0 and var next && next - end <= 2 * Context) end = next + 1;
            end = Math.Min(lines.Count, end + Context);
            old += start - at;
            @new += start - at;
            (char Sign, string Line)[] hunk = [.. lines[start..end]];
            int olds = hunk.Count(one => one.Sign != '+'), news = hunk.Count(one => one.Sign != '-');
            _ = text.Append(CultureInfo.InvariantCulture, $"@@ -{old},{olds} +{@new},{news} @@\n");
            foreach ((char sign, string line) in hunk) _ = text.Append(sign).Append(line).Append('\n');
            (at, old, @new) = (end, old + olds, @new + news);
        }

        return text.ToString().TrimEnd('\n');
    }

    // The longest common subsequence of what lies between the common beginning and the common end.
    private static List<(char Sign, string Line)> Compare(string[] before, string[] after)
    {
        int head = 0, tail = 0;
        while (head < before.Length && head < after.Length && before[head] == after[head]) head++;
        while (tail < before.Length - head && tail < after.Length - head && before[^(tail + 1)] == after[^(tail + 1)]) tail++;
        string[] one = before[head..^tail], two = after[head..^tail];
        var common = new int[one.Length + 1, two.Length + 1];
        for (int i = one.Length - 1; i >= 0; i--)
            for (int j = two.Length - 1; j >= 0; j--) common[i, j] = one[i] == two[j] ? common[i + 1, j + 1] + 1 : Math.Max(common[i + 1, j], common[i, j + 1]);
        List<(char, string)> lines = [.. before[..head].Select(line => (' ', line))];
        for (int i = 0, j = 0; i < one.Length || j < two.Length;)
        {
            bool same = i < one.Length && j < two.Length && one[i] == two[j], gone = !same && (j == two.Length || (i < one.Length && common[i + 1, j] >= common[i, j + 1]));
            lines.Add(same ? (' ', one[i]) : gone ? ('-', one[i]) : ('+', two[j]));
            if (same || gone) i++;
            if (!gone) j++;
        }

        return [.. lines, .. before[^tail..].Select(line => (' ', line))];
    }
}
