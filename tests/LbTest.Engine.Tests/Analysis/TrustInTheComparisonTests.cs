using LbTest.Engine.Analysis;

namespace LbTest.Engine.Tests.Analysis;

/// <summary>Seeded simulations: spreads of one kind are called different as often as is said, and differences are found that are said to be found.</summary>
public sealed class TrustInTheComparisonTests
{
    private static readonly BalanceOptions TenPercent = new() { Alpha = 0.1, Simulations = 400 };

    [Theory]
    [InlineData(2_000, 2_000, 20, 3_000)]
    [InlineData(10_000, 1_000, 50, 2_000)]
    // Expected counts below 5: by simulation.
    [InlineData(60, 80, 20, 400)]
    public void Random_spreads_are_called_different_with_half_of_alpha_by_each_test(int connections, int others, int endpoints, int runs)
    {
        var random = new Random(70);
        int shares = 0, widths = 0, wider = 0;
        for (int run = 0; run < runs; run++)
        {
            SpreadComparison c = Compare(Spreads.Draw(random, connections, endpoints), Spreads.Draw(random, others, endpoints));
            if (c.SharesDiffer == true) shares++;
            if (c.WidthDiffers == true) widths++;
            if (c.WidthDiffers == true && c.Dispersion > c.ReferenceDispersion) wider++;
            Assert.Equal(c.SharesDiffer == true || c.WidthDiffers == true, c.Verdict == ComparisonVerdict.DifferentSpread);
        }

        Spreads.AssertShare(shares, runs, 0.05);
        Spreads.AssertShare(widths, runs, 0.05);
        Spreads.AssertShare(wider, runs, 0.025);
    }

    [Fact]
    public void Spreads_that_are_alike_but_wider_than_chance_are_seldom_called_different()
    {
        // Each source makes eight connections, as with session affinity that nobody told of: eight times as wide as chance.
        var random = new Random(71);
        int widths = 0;
        for (int run = 0; run < 2_000; run++) widths += Compare(Clumped(), Clumped()).WidthDiffers == true ? 1 : 0;

        Spreads.AssertShare(widths, 2_000, 0.05);

        long[] Clumped() => [.. Spreads.Draw(random, 1_000, 40).Select(count => 8 * count)];
    }

    [Fact]
    public void The_overweight_that_is_said_to_be_found_is_found()
    {
        var random = new Random(72);
        double overweight = Compare(Spreads.Draw(random, 10_000, 100), Spreads.Draw(random, 10_000, 100), new BalanceOptions()).DetectableOverweight!.Value;
        const int runs = 1_000;
        int found = Enumerable.Range(0, runs).Count(_ =>
            Compare(Spreads.Draw(random, 10_000, 100), Spreads.Draw(random, 10_000, 100, overweight), new BalanceOptions()).SharesDiffer == true);

        // More than the half of them would find beside shares that are known.
        Assert.InRange(overweight, SampleSize.DetectableOverweight(5_000, 100)!.Value, 1);
        Assert.InRange(found, 0.98 * runs, runs);
    }

    private static SpreadComparison Compare(long[] reference, long[] result, BalanceOptions? options = null)
    {
        static Spread Named(long[] counts) => new([.. counts.Select((_, i) => $"e{i}")], [.. counts]);
        options ??= TenPercent;
        return SpreadAnalysis.Compare(Named(reference), Named(result), BalanceAnalysis.Measure(reference, options: options), BalanceAnalysis.Measure(result, options: options), options);
    }
}
