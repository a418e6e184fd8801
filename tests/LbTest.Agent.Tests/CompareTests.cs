using System.Text.Json.Nodes;

namespace LbTest.Agent.Tests;

/// <summary><c>lbtest compare</c>, on results as mconnect writes them.</summary>
public sealed class CompareTests
{
    private const string Files = """
        folder=$(mktemp -d); cd "$folder"
        echo '{"hosts":{"a":100,"b":100,"c":100,"d":100},"connects":400}' > even.json
        echo '{"hosts":{"a":160,"b":140,"c":60,"d":40},"connects":400}' > shifted.json
        echo '{"hosts":{"a":200,"b":200},"connects":400}' > two.json
        """;

    [Fact]
    public async Task Each_result_is_set_beside_the_first()
    {
        Outcome outcome = await RunAsync("lbtest compare even.json shifted.json even.json");

        Assert.Equal((0, ""), (outcome.ExitCode, outcome.Error));
        Assert.Matches("(?m)^Most on an endpoint +100 +160 +[+]60$", outcome.Output);
        Assert.Matches("(?s)DifferentSpread[.] shifted spreads connections less.evenly than.even.*SameSpread[.] Both are more even than chance", outcome.Output);
        Assert.All(outcome.Output.Split('\n'), line => Assert.InRange(line.Length, 0, 80));
    }

    [Fact]
    public async Task Json_has_the_tests_and_the_numbers()
    {
        JsonNode comparison = JsonNode.Parse((await RunAsync("lbtest compare even.json shifted.json --json --alpha 0.001")).Output)!;

        Assert.Equal(("DifferentSpread", 0.001), (comparison["verdict"]!.GetValue<string>(), comparison["spread"]!["alpha"]!.GetValue<double>()));
        // Σ (aᵢ − bᵢ)² / (aᵢ + bᵢ) = 3600/260 + 1600/240 + 1600/160 + 3600/140, with 3 degrees of freedom.
        Assert.Equal((3600 / 260.0) + (1600 / 240.0) + 10 + (3600 / 140.0), comparison["spread"]!["chiSquare"]!.GetValue<double>(), 9);
        Assert.Equal(3, comparison["spread"]!["degreesOfFreedom"]!.GetValue<int>());
    }

    [Fact]
    public async Task What_is_unlike_is_warned_of() =>
        Assert.StartsWith("warning: even had 4 endpoints, two had 2 endpoints.\n", (await RunAsync("lbtest compare even.json two.json")).Output, StringComparison.Ordinal);

    [Fact]
    public async Task One_result_alone_is_refused() => (await RunAsync("lbtest compare even.json")).AssertRefused("even.json", "Give two files or more");

    private static Task<Outcome> RunAsync(string command) => Lbtest.ShellAsync($"{Files}\n{command}; code=$?\ncd /; rm -r \"$folder\"; exit $code");
}
