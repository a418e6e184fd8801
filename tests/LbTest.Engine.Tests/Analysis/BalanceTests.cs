using LbTest.Engine.Analysis;

namespace LbTest.Engine.Tests.Analysis;

public sealed class BalanceTests
{
    [Fact]
    public void Measures_of_a_small_spread_are_those_done_by_hand()
    {
        var balance = BalanceAnalysis.Measure([10, 20, 30, 40], label: "by hand");

        Assert.Equal("by hand", balance.Label);
        Assert.Equal(100, balance.Connections);
        Assert.Equal(25, balance.Mean);
        Assert.Equal(20, balance.ChiSquare, 1e-12); // (225 + 25 + 25 + 225) / 25
        Assert.Equal(Math.Sqrt(125), balance.StandardDeviation, 1e-12);
        Assert.Equal(Math.Sqrt(100 * 0.25 * 0.75), balance.ExpectedStandardDeviation, 1e-12);
        Assert.Equal(Math.Sqrt(125) / 25, balance.CoefficientOfVariation, 1e-12);
        Assert.Equal(10_000.0 / (4 * 3_000), balance.JainIndex, 1e-12);
        Assert.Equal(625 / (625 + 18.75), balance.ExpectedJainIndex, 1e-12);
        Assert.Equal(0.25, balance.Gini, 1e-12);
        Assert.Equal(1.6, balance.MaxToMean, 1e-12);
        Assert.Equal(Verdict.Uneven, balance.Verdict);
    }

    [Fact]
    public void Ten_thousand_random_connections_over_a_hundred_endpoints_have_a_jain_index_of_0_990() =>
        Assert.Equal(0.990, BalanceAnalysis.Measure(Enumerable.Repeat(100L, 100).ToArray()).ExpectedJainIndex, 0.0005);

    [Fact]
    public void Unequal_shares_are_measured_against_their_expectation()
    {
        var balance = BalanceAnalysis.Measure([100, 300, 600], [0.1, 0.3, 0.6]);

        Assert.Equal(Verdict.EvenerThanRandom, balance.Verdict);
        Assert.Equal(0, balance.ChiSquare, 1e-12);
        Assert.Equal(0, balance.StandardDeviation, 1e-9);
        Assert.Equal(1, balance.JainIndex, 1e-12);
        Assert.Equal(1, balance.MaxToMean, 1e-12);
        Assert.Equal(Math.Sqrt(1000 * (0.9 / 0.1 + 0.7 / 0.3 + 0.4 / 0.6) / 9 / 3), balance.ExpectedStandardDeviation, 1e-9);
        Assert.Equal(Verdict.Uneven, BalanceAnalysis.Measure([333, 333, 334], [0.1, 0.3, 0.6]).Verdict);
    }

    [Fact]
    public void Equal_shares_given_or_not_are_the_same()
    {
        long[] counts = [95, 105, 110, 90];

        Assert.Equal(BalanceAnalysis.Measure(counts), BalanceAnalysis.Measure(counts, [0.25, 0.25, 0.25, 0.25]));
    }

    [Fact]
    public void Endpoints_that_expect_nothing_and_get_nothing_do_not_count()
    {
        var balance = BalanceAnalysis.Measure([100, 0, 110, 0], [0.5, 0, 0.5, 0]);

        Assert.Equal(Verdict.ConsistentWithRandom, balance.Verdict);
        Assert.Equal((4, 1, 0), (balance.Endpoints, balance.DegreesOfFreedom, balance.EmptyEndpoints));
        Assert.Equal((100, 110), (balance.Minimum, balance.Maximum));
    }

    [Theory]
    [InlineData(100, 1, 110)]
    [InlineData(0, 1, 0)]
    public void A_connection_where_none_is_expected_is_never_chance(long first, long stray, long third)
    {
        var balance = BalanceAnalysis.Measure([first, stray, third], [0.5, 0, 0.5]);

        Assert.Equal(Verdict.Uneven, balance.Verdict);
        Assert.Equal(0, balance.PUpper);
        Assert.True(double.IsFinite(balance.ChiSquare));
        Assert.Contains("should get none", balance.Explanation, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData]
    [InlineData(0L)]
    [InlineData(0L, 0L, 0L)]
    [InlineData(17L)]
    public void Nothing_to_test_is_undetermined_and_every_number_finite(params long[] counts)
    {
        var balance = BalanceAnalysis.Measure(counts);

        Assert.Equal(Verdict.Undetermined, balance.Verdict);
        Assert.Equal(BalanceTest.None, balance.Test);
        Assert.Null(balance.DetectableOverweight);
        double[] numbers =
        [
            balance.ChiSquare, balance.Mean, balance.StandardDeviation, balance.ExpectedStandardDeviation, balance.CoefficientOfVariation,
            balance.JainIndex, balance.ExpectedJainIndex, balance.Gini, balance.MaxToMean,
        ];
        Assert.All(numbers, number => Assert.True(double.IsFinite(number)));
    }

    [Theory]
    [InlineData(10, true)]
    [InlineData(9, false)]
    [InlineData(null, null)]
    public void Round_robin_through_m_nodes_promises_a_range_of_at_most_m(int? entries, bool? kept)
    {
        var balance = BalanceAnalysis.Measure([95, 100, 105], options: new BalanceOptions { RoundRobinEntries = entries });

        Assert.Equal(kept, balance.RoundRobinPromiseKept);
        Assert.Equal(kept is not null, balance.Explanation.Contains("promise", StringComparison.Ordinal));
    }

    [Fact]
    public void Round_robin_promises_nothing_for_unequal_shares() => Assert.Null(
        BalanceAnalysis.Measure([10, 20], [0.4, 0.6], new BalanceOptions { RoundRobinEntries = 2 }).RoundRobinPromiseKept);

    [Fact]
    public void Explanations_are_plain_sentences()
    {
        long[] random = [.. Enumerable.Repeat(91L, 50), .. Enumerable.Repeat(109L, 50)];
        long[] uneven = [.. Enumerable.Repeat(85L, 50), .. Enumerable.Repeat(115L, 50)];

        Assert.Equal(
            "10,000 connections over 100 endpoints look like chance (χ² = 81.0, df 99, p lower 0.094, upper 0.906). "
            + "A test of this size finds an overweight of 29 % on 10 of 100 endpoints with 99 % probability.",
            BalanceAnalysis.Measure(random).Explanation);
        Assert.Equal(
            "10,000 connections over 100 endpoints are spread less evenly than by chance (χ² = 225.0, df 99, p lower 1, upper 8.4e-12): "
            + "the spread is 1.51 times that of chance, from 85 to 115 per endpoint.",
            BalanceAnalysis.Measure(uneven).Explanation);
        Assert.Equal(
            "10 connections over 5 endpoints are spread more evenly than by chance (χ² = 0, exact test, p lower 0.012, upper 1): "
            + "every endpoint got 2.",
            BalanceAnalysis.Measure([2, 2, 2, 2, 2], options: new BalanceOptions { Alpha = 0.05 }).Explanation);
        Assert.Equal("1 connection over 1 endpoint: there is nothing to test.", BalanceAnalysis.Measure([1]).Explanation);
    }

    [Fact]
    public void Bad_counts_and_shares_are_refused_with_the_remedy()
    {
        Refused("0 or more", [1, -1]);
        Refused("one share per endpoint", [1, 1], 1);
        Refused("divide each weight", [1, 1], 0.5, 0.6);
        Refused("divide each weight", [1, 1], 1.5, -0.5);
        Refused("divide each weight", [1, 1], 0.5, double.NaN);

        static void Refused(string remedy, long[] counts, params double[] shares)
        {
            var error = Assert.Throws<ArgumentException>(() => BalanceAnalysis.Measure(counts, shares.Length == 0 ? null : shares));
            Assert.Contains(remedy, error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Bad_options_are_named()
    {
        Named("Alpha", () => new BalanceOptions { Alpha = 0 });
        Named("Alpha", () => new BalanceOptions { Alpha = double.NaN });
        Named("Simulations", () => new BalanceOptions { Simulations = 0 });
        Named("RoundRobinEntries", () => new BalanceOptions { RoundRobinEntries = 0 });
        Named("OverweightPower", () => new BalanceOptions { OverweightPower = 1 });
        Named("OverweightFraction", () => new BalanceOptions { OverweightFraction = 1.5 });

        static void Named(string name, Func<BalanceOptions> make) =>
            Assert.Equal(name, Assert.Throws<ArgumentOutOfRangeException>(() => make()).ParamName);
    }
}
