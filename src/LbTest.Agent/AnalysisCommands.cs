using System.CommandLine;
using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using LbTest.Engine;
using LbTest.Engine.Analysis;
using LbTest.Engine.Compare;
using LbTest.Engine.Connect;
using LbTest.Engine.Disturbances;
using LbTest.Engine.Results;
using LbTest.Engine.Traffic;

namespace LbTest.Agent;

/// <summary><c>lbtest frequency</c>, <c>balance</c>, <c>disruption</c> and <c>compare</c>: what results in files mean.</summary>
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

    internal static Command CreateDisruption()
    {
        (Argument<string[]> files, Option<bool> json) = Inputs();
        var command = new Command("disruption", "What the disturbances of traffic tests cost: connections lost against the least, outage, recovery.") { files, json };
        command.SetAction(async (parsed, cancel) =>
        {
            foreach (ITestResult result in await ResultFiles.ReadAsync(parsed.GetValue(files)!, cancel))
            {
                TrafficResult traffic = result as TrafficResult
                    ?? throw new FormatException($"{result.Label}: this is the result of a connect test, and nothing was disturbed in it. Use 'lbtest balance'.");
                Console.WriteLine(parsed.GetValue(json) ? JsonSerializer.Serialize(DisruptionAnalysis.Measure(traffic), ResultJsonContext.Default.Disruption) : TrafficText.Costs(traffic));
            }

            return ExitCode.Success;
        });
        return command;
    }

    internal static Command CreateCompare()
    {
        (Argument<string[]> files, Option<bool> json) = Inputs();
        var alpha = new Option<double>("--alpha") { Description = "The probability that two spreads of one kind are called different, at most", DefaultValueFactory = _ => 0.01 };
        var seed = new Option<int>("--seed") { Description = "Seed of Monte-Carlo tests", DefaultValueFactory = _ => BalanceOptions.DefaultSeed };
        var command = new Command("compare", "Results against the first one: does the spread differ by more than chance explains, and what did disturbances cost in each?") { files, alpha, seed, json };
        command.SetAction(async (parsed, cancel) =>
        {
            List<ITestResult> results = await ResultFiles.ReadAsync(parsed.GetValue(files)!, cancel);
            PlanException.Require(results.Count > 1, "files", string.Join(' ', parsed.GetValue(files)!), "is one result, and there is nothing to compare it with", "Give two files or more");
            foreach (ITestResult result in results.Skip(1))
            {
                ResultComparison comparison = ComparisonAnalysis.Compare(results[0], result, new BalanceOptions { Alpha = parsed.GetValue(alpha), Seed = parsed.GetValue(seed) });
                if (parsed.GetValue(json))
                {
                    Console.WriteLine(JsonSerializer.Serialize(comparison, ResultJsonContext.Default.ResultComparison));
                    continue;
                }

                foreach (string warning in comparison.Warnings) Console.WriteLine($"warning: {warning}");
                Console.WriteLine(comparison.ToText());
            }

            return ExitCode.Success;
        });
        return command;
    }

    private static (Argument<string[]> Files, Option<bool> Json) Inputs() => (
        new Argument<string[]>("files") { Description = "Results as JSON, LbTest's or those of mconnect or ctraffic; '-' for standard input", DefaultValueFactory = _ => ["-"] },
        new Option<bool>("--json") { Description = "Print JSON" });

    private static async Task<List<ConnectResult>> Read(string[] files, CancellationToken cancel) =>
    [
        .. files.Zip(await ResultFiles.ReadAsync(files, cancel)).Select(pair => pair.Second as ConnectResult
            ?? throw new FormatException($"{pair.First}: This is a {pair.Second.Kind} result, where a connect result is needed. Give the result of a connect test.")),
    ];
}
