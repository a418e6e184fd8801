using System.Text;
using System.Text.Json.Nodes;
using LbTest.Engine.Connect;
using LbTest.Engine.Disturbances;
using LbTest.Engine.Report;
using LbTest.Engine.Results;
using LbTest.Engine.Traffic;

namespace LbTest.Engine.Tests.Report;

/// <summary>CSV, JSON and Markdown.</summary>
public sealed class TextReportTests
{
    [Fact]
    public void Csv_has_a_row_for_each_sample_and_reads_back()
    {
        TrafficResult result = SampleTraffic.EndpointsDown("a, \"b\"\nc");
        List<string[]> rows = Parse(CsvReport.Write([result]));

        Assert.Equal(1 + result.Samples.Length, rows.Count);
        Assert.All(rows, row => Assert.Equal(rows[0].Length, row.Length));
        Assert.DoesNotContain("Endpoint", rows[0]);
        string[] sixth = rows[6];
        Assert.Equal("a, \"b\"\nc", sixth[0]);
        Assert.Equal(["traffic", "6", "90", "0", "30", "30", "4", "360", "330"], Cells("Kind", "TimeSeconds", "Active", "New", "Failed", "Connecting", "FailedConnects", "Sent", "Received"));
        Assert.Equal(["337920", "0", "0.00041"], Cells("BytesReceived", "Retransmits", "P50Seconds"));
        Assert.Equal(result.Disturbances[0].Description, Cells("Disturbances")[0]);

        string[] Cells(params string[] names) => [.. names.Select(name => sixth[Array.IndexOf(rows[0], name)])];
    }

    [Fact]
    public void Csv_of_both_kinds_has_the_columns_of_both()
    {
        ConnectResult connect = SampleTraffic.Spread("c") with { Endpoints = [new() { Name = "x", Connections = 3, ExpectedShare = 0.25, Unexpected = true }] };
        List<string[]> rows = Parse(CsvReport.Write([SampleTraffic.EndpointsDown(), connect]));

        Assert.Equal(["c", "connect", "x", "3", "0.25", "True", ""], new[] { "Result", "Kind", "Endpoint", "Connections", "ExpectedShare", "Unexpected", "TimeSeconds" }.Select(name => rows[^1][Array.IndexOf(rows[0], name)]));
        Assert.Equal(32, rows.Count);
    }

    [Fact]
    public void Csv_puts_each_disturbance_into_one_row()
    {
        TrafficResult result = SampleTraffic.EndpointsDown();
        result = result with { Disturbances = result.Disturbances.Add(result.Disturbances[0] with { Applied = TimeSpan.FromSeconds(31), Description = "late" }) };
        List<string[]> rows = Parse(CsvReport.Write([result]));
        int column = Array.IndexOf(rows[0], "Disturbances");

        Assert.Equal(result.Disturbances.Select(d => d.Description), rows.Skip(1).Select(r => r[column]).Where(text => text.Length > 0));
        Assert.Equal("late", rows[^1][column]);
    }

    [Fact]
    public void Json_has_each_result_with_its_analysis()
    {
        TrafficResult traffic = SampleTraffic.EndpointsDown();
        ConnectResult connect = SampleTraffic.Spread();
        JsonArray all = JsonNode.Parse(JsonReport.Write([traffic, connect]))!.AsArray();

        Assert.Equal(2, all.Count);
        Assert.Equal(ResultJson.Write(traffic), ResultJson.Write(ResultJson.ReadAny(all[0]!["result"]!.ToJsonString())));
        Assert.Equal(DisruptionAnalysis.Measure(traffic).LostConnections, all[0]!["disruption"]!["lostConnections"]!.GetValue<long>());
        Assert.Equal(ResultJson.Write(connect), ResultJson.Write(ResultJson.ReadAny(all[1]!["result"]!.ToJsonString())));
        Assert.Equal(ConnectAnalysis.Measure(connect).Verdict.ToString(), all[1]!["balance"]!["verdict"]!.GetValue<string>());
    }

    [Fact]
    public void Markdown_has_the_verdicts_and_tables_whose_rows_are_alike()
    {
        TrafficResult traffic = SampleTraffic.EndpointsDown("a|b <img>") with { Completed = false, Reason = "stopped\nhere" };
        string text = MarkdownReport.Write([traffic, SampleTraffic.Spread()], new ReportOptions { Title = "*T*" });

        Assert.StartsWith("# \\*T\\*\n", text, StringComparison.Ordinal);
        Assert.Contains("## a\\|b &lt;img>\n", text, StringComparison.Ordinal);
        Assert.Contains("> **NOT COMPLETE:** stopped here\n", text, StringComparison.Ordinal);
        Assert.DoesNotContain("<img", text, StringComparison.Ordinal);
        Assert.Contains("### What each step cost, until the next one\n", text, StringComparison.Ordinal);
        // A table's rows have as many cells as its head.
        foreach (string[] table in Blocks(text).Where(block => block[0].StartsWith('|')))
            Assert.Single(table.Select(row => row.Replace("\\|", "", StringComparison.Ordinal).Count(c => c == '|')).Distinct());
    }

    [Fact]
    public void No_results_are_a_report_as_well()
    {
        Assert.Equal("[]\n", JsonReport.Write([]));
        Assert.Equal("Result,Kind\n", CsvReport.Write([]));
        Assert.StartsWith("# LbTest report\n", MarkdownReport.Write([]), StringComparison.Ordinal);
        Assert.Contains("<h1>LbTest report</h1>", HtmlReport.Write([]), StringComparison.Ordinal);
    }

    private static IEnumerable<string[]> Blocks(string text) => text.Split("\n\n", StringSplitOptions.RemoveEmptyEntries).Select(block => block.Trim('\n').Split('\n'));

    // RFC 4180, written for this test: quoted fields may hold commas, line ends and doubled quotes.
    private static List<string[]> Parse(string csv)
    {
        var rows = new List<string[]>();
        var row = new List<string>();
        var field = new StringBuilder();
        bool quoted = false;
        for (int i = 0; i < csv.Length; i++)
        {
            char c = csv[i];
            if (quoted && c == '"' && i + 1 < csv.Length && csv[i + 1] == '"') field.Append(csv[++i]);
            else if (c == '"') quoted = !quoted;
            else if (!quoted && c is ',' or '\n' && !quoted)
            {
                row.Add(field.ToString());
                field.Clear();
                if (c != '\n') continue;
                rows.Add([.. row]);
                row.Clear();
            }
            else field.Append(c);
        }

        Assert.False(quoted);
        Assert.Empty(row);
        return rows;
    }
}
