using System.CommandLine;
using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using LbTest.Engine;
using LbTest.Engine.Analysis;
using LbTest.Engine.Connect;
using LbTest.Engine.Results;

namespace LbTest.Agent;

/// <summary><c>lbtest frequency</c> and <c>lbtest balance</c>: what results in files mean.</summary>
internal static class AnalysisCommands
{
    internal static Command CreateFrequency()
    {
        (Argument<string[]> files, Option<bool> json) = Inputs();
        var command = new Command("frequency", "How many endpoints got how many connections, results side by side.") { files, json };
        command.SetAction(async (parsed, cancel) =>
        {
            List<ConnectResult> results = await Read(parsed.GetValue(files)!, cancel);
            if (!parsed.GetValue(json)) Console.Write(ConnectAnalysis.Table(results).ToText());
            else foreach (ConnectResult result in results) Console.WriteLine(JsonSerializer.Serialize(ConnectAnalysis.Frequencies(result), ResultJsonContext.Default.ImmutableArrayFrequencyRow));
            return ExitCode.Success;
        });
        return command;
    }

    internal static Command CreateBalance()
    {
        (Argument<string[]> files, Option<bool> json) = Inputs();
        var alpha = new Option<double>("--alpha") { Description = "Significance level of both tails together", DefaultValueFactory = _ => 0.01 };
        var command = new Command("balance", "The verdict: evener than random, consistent with random, or uneven.") { files, alpha, json };
        command.SetAction(async (parsed, cancel) =>
        {
            foreach (ConnectResult result in await Read(parsed.GetValue(files)!, cancel))
            {
                Balance balance = ConnectAnalysis.Measure(result, new BalanceOptions { Alpha = parsed.GetValue(alpha) });
                Console.WriteLine(parsed.GetValue(json) ? JsonSerializer.Serialize(balance, ResultJsonContext.Default.Balance)
                    : string.Create(CultureInfo.InvariantCulture, $"{balance.Label}: {balance.Verdict}. {balance.Explanation}"));
            }

            return ExitCode.Success;
        });
        return command;
    }

    private static (Argument<string[]> Files, Option<bool> Json) Inputs() => (
        new Argument<string[]>("files") { Description = "Results of LbTest or mconnect as JSON; '-' for standard input", DefaultValueFactory = _ => ["-"] },
        new Option<bool>("--json") { Description = "Print JSON" });

    private static async Task<List<ConnectResult>> Read(string[] files, CancellationToken cancel)
    {
        var results = new List<ConnectResult>();
        foreach (string file in files)
        {
            string text = file == "-" ? await Task.Run(Console.In.ReadToEnd, cancel).WaitAsync(cancel) : await File.ReadAllTextAsync(file, cancel);
            try
            {
                results.Add(ResultJson.Read(text, Path.GetFileNameWithoutExtension(file)));
            }
            catch (FormatException exception)
            {
                throw new FormatException($"{file}: {exception.Message}", exception);
            }
        }

        return results;
    }
}
