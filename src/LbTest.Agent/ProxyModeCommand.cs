using System.CommandLine;
using System.Text.Json;
using LbTest.Clusters.Kubernetes;
using LbTest.Clusters.Protocol;

namespace LbTest.Agent;

/// <summary><c>lbtest proxy-mode</c>: which mode kube-proxy is in, from its log.</summary>
internal static class ProxyModeCommand
{
    internal static Command Create()
    {
        var files = new Argument<string[]>("files") { Description = "Logs of kube-proxy; '-' for standard input", DefaultValueFactory = _ => ["-"] };
        var json = new Option<bool>("--json") { Description = "Print JSON, a line for each log" };
        var command = new Command("proxy-mode", "The proxy mode in force, its scheduler and what says so, from kube-proxy's log: kubectl logs … | lbtest proxy-mode.") { files, json };
        command.SetAction(async (parsed, cancel) =>
        {
            var log = new ProxyLog();
            foreach (string file in parsed.GetValue(files)!) await Task.Run(() => Read(file, log, cancel), cancel).WaitAsync(cancel);
            bool all = true;
            foreach (ProxyLogReading reading in log.Finish())
            {
                all &= reading.Report is not null;
                string source = reading.Source is null ? "" : $"{reading.Source}: ";
                if (reading.Report is not { } report) await Console.Error.WriteLineAsync($"lbtest: {source}{reading.Problem} {reading.Remedy}.");
                else Console.WriteLine(parsed.GetValue(json) ? JsonSerializer.Serialize(report, AgentJson.Default.ProxyModeReport) : $"{source}{report.Explanation}\n  line {report.LineNumber}: {report.Reason}");
            }

            return all ? ExitCode.Success : ExitCode.BadInput;
        });
        return command;
    }

    private static void Read(string file, ProxyLog log, CancellationToken cancel)
    {
        using TextReader text = file == "-" ? Console.In : new StreamReader(file);
        while (!cancel.IsCancellationRequested && text.ReadLine() is { } line) log.Add(line, file == "-" ? null : file);
    }
}
