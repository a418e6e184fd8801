using System.Diagnostics;
using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using LbTest.Engine.Disturbances;
using LbTest.Engine.Report;
using LbTest.Engine.Results;
using LbTest.Engine.Traffic;

namespace LbTest.Engine.Tests.Report;

/// <summary>The page in a browser, headless: it draws what the results say, without an error, and fits a phone.</summary>
public sealed partial class BrowserTests : IDisposable
{
    // Against hangs only.
    private static readonly TimeSpan Guard = TimeSpan.FromMinutes(2);

    // Before anything else in the page: what goes wrong from then on.
    private const string Watch = """
        <script>
        window.faults = [];
        addEventListener('error', e => faults.push('error: ' + e.message), true);
        addEventListener('unhandledrejection', e => faults.push('rejection: ' + e.reason));
        addEventListener('securitypolicyviolation', e => faults.push('policy: ' + e.violatedDirective + ' ' + e.blockedURI));
        for (const kind of ['error', 'warn']) console[kind] = (...words) => faults.push(kind + ': ' + words.join(' '));
        </script>
        """;

    // After everything else: what the chart library says that it has drawn, and what of it stands in the document.
    private const string Probe = """
        <script>
        addEventListener('load', () => setTimeout(() => {
          const drawn = [...document.querySelectorAll('.chart')].map(place => {
            const option = charts.getInstanceByDom(place).getOption();
            const line = option.series[0].markLine, svg = place.querySelector('svg');
            return {
              id: place.id, points: option.series.map(s => s.data.length), types: option.series.map(s => s.type),
              marks: line ? line[0]?.data?.length ?? line.data.length : 0, areas: option.series[0].markArea?.data?.length ?? 0,
              paths: svg.querySelectorAll('path').length, texts: [...svg.querySelectorAll('text')].map(t => t.textContent),
              dashes: [...svg.querySelectorAll('path')].filter(p => p.getAttribute('stroke') === getComputedStyle(document.documentElement).getPropertyValue('--mark').trim()).length,
              height: svg.getBoundingClientRect().height, width: svg.getBoundingClientRect().width, label: place.getAttribute('aria-label'),
            };
          });
          parent.postMessage(JSON.stringify({
            faults, drawn, width: innerWidth, scroll: document.documentElement.scrollWidth, background: getComputedStyle(document.body).backgroundColor, images: document.images.length,
          }), '*');
        }, 300));
        </script>
        """;

    // A window is never narrower than 500 pixels; a frame is as narrow as it is told.
    private const string Frame = """
        <!doctype html><meta charset="utf-8"><meta name="color-scheme" content="light dark"><body style="margin:0">
        <script>
        addEventListener('message', e => {
          const found = document.createElement('pre');
          found.id = 'found';
          found.textContent = e.data;
          document.body.append(found);
        });
        </script>
        <iframe src="page.html" style="border:0;height:1000px;width:
        """;

    private readonly string _folder = Directory.CreateTempSubdirectory("lbtest-page-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [SkippableFact]
    public async Task Charts_show_every_point_and_every_disturbance_without_an_error()
    {
        TrafficResult first = SampleTraffic.EndpointsDown("nftables"), second = SampleTraffic.EndpointsDown("iptables", 4);
        JsonElement found = await LookAsync([first, second, SampleTraffic.Spread(), SampleTraffic.Spread("small", 40, 12)]);

        Assert.Empty(found.GetProperty("faults").EnumerateArray().Select(f => f.GetString()));
        Dictionary<string, JsonElement> drawn = found.GetProperty("drawn").EnumerateArray().ToDictionary(d => d.GetProperty("id").GetString()!);
        // Two that compare, five for each traffic result, two for each connect result.
        Assert.Equal(2 + (2 * 5) + (2 * 2), drawn.Count);
        foreach ((string id, JsonElement chart) in drawn)
        {
            bool time = !id.EndsWith("-endpoints", StringComparison.Ordinal) && !id.EndsWith("-frequency", StringComparison.Ordinal);
            int[] points = [.. chart.GetProperty("points").EnumerateArray().Select(p => p.GetInt32())];
            Assert.True(chart.GetProperty("height").GetDouble() > 200 && chart.GetProperty("width").GetDouble() > 200, id);
            Assert.True(chart.GetProperty("label").GetString()!.Length > 40, id);
            Assert.Equal(time ? first.Disturbances.Length : 0, chart.GetProperty("marks").GetInt32());
            // Each mark is a line that stands in the document, and has its number.
            Assert.Equal(time ? first.Disturbances.Length : 0, chart.GetProperty("dashes").GetInt32());
            Assert.Equal(time ? 2 : 0, chart.GetProperty("areas").GetInt32());
            if (time) Assert.All(points, count => Assert.Equal(first.Samples.Length, count));
            if (time) AssertWritten(chart, "1", "2", "3", "4", "Time (s)");
            if (time) Assert.All(chart.GetProperty("types").EnumerateArray(), type => Assert.Equal("line", type.GetString()));
        }

        // Bars: one for each endpoint, those without a connection of a kind too; and one for each range.
        Assert.Equal([12, 12], Points(drawn["result-1-endpoints"]));
        Assert.Equal(["bar", "bar"], drawn["result-1-endpoints"].GetProperty("types").EnumerateArray().Select(t => t.GetString()));
        Assert.Equal([100, 100], Points(drawn["result-3-endpoints"]));
        Assert.True(drawn["result-3-endpoints"].GetProperty("paths").GetInt32() >= 100);
        Assert.Equal(14, Points(drawn["result-4-frequency"])[0]);
        AssertWritten(drawn["result-1-connections"], "Active", "Connecting", "Failed", "New", "Connections");
        AssertWritten(drawn["result-4-frequency"], "Endpoints", "By chance", "Connections per endpoint", "13");
    }

    [SkippableFact]
    public async Task Names_that_look_like_markup_are_names()
    {
        const string hostile = "<img src=x onerror=console.error(1)></script><script>console.error(2)</script>{a|b}";
        TrafficResult result = SampleTraffic.EndpointsDown(hostile);
        result = result with { Disturbances = [.. result.Disturbances.Select(d => d with { Description = hostile })], Connections = [.. result.Connections.Select(c => c with { Endpoint = hostile + c.Endpoint })] };
        // Tooltips are shown as well: they are made of text from the result.
        const string show = "<script>document.querySelectorAll('.chart').forEach(p => charts.getInstanceByDom(p).dispatchAction({ type: 'showTip', seriesIndex: 0, dataIndex: 5 }));</script>";

        JsonElement found = await LookAsync([result, SampleTraffic.EndpointsDown("b")], more: show);

        Assert.Empty(found.GetProperty("faults").EnumerateArray().Select(f => f.GetString()));
        Assert.Equal(0, found.GetProperty("images").GetInt32());
        Assert.Contains(found.GetProperty("drawn")[0].GetProperty("texts").EnumerateArray(), text => text.GetString()!.StartsWith("<img src=", StringComparison.Ordinal));
    }

    [SkippableTheory, InlineData(390, false), InlineData(390, true), InlineData(1280, false), InlineData(1280, true)]
    public async Task The_page_fits_its_window_in_light_and_dark(int width, bool dark)
    {
        TrafficResult result = SampleTraffic.EndpointsDown("a-rather-long-label-without-any-space-in-it-at-all-as-hosts-and-pods-have-them");
        JsonElement found = await LookAsync([result, SampleTraffic.Spread(), SampleTraffic.EndpointsDown() with { Samples = [], Completed = false, Reason = "stopped" }], width, dark);

        Assert.Empty(found.GetProperty("faults").EnumerateArray().Select(f => f.GetString()));
        Assert.Equal(width, found.GetProperty("width").GetInt32());
        Assert.Equal(width, found.GetProperty("scroll").GetInt32());
        Assert.Equal(dark ? "rgb(17, 21, 27)" : "rgb(246, 247, 249)", found.GetProperty("background").GetString());
    }

    [SkippableFact]
    public async Task Many_steps_and_many_samples_are_drawn_too()
    {
        TrafficResult result = SampleTraffic.EndpointsDown();
        result = result with
        {
            Samples = [.. Enumerable.Range(0, 3600).Select(i => result.Samples[i % 30] with { Time = TimeSpan.FromSeconds(i + 1) })], Duration = TimeSpan.FromHours(1), PlannedDuration = TimeSpan.FromHours(1),
            Disturbances = [.. Enumerable.Range(0, 200).Select(i => result.Disturbances[0] with { Kind = DisturbanceKind.RollingUpdate, Step = i + 1, Planned = TimeSpan.FromSeconds(i), Applied = TimeSpan.FromSeconds(i) })],
        };
        JsonElement found = await LookAsync([result]);
        JsonElement connections = found.GetProperty("drawn")[0];

        Assert.Empty(found.GetProperty("faults").EnumerateArray().Select(f => f.GetString()));
        Assert.Equal((200, 200, 1800), (connections.GetProperty("marks").GetInt32(), connections.GetProperty("dashes").GetInt32(), Points(connections)[0]));
        // Their numbers would cover each other: a few are shown.
        Assert.InRange(Texts(connections).Count(text => Regex.IsMatch(text, "^[0-9]+$")), 5, 40);
    }

    private static int[] Points(JsonElement chart) => [.. chart.GetProperty("points").EnumerateArray().Select(p => p.GetInt32())];

    private static void AssertWritten(JsonElement chart, params string[] texts) => Assert.All(texts, text => Assert.Contains(text, Texts(chart)));

    private static HashSet<string> Texts(JsonElement chart) => [.. chart.GetProperty("texts").EnumerateArray().Select(t => t.GetString()!)];

    private async Task<JsonElement> LookAsync(ITestResult[] results, int width = 1280, bool dark = false, string more = "")
    {
        string? browser = Browser();
        Skip.If(browser is null, "There is no Chromium on PATH.");
        Assert.False(!HtmlReport.HasCharts && Environment.GetEnvironmentVariable("CI") == "true", "CI must build with the charts.");
        Skip.If(!HtmlReport.HasCharts, "Built without npm, so there are no charts.");
        string page = HtmlReport.Write(results).Replace("<head>", "<head>" + Watch, StringComparison.Ordinal).Replace("</body>", more + Probe + "</body>", StringComparison.Ordinal), file = Path.Combine(_folder, "frame.html");
        await File.WriteAllTextAsync(Path.Combine(_folder, "page.html"), page);
        await File.WriteAllTextAsync(file, $"{Frame.TrimEnd()}{width}px\"></iframe></body>");
        string[] arguments =
        [
            "--headless", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions",
            "--disable-dev-shm-usage", "--hide-scrollbars", $"--user-data-dir={Path.Combine(_folder, "profile")}", "--window-size=1400,1100", $"--blink-settings=preferredColorScheme={(dark ? 0 : 1)}",
            // Its own sandbox does not work as root; the page is ours, and may load nothing.
            "--no-sandbox", "--enable-logging=stderr", "--v=0", "--virtual-time-budget=5000", "--dump-dom", new Uri(file).AbsoluteUri,
        ];
        using Process process = Process.Start(new ProcessStartInfo(browser, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        try
        {
            Task<string> output = process.StandardOutput.ReadToEndAsync(), error = process.StandardError.ReadToEndAsync();
            await Task.WhenAll(output, error, process.WaitForExitAsync()).WaitAsync(Guard);
            Assert.DoesNotContain("CONSOLE", await error, StringComparison.Ordinal);
            Match found = Found().Match(await output);
            Assert.True(found.Success, $"The page was not drawn. {await error}");
            return JsonDocument.Parse(WebUtility.HtmlDecode(found.Groups[1].Value)).RootElement;
        }
        finally
        {
            if (!process.HasExited) process.Kill(entireProcessTree: true);
        }
    }

    private static string? Browser()
    {
        string? browser = PublicTool.Find("chromium", "chromium-browser", "google-chrome");
        Assert.False(browser is null && Environment.GetEnvironmentVariable("CI") == "true", "CI must have Chromium.");
        return browser;
    }

    [GeneratedRegex("<pre id=\"found\">(.*?)</pre>", RegexOptions.Singleline)]
    private static partial Regex Found();
}
