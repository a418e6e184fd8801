using System.Text.Json;
using System.Text.RegularExpressions;
using LbTest.Engine.Connect;
using LbTest.Engine.Disturbances;
using LbTest.Engine.Report;
using LbTest.Engine.Results;
using LbTest.Engine.Traffic;

namespace LbTest.Engine.Tests.Report;

/// <summary>What the page says, without looking at it: its text, its tables and the data of its charts.</summary>
public sealed partial class HtmlReportTests
{
    private const string Hostile = "</script><script>alert(1)</script><img src=x onerror=alert(2)> ' \" & {{title}} <!--@title--> \u2028 \u0007 \ud800";

    private static readonly ReportOptions Options = new() { Title = "Both modes", Made = new DateTimeOffset(2026, 5, 6, 7, 8, 9, TimeSpan.Zero) };

    [Fact]
    public void A_page_has_a_title_the_time_and_the_version()
    {
        string page = HtmlReport.Write([SampleTraffic.Spread()], Options);

        Assert.StartsWith("<!doctype html>\n<html lang=\"en\">", page, StringComparison.Ordinal);
        Assert.Contains("<title>Both modes</title>", page, StringComparison.Ordinal);
        Assert.Contains($"Made 2026-05-06 07:08:09 UTC by LbTest {ReportDocument.Version} of 1 result", page, StringComparison.Ordinal);
        Assert.Matches(@"^\d+\.\d+\.\d+", ReportDocument.Version);
        Assert.EndsWith("</html>\n", page, StringComparison.Ordinal);
    }

    [Fact]
    public void A_title_is_made_of_labels_where_none_is_given() =>
        Assert.Contains("<title>LbTest: a, a (2)</title>", HtmlReport.Write([SampleTraffic.Spread("a"), SampleTraffic.Spread("a")]), StringComparison.Ordinal);

    [Fact]
    public void A_traffic_result_shows_cost_steps_endpoints_plan_and_verdict()
    {
        TrafficResult result = SampleTraffic.EndpointsDown();
        Disruption disruption = DisruptionAnalysis.Measure(result);
        string text = Text(HtmlReport.Write([result], Options));

        Assert.Contains(disruption.Explanation, text, StringComparison.Ordinal);
        Assert.All(result.Disturbances, d => Assert.Contains(d.Description, text, StringComparison.Ordinal));
        Assert.All(disruption.Steps, s => Assert.Contains(s.Description, text, StringComparison.Ordinal));
        Assert.All(["10.0.0.1:5003", "120", "480 packets/s", "1,024 bytes", "20.0.0.0/16", "Seed", "42", "over all nodes", "External", "LoadBalancer", "LbTest 0.1.0, Linux", "connection reset by peer"],
            word => Assert.Contains(word, text, StringComparison.OrdinalIgnoreCase));
        Assert.DoesNotContain("NOT COMPLETE", text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_connect_result_shows_the_spread_against_chance_and_the_verdict()
    {
        ConnectResult result = SampleTraffic.Spread();
        string text = Text(HtmlReport.Write([result], Options));

        Assert.Contains(ConnectAnalysis.Measure(result).Explanation, text, StringComparison.Ordinal);
        Assert.All(["How many endpoints got how many connections", "By chance", "tserver-100", "Consistent with random"], word => Assert.Contains(word, text, StringComparison.Ordinal));
    }

    [Fact]
    public void A_result_that_did_not_end_says_so_and_why()
    {
        TrafficResult traffic = SampleTraffic.EndpointsDown() with { Completed = false, Reason = "the agent was lost", Warnings = ["The table was nearly full."] };
        string text = Text(HtmlReport.Write([traffic, SampleTraffic.Spread() with { Completed = false, Reason = "stopped by the user", Unfinished = 7 }], Options));

        Assert.Contains("NOT COMPLETE: the agent was lost", text, StringComparison.Ordinal);
        Assert.Contains("NOT COMPLETE: 7 connections were not made: stopped by the user", text, StringComparison.Ordinal);
        Assert.Contains("Mind: The table was nearly full.", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Results_of_one_kind_stand_side_by_side_at_the_top()
    {
        string page = HtmlReport.Write([SampleTraffic.EndpointsDown("iptables"), SampleTraffic.EndpointsDown("nftables", 4), SampleTraffic.Spread("a"), SampleTraffic.Spread("b")], Options);

        Assert.Equal(["compare-traffic", "compare-connect", "result-1", "result-2", "result-3", "result-4"], Sections().Matches(page).Select(m => m.Groups[1].Value));
        Match table = Regex.Match(page, "<caption>What each test cost</caption>.*?</table>", RegexOptions.Singleline);
        Assert.All(["Result", "Connections lost", "Least", "Ratio", "Recovery", "Outage", "Packets dropped", "Latency p99", "iptables", "nftables"], word => Assert.Contains($">{word}<", table.Value, StringComparison.Ordinal));
    }

    [Fact]
    public void A_single_result_is_compared_with_nothing() =>
        Assert.Equal(["result-1"], Sections().Matches(HtmlReport.Write([SampleTraffic.EndpointsDown()], Options)).Select(m => m.Groups[1].Value));

    [Fact]
    public void Nothing_in_a_result_becomes_markup()
    {
        TrafficResult traffic = SampleTraffic.EndpointsDown(Hostile) with { Warnings = [Hostile], Completed = false, Reason = Hostile, Target = Hostile };
        traffic = traffic with
        {
            Disturbances = [.. traffic.Disturbances.Select(d => d with { Description = Hostile, Removed = [Hostile] })], Failures = [new(FailureClass.Reset, 1, Hostile)],
            Connections = [.. traffic.Connections.Select(c => c with { Endpoint = c.Endpoint + Hostile })],
        };
        ConnectResult connect = SampleTraffic.Spread(Hostile);
        connect = connect with { Endpoints = [.. connect.Endpoints.Select(e => e with { Name = e.Name + Hostile, Node = Hostile })] };
        foreach (bool charts in new[] { true, false })
        {
            if (charts && !HtmlReport.HasCharts) continue;
            string page = HtmlReport.Write([traffic, connect], Options with { Title = Hostile }, charts);
            Assert.DoesNotContain("<img", page, StringComparison.Ordinal);
            Assert.DoesNotContain("<script>alert", page, StringComparison.Ordinal);
            Assert.Equal(charts ? 3 : 0, Regex.Count(page, "<script"));
            Assert.Equal(charts ? 3 : 0, Regex.Count(page, "</script"));
            Assert.DoesNotContain('\u0007', page);
            // Encoding replaces what no encoding has; a page that holds none of that stays itself.
            Assert.Equal(page, System.Text.Encoding.UTF8.GetString(System.Text.Encoding.UTF8.GetBytes(page)));
        }
    }

    [SkippableFact]
    public void The_page_loads_nothing()
    {
        RequireCharts();
        string page = HtmlReport.Write([SampleTraffic.EndpointsDown(), SampleTraffic.Spread()], Options);
        string code = LicenceComment().Replace(page, "", 1);

        Assert.Contains("content=\"default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:\"", page, StringComparison.Ordinal);
        Assert.DoesNotMatch("<(link|iframe|object|embed|base|form|img)\\b|\\bsrc=|@import|url\\(", MarkupOf(page));
        // Names of XML namespaces are no addresses.
        Assert.All(Regex.Matches(code, "https?://[^\"'` )<]*").Select(m => m.Value), address => Assert.StartsWith("http://www.w3.org/", address, StringComparison.Ordinal));
    }

    [SkippableFact]
    public void The_licences_of_the_charts_are_in_the_page()
    {
        RequireCharts();
        string comment = LicenceComment().Match(HtmlReport.Write([SampleTraffic.Spread()], Options)).Value;

        Assert.All(["Apache License", "The Apache Software Foundation", "Mike Bostock", "Baidu Inc.", "Microsoft Corporation", "NOTICE"], word => Assert.Contains(word, comment, StringComparison.Ordinal));
    }

    [SkippableFact]
    public void Charts_hold_every_sample_and_every_disturbance()
    {
        RequireCharts();
        TrafficResult result = SampleTraffic.EndpointsDown();
        using JsonDocument data = Data(HtmlReport.Write([result], Options));
        JsonElement connections = data.RootElement.EnumerateArray().Single(c => c.GetProperty("id").GetString() == "result-1-connections");

        Assert.Equal(["connections", "throughput", "losses", "latency", "endpoints"], data.RootElement.EnumerateArray().Select(c => c.GetProperty("id").GetString()!["result-1-".Length..]));
        JsonElement active = connections.GetProperty("series").EnumerateArray().First();
        Assert.Equal(result.Samples.Select(s => (double)s.Active), active.GetProperty("values").EnumerateArray().Select(v => v.GetDouble()));
        Assert.Equal(result.Samples.Select(s => s.Time.TotalSeconds), active.GetProperty("times").EnumerateArray().Select(v => v.GetDouble()));
        Assert.Equal(result.Disturbances.Select(d => (d.Description, d.Undo)), connections.GetProperty("marks").EnumerateArray().Select(m => (m.GetProperty("text").GetString()!, m.GetProperty("undo").GetBoolean())));
        Assert.Equal(2, connections.GetProperty("areas").GetArrayLength());
    }

    [Fact]
    public void Every_chart_has_a_table_with_all_its_numbers()
    {
        TrafficResult result = SampleTraffic.EndpointsDown();
        string page = HtmlReport.Write([result], Options);
        string table = Regex.Match(page, "<summary>Table: Connections over time</summary>.*?</table>", RegexOptions.Singleline).Value;

        Assert.Equal(5, Regex.Count(page, "<figure "));
        Assert.Equal(5, Regex.Count(page, "<details"));
        Assert.Equal(result.Samples.Length + 1, Regex.Count(table, "<tr>"));
        Assert.Contains("<tr><th scope=\"row\" class=\"number\">6.00</th><td class=\"number\">90</td><td class=\"number\">0</td><td class=\"number\">30</td><td class=\"number\">30</td><td class=\"number\">4</td></tr>", table, StringComparison.Ordinal);
    }

    [Fact]
    public void Without_charts_the_tables_stand_open_and_the_page_says_why()
    {
        string page = HtmlReport.Write([SampleTraffic.EndpointsDown(), SampleTraffic.Spread()], Options, charts: false);

        Assert.Contains("built without npm", page, StringComparison.Ordinal);
        Assert.DoesNotContain("<script", page, StringComparison.Ordinal);
        Assert.DoesNotContain("class=\"chart\"", page, StringComparison.Ordinal);
        Assert.Equal(Regex.Count(page, "<details"), Regex.Count(page, "<details open>"));
    }

    [Fact]
    public void A_result_without_samples_has_a_page_too()
    {
        string page = HtmlReport.Write([SampleTraffic.EndpointsDown() with { Samples = [] }, new TrafficResult(), new ConnectResult()], Options);

        Assert.Contains("The result has no samples", page, StringComparison.Ordinal);
        Assert.DoesNotContain("NaN", LicenceComment().Replace(Text(page), ""), StringComparison.Ordinal);
    }

    [SkippableFact]
    public void A_long_test_is_folded_and_says_so()
    {
        RequireCharts();
        TrafficResult result = SampleTraffic.EndpointsDown();
        result = result with { Samples = [.. Enumerable.Range(0, 4000).Select(i => result.Samples[i % 30] with { Time = TimeSpan.FromSeconds(i + 1), Dropped = 1 })] };
        string page = HtmlReport.Write([result], Options);
        using JsonDocument data = Data(page);
        JsonElement active = data.RootElement[0].GetProperty("series")[0];

        Assert.Equal(1334, active.GetProperty("values").GetArrayLength());
        Assert.Equal(90, active.GetProperty("values").EnumerateArray().Min(v => v.GetDouble()));
        Assert.Contains("Each point is 3 samples", page, StringComparison.Ordinal);
        Assert.Equal(4000, Timeline.Of(result).Sum(p => p.Dropped));
    }

    [Theory]
    [InlineData("a.html", ReportFormat.Html), InlineData("a.HTM", ReportFormat.Html), InlineData("a", ReportFormat.Html), InlineData("a.json", ReportFormat.Json)]
    [InlineData("x/a.CSV", ReportFormat.Csv), InlineData("a.md", ReportFormat.Markdown), InlineData("a.markdown", ReportFormat.Markdown)]
    public void The_extension_chooses_the_format(string path, ReportFormat format) => Assert.Equal(format, ReportWriter.FormatOf(path));

    private static void RequireCharts()
    {
        Assert.False(!HtmlReport.HasCharts && Environment.GetEnvironmentVariable("CI") == "true", "CI must build with the charts.");
        Skip.If(!HtmlReport.HasCharts, "Built without npm, so there are no charts.");
    }

    // What a reader sees: no tags, no scripts.
    private static string Text(string page) =>
        System.Net.WebUtility.HtmlDecode(Regex.Replace(Regex.Replace(page, "<(script|style).*?</\\1>", "", RegexOptions.Singleline), "<[^>]*>", ""));

    private static string MarkupOf(string page) => Regex.Replace(page, "<script>.*?</script>", "", RegexOptions.Singleline);

    private static JsonDocument Data(string page) => JsonDocument.Parse(Regex.Match(page, "<script type=\"application/json\" id=\"chart-data\">(.*?)</script>", RegexOptions.Singleline).Groups[1].Value);

    [GeneratedRegex("<section id=\"([^\"]*)\"")]
    private static partial Regex Sections();

    [GeneratedRegex(@"/\*!.*?\*/", RegexOptions.Singleline)]
    private static partial Regex LicenceComment();
}
