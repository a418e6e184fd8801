namespace LbTest.Engine.Analysis;

/// <summary>Endpoints per column that got a number of connections in a range.</summary>
internal sealed record FoldedRow(long First, long Last, int[] Endpoints)
{
    private const int MostRows = 40;

    /// <summary>The range in words: "75", or "75–79".</summary>
    public string Name => First == Last ? FormattableString.Invariant($"{First:N0}") : FormattableString.Invariant($"{First:N0}–{Last:N0}");

    /// <summary>Folds rows into ranges of the smallest equal width, 1, 2 or 5 times a power of ten, that leaves few enough rows.</summary>
    public static FoldedRow[] Fold(IReadOnlyCollection<FrequencyTableRow> rows) =>
        Widths().Select(width => Fold(rows, width)).First(folded => folded.Length <= MostRows);

    private static FoldedRow[] Fold(IEnumerable<FrequencyTableRow> rows, long width) =>
    [
        .. rows.GroupBy(row => row.Connections / width).Select(range => new FoldedRow(
            range.Key * width,
            range.Key * width + width - 1,
            [.. range.Select(row => row.Endpoints.AsEnumerable()).Aggregate((sum, more) => sum.Zip(more, (a, b) => a + b))])),
    ];

    private static IEnumerable<long> Widths()
    {
        for (long power = 1; ; power *= 10)
        {
            yield return power;
            yield return 2 * power;
            yield return 5 * power;
        }
    }
}
