using System.Collections.Immutable;
using System.Text.Json;
using LbTest.Engine.Analysis;

namespace LbTest.Engine.Tests.Analysis;

/// <summary>The two tests of a comparison against values from elsewhere: closed forms, published tables, numerical integration of the densities.</summary>
public sealed class SpreadComparisonTests
{
    [Fact]
    public void With_two_degrees_of_freedom_the_probability_is_an_exponential()
    {
        SpreadComparison c = Compare([30, 45, 25], [20, 50, 40]);

        Assert.Equal((BalanceTest.ChiSquare, 2, 3), (c.SharesTest, c.DegreesOfFreedom, c.Matched));
        Assert.Equal(5.260434302539564, c.ChiSquare, 12);
        Assert.Equal(Math.Exp(-5.260434302539564 / 2), c.PApart, 12);
        Assert.Equal(1 - Math.Exp(-5.260434302539564 / 2), c.PCloser, 12);
    }

    [SkippableTheory]
    // The χ² density integrated numerically; the counts of the recorded runs by their place in the file.
    [InlineData("ipvs", "nftables", 42.38248827601156, 1.0995033071203742e-07, 0.9999998900496312)]
    [InlineData("ipvs-mh", "nftables", 111.97233649471099, 0.8241673725200552, 0.17583262747993977)]
    [InlineData("ipvs-ecmp", "nftables", 45.8144642479548, 9.881467899225473e-07, 0.9999990118531562)]
    [InlineData("cilium", "ipvs-mh", 101.39018632442627, 0.5854365232451182, 0.41456347675486543)]
    public void Shares_of_recorded_runs_differ_as_calculated(string reference, string result, double chiSquare, double closer, double apart)
    {
        SpreadComparison c = Compare(Recorded(reference), Recorded(result));

        Assert.Equal(99, c.DegreesOfFreedom);
        Assert.Equal(chiSquare, c.ChiSquare, 9);
        AssertClose(closer, c.PCloser);
        AssertClose(apart, c.PApart);
        Assert.False(c.SharesDiffer);
    }

    [SkippableTheory]
    // The F density integrated numerically, 99 and 99 degrees of freedom.
    [InlineData("ipvs-mh", "nftables", 1.1640404040404042, 0.8573737373737375, 0.06495473575709486, 0.9350452642428927, false)]
    [InlineData("ipvs-ecmp", "nftables", 0.05959595959595952, 0.8573737373737375, 1, 1.7992060009309717e-32, true)]
    [InlineData("cilium", "ipvs-mh", 0.6793939393939394, 1.1640404040404042, 0.996048239849017, 0.0039517601510307985, false)]
    [InlineData("ipvs", "nftables", 0, 0.8573737373737375, 1, 0, true)]
    // The ratio is far from 1, but both are more even than chance.
    [InlineData("ipvs-lc", "ipvs-ecmp", 0.001414141414141414, 0.05959595959595952, 1, 9.817661264611052e-54, false)]
    public void Widths_of_recorded_runs_differ_as_calculated(string reference, string result, double first, double second, double narrower, double wider, bool differs)
    {
        SpreadComparison c = Compare(Recorded(reference), Recorded(result));

        Assert.Equal(BalanceTest.FRatio, c.WidthTest);
        Assert.Equal(first, c.ReferenceDispersion, 12);
        Assert.Equal(second, c.Dispersion, 12);
        AssertClose(narrower, c.PNarrower);
        AssertClose(wider, c.PWider);
        Assert.Equal(differs, c.WidthDiffers);
        Assert.Equal(differs ? ComparisonVerdict.DifferentSpread : ComparisonVerdict.SameSpread, c.Verdict);
    }

    [Fact]
    public void With_two_and_two_or_four_and_four_degrees_of_freedom_the_ratio_has_closed_forms()
    {
        SpreadComparison two = Compare([10, 20, 30], [15, 20, 25]), four = Compare([26, 18, 18, 18, 20], [22, 18, 22, 18, 20]);

        // P(F ≤ r) = r / (1 + r), r = ¼; and 3x² − 2x³ with x = r / (1 + r), r = ⅓.
        Assert.Equal((5, 1.25), (two.ReferenceDispersion, two.Dispersion));
        Assert.Equal((0.2, 0.8), (Math.Round(two.PNarrower, 12), Math.Round(two.PWider, 12)));
        Assert.Equal((0.15625, 0.84375), (Math.Round(four.PNarrower, 12), Math.Round(four.PWider, 12)));
        // Five and five, five and three: integrated numerically.
        AssertClose(0.009546680418523185, Compare([90, 110, 100, 95, 105, 100], [80, 120, 110, 70, 130, 90]).PWider);
        AssertClose(0.11395114580927758, Compare([90, 110, 100, 95, 105, 100], [40, 60, 55, 45]).PWider);
    }

    [Theory]
    [InlineData(9, 5.3511)]
    [InlineData(10, 4.8491)]
    [InlineData(20, 2.9377)]
    public void The_hundredth_of_largest_ratios_begins_where_published_tables_of_F_say(int degrees, double critical)
    {
        // Two spreads whose indices have that ratio, as nearly as whole connections can: tables give four decimals.
        long Deviation(double factor) => (long)Math.Round(100_000 * Math.Sqrt(factor));
        long[] Spread(long deviation) => [1_000_000_000 + deviation, 1_000_000_000 - deviation, .. Enumerable.Repeat(1_000_000_000L, degrees - 1)];

        Assert.Equal(0.01, Compare(Spread(Deviation(1)), Spread(Deviation(critical))).PWider, 5);
    }

    [Fact]
    public void The_lady_tasting_tea_is_told_by_simulation()
    {
        // Of the 70 divisions of 8 cups into 4 and 4, 34 are as far from even as 3 : 1, and 68 at most as far.
        SpreadComparison c = Compare([3, 1], [1, 3]);

        Assert.Equal((BalanceTest.MonteCarlo, BalanceOptions.DefaultSeed), (c.SharesTest, c.Seed));
        Assert.Equal(34 / 70.0, c.PApart, 0.015);
        Assert.Equal(68 / 70.0, c.PCloser, 0.005);
        Assert.Equal(c, Compare([3, 1], [1, 3]));
    }

    [Fact]
    public void Simulated_widths_are_those_of_all_pairs_of_outcomes()
    {
        // Four connections over two endpoints: χ² is 4, 1 or 0 with 2, 8 and 6 of 16 outcomes. χ² = 1 beside χ² = 1: at least as wide are
        // pairs with y ≥ x, where 0 beside 0 counts as a tie: 256 pairs, of which 256 − (2·14 + 8·6) have y ≥ x.
        SpreadComparison c = Compare([3, 1], [1, 3]);

        Assert.Equal(BalanceTest.MonteCarlo, c.WidthTest);
        Assert.Equal(180 / 256.0, c.PWider, 0.015);
        Assert.Equal(180 / 256.0, c.PNarrower, 0.015);
    }

    [Fact]
    public void Round_robin_beside_chance_has_the_same_shares_and_another_width()
    {
        SpreadComparison c = Compare([.. Enumerable.Repeat(100L, 100)], Spreads.Draw(new Random(5), 10_000, 100));

        Assert.Equal(ComparisonVerdict.DifferentSpread, c.Verdict);
        Assert.Equal((false, true), (c.SharesDiffer, c.WidthDiffers));
        Assert.InRange(c.PCloser, 0, 1e-3);
    }

    [Fact]
    public void Two_spreads_of_round_robin_are_the_same()
    {
        long[] even = [.. Enumerable.Repeat(100L, 100)], remainder = [.. Enumerable.Range(0, 100).Select(i => i < 50 ? 101L : 100L)];

        Assert.All([Compare(even, even), Compare(even, remainder), Compare(remainder, even)], c =>
        {
            Assert.Equal(ComparisonVerdict.SameSpread, c.Verdict);
            Assert.Equal(0, c.PCloser, 1e-9);
        });
        Assert.Equal((1, 1), (Compare(even, even).PNarrower, Compare(even, even).PWider));
    }

    [Fact]
    public void The_same_width_on_other_endpoints_is_a_difference_of_shares()
    {
        long[] one = [.. Enumerable.Range(0, 20).Select(i => i < 10 ? 120L : 80L)];

        SpreadComparison c = Compare(one, [.. one.Reverse()]);

        Assert.Equal((ComparisonVerdict.DifferentSpread, true, false), (c.Verdict, c.SharesDiffer, c.WidthDiffers));
        Assert.Equal(ComparisonVerdict.SameSpread, Compare(one, one).Verdict);
    }

    private static void AssertClose(double expected, double actual) => Assert.InRange(actual, expected * (1 - 1e-8), Math.Max(1e-300, expected * (1 + 1e-8)));

    private static SpreadComparison Compare(long[] reference, long[] result)
    {
        Spread Named(long[] counts) => new([.. counts.Select((_, i) => $"e{i}")], [.. counts]);
        return SpreadAnalysis.Compare(Named(reference), Named(result), BalanceAnalysis.Measure(reference), BalanceAnalysis.Measure(result));
    }

    private static long[] Recorded(string run)
    {
        string? path = Golden.Find(Path.Combine("mconnect", $"mconnect-{run}.json"));
        Skip.If(path is null, "There are no recorded runs beside the checkout.");
        using var json = JsonDocument.Parse(File.ReadAllBytes(path));
        return [.. json.RootElement.GetProperty("hosts").EnumerateObject().Select(host => host.Value.GetInt64())];
    }
}
