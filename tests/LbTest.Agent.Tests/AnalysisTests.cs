using System.Text.Json.Nodes;
using LbTest.Engine.Tests;

namespace LbTest.Agent.Tests;

/// <summary>The verbs that read results from files, on recorded runs.</summary>
public sealed class AnalysisTests
{
    public static TheoryData<string> Runs => ["cilium", "ipvs", "ipvs-ecmp", "ipvs-lc", "ipvs-mh", "nftables"];

    [SkippableTheory, MemberData(nameof(Runs))]
    public async Task Frequencies_of_a_recorded_run_are_those_expected(string run)
    {
        JsonArray expected = JsonNode.Parse(await File.ReadAllTextAsync(Recorded("frequencies-expected.json")))![run]!.AsArray();

        Outcome outcome = await Lbtest.RunAsync("frequency", Recorded($"mconnect-{run}.json"), "--json");

        Assert.Equal((0, ""), (outcome.ExitCode, outcome.Error));
        Assert.Equal(
            expected.Select(pair => (pair![0]!.GetValue<int>(), pair[1]!.GetValue<long>())),
            JsonNode.Parse(outcome.Output)!.AsArray().Select(row => (row!["endpoints"]!.GetValue<int>(), row["connections"]!.GetValue<long>())));
    }

    [SkippableTheory, MemberData(nameof(Runs))]
    public async Task The_balance_of_a_recorded_run_is_that_expected(string run)
    {
        JsonNode expected = JsonNode.Parse(await File.ReadAllTextAsync(Recorded("balance-expected.json")))![$"mconnect-{run}"]!;

        Outcome outcome = await Lbtest.RunAsync("balance", Recorded($"mconnect-{run}.json"), "--json");

        Assert.Equal((0, ""), (outcome.ExitCode, outcome.Error));
        JsonNode balance = JsonNode.Parse(outcome.Output)!;
        Assert.Equal($"mconnect-{run}", balance["label"]!.GetValue<string>());
        Assert.Equal(expected["chiSquare"]!.GetValue<double>(), balance["chiSquare"]!.GetValue<double>(), 1e-6);
        Assert.Equal(expected["jain"]!.GetValue<double>(), balance["jainIndex"]!.GetValue<double>(), 1e-6);
        Assert.Contains(balance["verdict"]!.GetValue<string>(), new[] { "EvenerThanRandom", "ConsistentWithRandom" });
    }

    [SkippableFact]
    public async Task Text_shows_results_side_by_side_with_a_verdict_each()
    {
        string[] files = [Recorded("mconnect-ipvs.json"), Recorded("mconnect-nftables.json")];

        Outcome frequency = await Lbtest.RunAsync(["frequency", .. files]), balance = await Lbtest.RunAsync(["balance", .. files]);

        Assert.All(["mconnect-ipvs", "mconnect-nftables", "EvenerThanRandom", "ConsistentWithRandom"], word =>
        {
            Assert.Contains(word, balance.Output, StringComparison.Ordinal);
        });
        Assert.Contains("mconnect-ipvs", frequency.Output, StringComparison.Ordinal);
        Assert.All(frequency.Output.Split('\n'), line => Assert.InRange(line.Length, 0, 80));
    }

    [Fact]
    public async Task A_result_may_come_from_standard_input()
    {
        Outcome outcome = await Lbtest.ShellAsync("""echo '{"hosts":{"a":30,"b":30,"c":31},"connects":91}' | lbtest frequency --json""");

        Assert.Equal((0, ""), (outcome.ExitCode, outcome.Error));
        Assert.Equal(["30 2", "31 1"], JsonNode.Parse(outcome.Output)!.AsArray().Select(row => $"{row!["connections"]} {row["endpoints"]}"));
    }

    private static string Recorded(string file)
    {
        string? path = Golden.Find(Path.Combine("mconnect", file));
        Skip.If(path is null, "There are no recorded runs beside the checkout.");
        return path;
    }
}
