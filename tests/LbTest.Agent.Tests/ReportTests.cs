using System.Text.Json.Nodes;

namespace LbTest.Agent.Tests;

/// <summary>The verbs that show results.</summary>
public sealed class ReportTests : IDisposable
{
    private const string Connect = """{"hosts":{"a":30,"b":30,"c":31},"connects":91}""";

    private const string Traffic = """
        {"kind":"traffic","completed":true,"durationSeconds":3,"plannedDurationSeconds":3,"clients":4,"packetsPerSecond":4,"packetSize":1024,"lostConnections":0,
        "samples":[{"timeSeconds":1,"active":4,"new":4,"sent":4,"received":4,"bytesReceived":4096},{"timeSeconds":2,"active":2,"connecting":2},{"timeSeconds":3,"active":4}],
        "connections":[{"client":0,"endpoint":"pod-1","connectedSeconds":0.1,"endedSeconds":3}]}
        """;

    private readonly string _folder = Directory.CreateTempSubdirectory("lbtest-report-").FullName;

    public ReportTests()
    {
        File.WriteAllText(PathOf("connect.json"), Connect);
        File.WriteAllText(PathOf("traffic.json"), Traffic);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_report_goes_into_a_file_whose_extension_says_how()
    {
        Outcome page = await Lbtest.RunAsync("report", PathOf("connect.json"), PathOf("traffic.json"), "--output", PathOf("report.html"), "--title", "Both");
        Outcome text = await Lbtest.RunAsync("report", PathOf("traffic.json"), "--output", PathOf("report.md"));

        Assert.Equal([new Outcome(0, "", ""), new Outcome(0, "", "")], [page, text]);
        Assert.Contains("<title>Both</title>", await File.ReadAllTextAsync(PathOf("report.html")), StringComparison.Ordinal);
        Assert.StartsWith("# LbTest: traffic\n", await File.ReadAllTextAsync(PathOf("report.md")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_report_without_a_file_goes_to_standard_output()
    {
        Outcome outcome = await Lbtest.ShellAsync($"lbtest report --format json < '{PathOf("traffic.json")}'");

        Assert.Equal((0, ""), (outcome.ExitCode, outcome.Error));
        Assert.Equal(4, JsonNode.Parse(outcome.Output)![0]!["result"]!["clients"]!.GetValue<int>());
    }

    [Fact]
    public async Task A_file_that_cannot_be_written_is_refused()
    {
        (await Lbtest.RunAsync("report", PathOf("traffic.json"), "--output", PathOf("none/report.html"))).AssertRefused("--output", "none/report.html", "cannot be written", "Give a file");
        (await Lbtest.RunAsync("report", PathOf("traffic.json"), "--output", PathOf("connect.json"))).AssertRefused("connect.json' exists", "--force");
        Assert.Equal(Connect, await File.ReadAllTextAsync(PathOf("connect.json")));
        (await Lbtest.RunAsync("report", PathOf("nothing.json"), "--output", PathOf("report.html"))).AssertRefused("nothing.json");
    }

    [Fact]
    public async Task Charts_have_the_width_asked_for_and_no_colour_in_a_pipe()
    {
        Outcome outcome = await Lbtest.RunAsync("chart", PathOf("traffic.json"), PathOf("connect.json"), "--width", "60", "--height", "4");

        Assert.Equal((0, ""), (outcome.ExitCode, outcome.Error));
        Assert.StartsWith("traffic: connections, 4 clients, 3 s\n", outcome.Output, StringComparison.Ordinal);
        Assert.Contains("connect: how many endpoints got how many connections", outcome.Output, StringComparison.Ordinal);
        Assert.Contains('▒', outcome.Output);
        Assert.DoesNotContain('\e', outcome.Output);
        Assert.All(outcome.Output.Split('\n'), line => Assert.InRange(line.Length, 0, 60));
        Assert.Contains("received", (await Lbtest.RunAsync("chart", PathOf("traffic.json"), "--by", "throughput")).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_traffic_result_has_no_balance() =>
        (await Lbtest.RunAsync("balance", PathOf("traffic.json"))).AssertRefused("traffic.json", "a connect result is needed");

    private string PathOf(string file) => Path.Combine(_folder, file);
}
