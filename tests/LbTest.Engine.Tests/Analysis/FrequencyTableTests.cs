using LbTest.Engine.Analysis;

namespace LbTest.Engine.Tests.Analysis;

public sealed class FrequencyTableTests
{
    [Fact]
    public void Frequencies_ascend_and_count_endpoints_with_nothing() =>
        Assert.Equal([new(0, 2), new(3, 1), new(7, 2)], Frequency.Count([7, 0, 3, 0, 7]).ToArray());

    [Fact]
    public void Rows_are_all_numbers_of_connections_in_any_column()
    {
        var table = Table(("a", [1, 1, 4]), ("b", [2, 4]));

        Assert.Equal(["a", "b"], table.Labels.ToArray());
        Assert.Equal([1, 2, 4], table.Rows.Select(row => row.Connections));
        Assert.Equal([[2, 0], [0, 1], [1, 1]], table.Rows.Select(row => row.Endpoints.ToArray()));
        Assert.Equal([6, 6], table.Balances.Select(balance => balance.Connections));
    }

    [Fact]
    public void One_result_gets_bars_and_a_summary() => Assert.Equal(
        """
          Connections  Endpoints
                   19          2  ██
                   20          3  ███
                   21          2  ██
        ────────────────────────
        endpoints              7
        connections          140
        minimum               19
        maximum               21
        std deviation       0.76
          by chance         4.14
        Jain's index      0.9986
          by chance       0.9589
        χ²                  0.20
        """,
        string.Join('\n', Lines(Table(("", [19, 19, 20, 20, 20, 21, 21]))).Take(14)));

    [Fact]
    public void Results_stand_side_by_side_with_dots_for_nothing()
    {
        string[] lines = Lines(Table(("iptables", [95, 105]), ("round robin", [100, 100])));

        Assert.Equal("  Connections  iptables  round robin", lines[0]);
        Assert.Equal("           95         1            ·", lines[1]);
        Assert.Equal("          100         ·            2", lines[2]);
        Assert.Contains(lines, line => line.StartsWith("iptables: 200 connections over 2 endpoints", StringComparison.Ordinal));
        Assert.DoesNotContain(lines, line => line.Contains('█', StringComparison.Ordinal));
    }

    [Fact]
    public void Many_rows_are_folded_in_the_text_only()
    {
        var table = Table(("wide", [.. Enumerable.Range(100, 150).Select(n => (long)n)]));

        string[] rows = [.. Lines(table).Skip(1).TakeWhile(line => !line.StartsWith('─'))];

        Assert.Equal(150, table.Rows.Length);
        Assert.Equal(30, rows.Length);
        Assert.StartsWith("      100–104         5  █████", rows[0], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, 40)]
    [InlineData(60, 60)]
    [InlineData(80, 80)]
    [InlineData(200, 200)]
    public void Text_keeps_within_the_width(int asked, int width)
    {
        var random = new Random(9);
        string longLabel = new('x', 100);
        (string, long[])[] columns = [.. Enumerable.Range(0, 20).Select(i => ($"result number {i}", Spreads.Draw(random, 100_000, 100)))];

        string[] lines = Lines(Table(columns), asked);

        Assert.All(lines.Where(line => line.Length > 0), line => Assert.InRange(line.Length, 1, width));
        Assert.Equal(20, lines.Where(line => line.TrimStart().StartsWith("Connections", StringComparison.Ordinal))
            .Sum(line => line.Split("result number").Length - 1));
        Assert.All(
            Lines(Table((longLabel, [1_000_000, 1_000_000, 0])), asked).Where(line => !line.Contains(longLabel, StringComparison.Ordinal)),
            line => Assert.InRange(line.Length, 0, width));
    }

    [Fact]
    public void Nothing_at_all_still_prints()
    {
        Assert.NotEmpty(Table(("empty", [])).ToText());
        Assert.Empty(Table().ToText());
    }

    private static string[] Lines(FrequencyTable table, int width = 80) => table.ToText(width).Split('\n');

    private static FrequencyTable Table(params (string Label, long[] Counts)[] columns) => FrequencyTable.Create(
        [.. columns.Select(c => new FrequencyColumn(c.Label, c.Counts, BalanceAnalysis.Measure(c.Counts, label: c.Label)))]);
}
