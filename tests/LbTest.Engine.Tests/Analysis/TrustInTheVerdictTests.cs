using LbTest.Engine.Analysis;

namespace LbTest.Engine.Tests.Analysis;

/// <summary>Seeded simulations: the verdict errs as often as it says, and finds what it says it finds.</summary>
public sealed class TrustInTheVerdictTests
{
    private const int Runs = 4000;

    [Theory]
    [InlineData(1_000, 10)]
    [InlineData(10_000, 100)]
    [InlineData(10_000, 1_000)]
    public void Random_spreads_are_called_otherwise_with_half_of_alpha_on_each_side(int connections, int endpoints)
    {
        var random = new Random(20);
        var tenPercent = new BalanceOptions { Alpha = 0.1 };
        int uneven = 0, evener = 0, clearlyUneven = 0, clearlyEvener = 0;
        for (int run = 0; run < Runs; run++)
        {
            var balance = BalanceAnalysis.Measure(Spreads.Draw(random, connections, endpoints), options: tenPercent);
            Assert.Equal(BalanceTest.ChiSquare, balance.Test);
            uneven += balance.Verdict == Verdict.Uneven ? 1 : 0;
            evener += balance.Verdict == Verdict.EvenerThanRandom ? 1 : 0;
            clearlyUneven += balance.PUpper <= 0.005 ? 1 : 0;
            clearlyEvener += balance.PLower <= 0.005 ? 1 : 0;
        }

        Spreads.AssertShare(uneven, Runs, 0.05);
        Spreads.AssertShare(evener, Runs, 0.05);
        Spreads.AssertShare(clearlyUneven, Runs, 0.005);
        Spreads.AssertShare(clearlyEvener, Runs, 0.005);
    }

    [Fact]
    public void Thirty_percent_overweight_of_a_tenth_is_found_in_99_percent_of_runs() =>
        Assert.InRange(Found(overweight: 0.3), 0.99 * Runs, Runs);

    [Fact]
    public void Twenty_percent_overweight_of_a_tenth_is_found_as_often_as_the_power_says()
    {
        double power = SampleSize.Power(10_000, 100, 0.2);

        Assert.Equal(0.57, power, 0.01);
        Spreads.AssertShare(Found(overweight: 0.2), Runs, power);
    }

    private static int Found(double overweight)
    {
        var random = new Random(30);
        return Enumerable.Range(0, Runs).Count(_ =>
            BalanceAnalysis.Measure(Spreads.Draw(random, 10_000, 100, overweight)).Verdict == Verdict.Uneven);
    }
}
