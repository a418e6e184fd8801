using System.Text.RegularExpressions;
using LbTest.Engine.Connect;
using LbTest.Engine.Report;
using LbTest.Engine.Results;
using LbTest.Engine.Traffic;

namespace LbTest.Engine.Tests.Report;

public sealed class TerminalChartTests
{
    public static TheoryData<ChartView, int, bool> Sizes
    {
        get
        {
            var sizes = new TheoryData<ChartView, int, bool>();
            foreach (ChartView view in Enum.GetValues<ChartView>())
            {
                foreach (int width in new[] { 0, 40, 41, 80, 120, 200, 9999 })
                {
                    sizes.Add(view, width, true);
                    sizes.Add(view, width, false);
                }
            }

            return sizes;
        }
    }

    [Theory, MemberData(nameof(Sizes))]
    public void No_line_is_wider_than_the_terminal(ChartView view, int width, bool ascii)
    {
        TrafficResult traffic = SampleTraffic.EndpointsDown("a rather long label of several words") with { Completed = false, Reason = "stopped by the user" };
        foreach (ITestResult result in new ITestResult[] { traffic, SampleTraffic.Spread(), SampleTraffic.Spread("few", 3, 2) })
        {
            string text = TerminalChart.Write(result, new TerminalChartOptions { View = view, Width = width, Ascii = ascii });
            Assert.All(text.Split('\n'), line => Assert.InRange(line.Length, 0, Math.Clamp(width, 40, 500)));
            Assert.EndsWith("\n", text, StringComparison.Ordinal);
            Assert.DoesNotContain('\e', text);
            if (ascii) Assert.All(text, c => Assert.True(c is '\n' or (>= ' ' and <= '~'), $"'{c}' is not ASCII."));
        }
    }

    [Fact]
    public void Connections_show_who_is_active_and_who_tries()
    {
        string[] lines = Lines(SampleTraffic.EndpointsDown(), new TerminalChartOptions { Width = 80, Height = 8 });

        // Thirty seconds on sixty-six columns: two each. 30 of 120 clients, the upper quarter, were without a connection in two of them.
        Assert.Equal("nftables: connections, 120 clients, 30 s", lines[0]);
        Assert.All(lines[1..3], line => Assert.EndsWith("│" + new string('█', 10) + "▒▒▒▒" + new string('█', 46), line, StringComparison.Ordinal));
        Assert.All(lines[3..9], line => Assert.EndsWith("│" + new string('█', 60), line, StringComparison.Ordinal));
        Assert.StartsWith("        120 │", lines[1], StringComparison.Ordinal);
        Assert.StartsWith("          0 └", lines[9], StringComparison.Ordinal);
    }

    [Fact]
    public void Disturbances_are_marked_where_they_were_and_described_below()
    {
        TrafficResult result = SampleTraffic.EndpointsDown();
        string[] lines = Lines(result, new TerminalChartOptions { Width = 120, Height = 5 });
        string axis = lines.Single(line => line.Contains('└')), numbers = lines[Array.IndexOf(lines, axis) + 1];

        // Three columns a second.
        Assert.Equal([15, 45, 54, 72], axis.Select((c, i) => (c, i)).Where(cell => cell.c == '▲').Select(cell => cell.i - axis.IndexOf('└') - 1));
        Assert.Equal("1234", numbers.Replace(" ", "", StringComparison.Ordinal));
        Assert.All(result.Disturbances, d => Assert.Contains(lines, line => line.EndsWith(d.Description, StringComparison.Ordinal)));
    }

    [Fact]
    public void Throughput_falls_and_drops_show_in_their_seconds()
    {
        string[] lines = Lines(SampleTraffic.EndpointsDown(), new TerminalChartOptions { View = ChartView.Throughput, Width = 80 });
        string dropped = lines.Single(line => line.Contains("dropped │", StringComparison.Ordinal));

        Assert.Equal(new string(' ', 36) + new string('█', 12), dropped[(dropped.IndexOf('│') + 1)..].TrimEnd("most 25".ToCharArray()));
        Assert.EndsWith("most 25", dropped, StringComparison.Ordinal);
        Assert.Contains(lines, line => line.Contains("491.52 kB/s", StringComparison.Ordinal));
    }

    [Fact]
    public void Latency_goes_over_to_a_logarithmic_scale_where_it_must()
    {
        TrafficResult result = SampleTraffic.EndpointsDown(), even = result with { Samples = [.. result.Samples.Take(10)] };
        string wide = TerminalChart.Write(result, new TerminalChartOptions { View = ChartView.Latency }), narrow = TerminalChart.Write(even, new TerminalChartOptions { View = ChartView.Latency });

        Assert.Matches(@"1 s │[\s\S]*10 ms │[\s\S]*100 µs └", wide);
        Assert.Matches(@"2 ms │[\s\S]*1 ms │[\s\S]*0 s └", narrow);
        Assert.Contains("no latencies", TerminalChart.Write(result with { Samples = [new TrafficSample { Time = TimeSpan.FromSeconds(1) }] }, new TerminalChartOptions { View = ChartView.Latency }), StringComparison.Ordinal);
    }

    [Fact]
    public void Colour_adds_escapes_and_changes_nothing_else()
    {
        foreach (ITestResult result in new ITestResult[] { SampleTraffic.EndpointsDown(), SampleTraffic.Spread() })
        {
            string plain = TerminalChart.Write(result), colored = TerminalChart.Write(result, new TerminalChartOptions { Color = true });
            Assert.NotEqual(plain, colored);
            Assert.Equal(plain, Regex.Replace(colored, "\e\\[[0-9]+m", ""));
            // Every line puts the terminal back.
            Assert.All(colored.Split('\n').Where(line => line.Contains('\e')), line => Assert.Equal("\e[0m", Regex.Matches(line, "\e\\[[0-9]+m")[^1].Value));
        }
    }

    [Fact]
    public void Frequencies_have_a_bar_for_each_range_and_the_verdict()
    {
        ConnectResult result = SampleTraffic.Spread("small", 40, 12);
        string text = TerminalChart.Write(result);

        Assert.StartsWith("small: how many endpoints got how many connections\n", text, StringComparison.Ordinal);
        Assert.Contains("Consistent with random: 40 connections over 12 endpoints", text, StringComparison.Ordinal);
        Assert.Contains('━', text);
        // As tall as the most frequent number of connections is frequent.
        Assert.Contains($"{ConnectAnalysis.Frequencies(result).Max(f => f.Endpoints)} │", text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_terminal_is_told_nothing_that_a_name_says()
    {
        TrafficResult result = SampleTraffic.EndpointsDown("\e]0;owned\a\e[2J");
        string text = TerminalChart.Write(result with { Disturbances = [result.Disturbances[0] with { Description = "x\e[31m\r\ny" }] });

        Assert.DoesNotContain('\e', text);
        Assert.DoesNotContain('\a', text);
        Assert.DoesNotContain('\r', text);
    }

    [Fact]
    public void A_result_without_samples_or_endpoints_says_so()
    {
        Assert.Contains("no samples", TerminalChart.Write(new TrafficResult()), StringComparison.Ordinal);
        Assert.Contains("nothing to test", TerminalChart.Write(new ConnectResult()), StringComparison.Ordinal);
        Assert.Contains("NOT COMPLETE: lost", TerminalChart.Write(new TrafficResult { Reason = "lost" }), StringComparison.Ordinal);
    }

    private static string[] Lines(ITestResult result, TerminalChartOptions options) => TerminalChart.Write(result, options).TrimEnd('\n').Split('\n');
}
