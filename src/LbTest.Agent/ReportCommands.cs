using System.CommandLine;
using LbTest.Engine;
using LbTest.Engine.Report;
using LbTest.Engine.Results;

namespace LbTest.Agent;

/// <summary><c>lbtest report</c> and <c>lbtest chart</c>: results in files, to be looked at.</summary>
internal static class ReportCommands
{
    private static Argument<string[]> Files => new("files") { Description = "Results as JSON, LbTest's or those of mconnect or ctraffic; '-' for standard input", DefaultValueFactory = _ => ["-"] };

    internal static Command CreateReport()
    {
        Argument<string[]> files = Files;
        var output = new Option<string?>("--output", "-o") { Description = "The file to write; standard output without it" };
        var format = new Option<ReportFormat?>("--format") { Description = "Html, Json, Csv or Markdown (default by the file's extension, else Html)" };
        var title = new Option<string?>("--title") { Description = "The report's title" };
        var force = new Option<bool>("--force") { Description = "Overwrite a file that exists" };
        var command = new Command("report", "Results of any kinds as one page with charts, or as Markdown, CSV or JSON.") { files, output, format, title, force };
        command.SetAction(async (parsed, cancel) =>
        {
            string? file = parsed.GetValue(output);
            if (file is not null && File.Exists(file) && !parsed.GetValue(force)) throw new PlanException("--output", file, "exists", "Add --force to overwrite it, or choose another path");
            List<ITestResult> results = await ResultFiles.ReadAsync(parsed.GetValue(files)!, cancel);
            string text = ReportWriter.Write(results, parsed.GetValue(format) ?? ReportWriter.FormatOf(file ?? ""), new ReportOptions { Title = parsed.GetValue(title) });
            if (file is null) await Console.Out.WriteAsync(text);
            else await WriteAsync(file, text, cancel);
            return ExitCode.Success;
        });
        return command;
    }

    internal static Command CreateChart()
    {
        Argument<string[]> files = Files;
        var by = new Option<ChartView>("--by") { Description = "Of a traffic result: Connections, Throughput or Latency" };
        var width = new Option<int?>("--width") { Description = "Characters in a line (default the terminal's width, else 80)" };
        var height = new Option<int>("--height") { Description = "Rows of the plot", DefaultValueFactory = _ => new TerminalChartOptions().Height };
        var ascii = new Option<bool>("--ascii") { Description = "Nothing but ASCII characters" };
        var command = new Command("chart", "Results as charts for the terminal. No colour when NO_COLOR is set or output is redirected.") { files, by, width, height, ascii };
        command.SetAction(async (parsed, cancel) =>
        {
            bool terminal = !Console.IsOutputRedirected;
            var options = new TerminalChartOptions
            {
                View = parsed.GetValue(by), Width = parsed.GetValue(width) ?? (terminal && Console.WindowWidth > 0 ? Console.WindowWidth : 80), Height = parsed.GetValue(height),
                Ascii = parsed.GetValue(ascii), Color = terminal && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR")) && Environment.GetEnvironmentVariable("TERM") is not (null or "dumb"),
            };
            List<ITestResult> results = await ResultFiles.ReadAsync(parsed.GetValue(files)!, cancel);
            Console.Out.Write(string.Join('\n', results.Select(result => TerminalChart.Write(result, options))));
            return ExitCode.Success;
        });
        return command;
    }

    private static async Task WriteAsync(string file, string text, CancellationToken cancel)
    {
        try
        {
            await File.WriteAllTextAsync(file, text, cancel);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new PlanException("--output", file, $"cannot be written: {fault.Message.TrimEnd('.')}", "Give a file in a folder that exists and that you may write to", fault);
        }
    }
}
