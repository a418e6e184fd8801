using LbTest.Engine.Analysis;

namespace LbTest.Engine.Tests.Analysis;

/// <summary>Where expected counts are below 5, the exact or the Monte-Carlo test answers.</summary>
public sealed class SmallSampleTests
{
    private static readonly double[] Unequal = [0.5, 0.3, 0.2];

    [Theory]
    [InlineData(500, 100, BalanceTest.ChiSquare)]
    [InlineData(499, 100, BalanceTest.MonteCarlo)]
    [InlineData(50, 100, BalanceTest.MonteCarlo)]
    [InlineData(12, 3, BalanceTest.Exact)]
    [InlineData(1, 100_000, BalanceTest.Exact)]
    public void The_test_fits_the_size(int connections, int endpoints, BalanceTest test) =>
        Assert.Equal(test, BalanceAnalysis.Measure(
            Spreads.Draw(new Random(1), connections, endpoints), options: new BalanceOptions { Simulations = 1000 }).Test);

    [Fact]
    public void Exact_tails_of_four_connections_on_two_endpoints_are_binomial()
    {
        // Outcomes 4+0, 0+4 have probability 1/16 each; 3+1, 1+3 4/16 each; 2+2 6/16.
        var balance = BalanceAnalysis.Measure([3, 1]);

        Assert.Equal(10 / 16.0, balance.PUpper, 1e-12);
        Assert.Equal(14 / 16.0, balance.PLower, 1e-12);
    }

    [Fact]
    public void Exact_tails_agree_with_a_plain_sum_over_unequal_shares()
    {
        const int n = 9;
        long[] observed = [7, 1, 1];
        double ChiSquare(params long[] c) => c.Zip(Unequal, (count, p) => Math.Pow(count - n * p, 2) / (n * p)).Sum();
        double lower = 0, upper = 0;
        for (long a = 0; a <= n; a++)
        {
            for (long b = 0; a + b <= n; b++)
            {
                long c = n - a - b;
                double probability = Factorial(n) / (Factorial(a) * Factorial(b) * Factorial(c))
                    * Math.Pow(0.5, a) * Math.Pow(0.3, b) * Math.Pow(0.2, c);
                lower += ChiSquare(a, b, c) <= ChiSquare(observed) + 1e-9 ? probability : 0;
                upper += ChiSquare(a, b, c) >= ChiSquare(observed) - 1e-9 ? probability : 0;
            }
        }

        var balance = BalanceAnalysis.Measure(observed, Unequal);

        Assert.Equal(BalanceTest.Exact, balance.Test);
        Assert.Equal(lower, balance.PLower, 1e-12);
        Assert.Equal(upper, balance.PUpper, 1e-12);
    }

    [Theory]
    [InlineData(7, 1, 1)]
    [InlineData(4, 3, 2)]
    [InlineData(2, 3, 4)]
    public void Exact_and_simulated_tails_agree(long a, long b, long c)
    {
        const int simulations = 100_000;
        long[] counts = [a, b, c];
        var exact = BalanceAnalysis.Measure(counts, Unequal);
        var statistic = new ScaledSquares(Unequal);

        var (lower, upper) = new MultinomialSimulation(a + b + c, Unequal, seed: 3).Tails(statistic, statistic.Of(counts), simulations);

        Spreads.AssertShare((int)Math.Round(lower * simulations), simulations, exact.PLower);
        Spreads.AssertShare((int)Math.Round(upper * simulations), simulations, exact.PUpper);
    }

    [Fact]
    public void Many_connections_drawn_by_the_short_way_have_the_multinomial_mean_and_variance()
    {
        const int n = 100_000, draws = 5_000;
        var simulation = new MultinomialSimulation(n, Unequal, seed: 4);
        var statistic = new ScaledSquares(Unequal);
        var counts = new long[3];
        double sum = 0, squares = 0;
        for (int i = 0; i < draws; i++)
        {
            Assert.Equal(simulation.Draw(counts, statistic), statistic.Of(counts), 1e-3);
            Assert.Equal(n, counts.Sum());
            double deviation = counts[1] - n * 0.3;
            sum += deviation;
            squares += deviation * deviation;
        }

        double variance = n * 0.3 * 0.7;
        Assert.InRange(sum / draws, -4 * Math.Sqrt(variance / draws), 4 * Math.Sqrt(variance / draws));
        Assert.InRange(squares / draws / variance, 1 - 4 * Math.Sqrt(2.0 / draws), 1 + 4 * Math.Sqrt(2.0 / draws));
    }

    [Fact]
    public void Fifty_connections_on_a_hundred_endpoints_keep_alpha()
    {
        const int runs = 1000;
        const double alpha = 0.1;
        var random = new Random(5);
        var options = new BalanceOptions { Alpha = alpha, Simulations = 499 };
        Balance[] balances = [.. Enumerable.Range(0, runs)
            .Select(_ => BalanceAnalysis.Measure(Spreads.Draw(random, 50, 100), options: options))];

        // The statistic is discrete: a true α may be smaller than the nominal one, never larger.
        double limit = runs * alpha / 2 + 4 * Math.Sqrt(runs * alpha / 2);
        Assert.InRange(balances.Count(b => b.Verdict == Verdict.Uneven), 1, limit);
        Assert.InRange(balances.Count(b => b.Verdict == Verdict.EvenerThanRandom), 0, limit);
    }

    // The probability of the quite even outcome is n! / (n/k)!^k / k^n.
    [Theory]
    [InlineData(2, 250, 0.03566)]
    [InlineData(2, 5_000, 0.00798)]
    [InlineData(3, 20, 0.01363)]
    [InlineData(4, 5, 0.01067)]
    public void Few_endpoints_that_got_the_same_look_like_chance(int endpoints, long each, double probability)
    {
        Balance balance = BalanceAnalysis.Measure([.. Enumerable.Repeat(each, endpoints)]);

        Assert.Equal((BalanceTest.Exact, Verdict.ConsistentWithRandom), (balance.Test, balance.Verdict));
        Assert.Equal(probability, balance.PLower, 0.00001);
    }

    [Fact]
    public void A_simulated_verdict_repeats_and_names_its_seed()
    {
        long[] counts = Spreads.Draw(new Random(6), 50, 100);

        var first = BalanceAnalysis.Measure(counts);

        Assert.Equal(first, BalanceAnalysis.Measure(counts));
        Assert.Equal(BalanceOptions.DefaultSeed, first.Seed);
        Assert.Equal(20_000, first.Simulations);
        Assert.NotEqual(first.PUpper, BalanceAnalysis.Measure(counts, options: new BalanceOptions { Seed = 7 }).PUpper);
    }

    [Fact]
    public void Small_samples_still_find_the_obvious()
    {
        long[] one = new long[100], even = new long[100];
        one[17] = 50;
        Array.Fill(even, 3);

        Assert.Equal(Verdict.Uneven, BalanceAnalysis.Measure(one).Verdict);
        Assert.Equal(Verdict.EvenerThanRandom, BalanceAnalysis.Measure(even).Verdict);
    }

    [Theory]
    [InlineData(50, 100, 20_000)]
    [InlineData(4_999, 1_000, 20_000)]
    [InlineData(499_999, 100_000, 2_000)] // 20/α: ten in each critical tail
    public void Simulations_are_as_many_as_a_second_allows(int connections, int endpoints, int simulations)
    {
        double[] shares = [.. Enumerable.Repeat(1.0 / endpoints, endpoints)];

        Assert.Equal(simulations, new MultinomialSimulation(connections, shares, seed: 8).Affordable(20_000, alpha: 0.01));
    }

    [Fact]
    public void A_million_connections_with_one_rare_endpoint_are_simulated_too()
    {
        double[] shares = [1e-6, .. Enumerable.Repeat((1 - 1e-6) / 99, 99)];
        var options = new BalanceOptions { Simulations = 500 };

        Assert.Equal(Verdict.EvenerThanRandom, BalanceAnalysis.Measure([1, .. Enumerable.Repeat(10_101L, 99)], shares, options).Verdict);
        Assert.Equal(Verdict.Uneven, BalanceAnalysis.Measure([20, .. Enumerable.Repeat(10_101L, 99)], shares, options).Verdict);
    }

    [Fact]
    public void Too_few_simulations_for_alpha_are_refused()
    {
        var error = Assert.Throws<ArgumentOutOfRangeException>(
            () => BalanceAnalysis.Measure(new long[100].Select((_, i) => i % 2L).ToArray(), options: new BalanceOptions { Alpha = 1e-5 }));

        Assert.Equal("Simulations", error.ParamName);
        Assert.Contains("20/α", error.Message, StringComparison.Ordinal);
    }

    private static double Factorial(long n) => n < 2 ? 1 : n * Factorial(n - 1);
}
