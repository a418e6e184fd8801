namespace LbTest.Engine.Analysis;

/// <summary>One result in a <see cref="FrequencyTable"/>.</summary>
/// <param name="Label">What heads the column; may be empty.</param>
/// <param name="Counts">Connections per endpoint, with a 0 for every endpoint that exists but got nothing.</param>
/// <param name="Balance">The balance of the same counts.</param>
public sealed record FrequencyColumn(string Label, IReadOnlyList<long> Counts, Balance Balance);

/// <summary>One row of a <see cref="FrequencyTable"/>.</summary>
/// <param name="Connections">Connections per endpoint, 0 or more.</param>
/// <param name="Endpoints">How many endpoints got exactly that, per column; 0 or more.</param>
public sealed record FrequencyTableRow(long Connections, ImmutableArray<int> Endpoints);

/// <summary>How many endpoints got how many connections, for several results side by side.</summary>
public sealed class FrequencyTable
{
    private FrequencyTable(ImmutableArray<string> labels, ImmutableArray<FrequencyTableRow> rows, ImmutableArray<Balance> balances) =>
        (Labels, Rows, Balances) = (labels, rows, balances);

    /// <summary>What heads each column.</summary>
    public ImmutableArray<string> Labels { get; }

    /// <summary>A row for every number of connections that occurs in any column, ascending.</summary>
    public ImmutableArray<FrequencyTableRow> Rows { get; }

    /// <summary>The balance of each column.</summary>
    public ImmutableArray<Balance> Balances { get; }

    /// <summary>Puts results side by side.</summary>
    /// <param name="columns">The results, in the order of the columns.</param>
    /// <returns>The table.</returns>
    public static FrequencyTable Create(IReadOnlyList<FrequencyColumn> columns)
    {
        ArgumentNullException.ThrowIfNull(columns);
        var rows = new SortedDictionary<long, int[]>();
        for (int column = 0; column < columns.Count; column++)
        {
            foreach (var (connections, endpoints) in Frequency.Count(columns[column].Counts))
            {
                if (!rows.TryGetValue(connections, out var row))
                    rows[connections] = row = new int[columns.Count];
                row[column] = endpoints;
            }
        }

        return new FrequencyTable(
            [.. columns.Select(c => c.Label)],
            [.. rows.Select(row => new FrequencyTableRow(row.Key, [.. row.Value]))],
            [.. columns.Select(c => c.Balance)]);
    }

    /// <summary>
    /// The table as text for a terminal, without colours, with the main measures and the verdict of each column below it. More than
    /// 40 rows are folded into rows of equal width, such as "75–79"; columns that don't fit side by side go into further blocks.
    /// </summary>
    /// <param name="width">The width of the terminal in characters; less than 40 counts as 40.</param>
    /// <returns>Lines that end with a line feed, none of them longer than the width unless a label is.</returns>
    public string ToText(int width = 80) => new FrequencyTableText(this, Math.Max(width, 40)).ToString();
}
