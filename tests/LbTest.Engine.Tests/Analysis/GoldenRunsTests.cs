using System.Globalization;
using System.Text.Json;
using LbTest.Engine.Analysis;

namespace LbTest.Engine.Tests.Analysis;

/// <summary>Six recorded distribution tests, whose measures were calculated independently with SciPy.</summary>
public sealed class GoldenRunsTests
{
    public static TheoryData<string> Runs => ["cilium", "ipvs", "ipvs-ecmp", "ipvs-lc", "ipvs-mh", "nftables"];

    [SkippableTheory, MemberData(nameof(Runs))]
    public void Frequencies_are_those_expected(string run)
    {
        using var expected = Read("frequencies-expected.json");
        var rows = expected.RootElement.GetProperty(run).EnumerateArray()
            .Select(pair => new FrequencyRow(pair[1].GetInt64(), pair[0].GetInt32()));

        Assert.Equal(rows, Frequency.Count(CountsOf(run)));
    }

    [SkippableTheory, MemberData(nameof(Runs))]
    public void Balance_agrees_to_the_digits_given(string run)
    {
        using var expected = Read("balance-expected.json");
        var golden = expected.RootElement.GetProperty("mconnect-" + run);

        var balance = BalanceAnalysis.Measure(CountsOf(run));

        Same("endpoints", balance.Endpoints);
        Same("connects", balance.Connections);
        Same("min", balance.Minimum);
        Same("max", balance.Maximum);
        Same("standardDeviation", balance.StandardDeviation);
        Same("chiSquare", balance.ChiSquare);
        Same("degreesOfFreedom", balance.DegreesOfFreedom);
        Same("pUpper", balance.PUpper);
        Same("pLower", balance.PLower);
        Same("jain", balance.JainIndex);
        Same("coefficientOfVariation", balance.CoefficientOfVariation);
        Same("gini", balance.Gini);
        Same("maxToMean", balance.MaxToMean);

        void Same(string name, double actual)
        {
            var number = golden.GetProperty(name);
            double error = Math.Abs(actual - number.GetDouble());
            Assert.True(error <= Tolerance(number.GetRawText()), $"{name} is {actual:R}, not {number.GetRawText()}.");
        }
    }

    [SkippableTheory]
    [InlineData("cilium", Verdict.ConsistentWithRandom)] // p lower is 0.0061: just above 0.005
    [InlineData("ipvs", Verdict.EvenerThanRandom)]
    [InlineData("ipvs-ecmp", Verdict.EvenerThanRandom)]
    [InlineData("ipvs-lc", Verdict.EvenerThanRandom)]
    [InlineData("ipvs-mh", Verdict.ConsistentWithRandom)]
    [InlineData("nftables", Verdict.ConsistentWithRandom)]
    public void Verdicts_fit_the_schedulers(string run, Verdict verdict) =>
        Assert.Equal(verdict, BalanceAnalysis.Measure(CountsOf(run)).Verdict);

    /// <summary>Half a unit of the last place: at least the sixth decimal, as trailing zeros were dropped.</summary>
    private static double Tolerance(string number)
    {
        string[] parts = number.Split('e');
        int point = parts[0].IndexOf('.', StringComparison.Ordinal), decimals = point < 0 ? 0 : parts[0].Length - point - 1;
        int lastPlace = parts.Length == 1 ? -Math.Max(6, decimals) : int.Parse(parts[1], CultureInfo.InvariantCulture) - decimals;
        return 0.501 * Math.Pow(10, lastPlace);
    }

    private static long[] CountsOf(string run)
    {
        using var json = Read($"mconnect-{run}.json");
        return [.. json.RootElement.GetProperty("hosts").EnumerateObject().Select(host => host.Value.GetInt64())];
    }

    private static JsonDocument Read(string file)
    {
        string? path = Golden.Find(Path.Combine("mconnect", file));
        Skip.If(path is null, "There are no recorded runs beside the checkout.");
        return JsonDocument.Parse(File.ReadAllBytes(path));
    }
}
