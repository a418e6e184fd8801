using MathNet.Numerics;

namespace LbTest.Engine.Analysis;

/// <summary>The outcome of a two-sided goodness-of-fit test.</summary>
internal readonly record struct GoodnessOfFit(BalanceTest Test, double ChiSquare, double PLower, double PUpper)
{
    /// <summary>Below this expected count on any endpoint, the χ² distribution is no longer trusted (Cochran 1954).</summary>
    private const double SmallestExpectedCount = 5;

    // Over so few endpoints chance often comes out quite even: 250 to 250 with 3.6 %, 5 each on four with 1.1 %. The χ² distribution takes that for impossible, and it would be called evener
    // than chance. Over five endpoints with 5 connections each it is 0.2 %, and ever less with more of either.
    private const int FewEndpoints = 4;

    /// <summary>The number of simulated outcomes; null unless the test is a Monte-Carlo test.</summary>
    public int? Simulations { get; init; }

    /// <summary>Tests counts against positive shares that sum to 1, with the test that fits their size.</summary>
    public static GoodnessOfFit Of(long[] counts, double[] shares, long connections, BalanceOptions options)
    {
        double chiSquare = Pearson(counts, shares, connections);
        bool few = counts.Length <= FewEndpoints && MultinomialEnumeration.IsSmall(connections, counts.Length);
        if (!few && connections * shares.Min() >= SmallestExpectedCount)
        {
            double halfDf = (counts.Length - 1) / 2.0;
            return new(
                BalanceTest.ChiSquare,
                chiSquare,
                SpecialFunctions.GammaLowerRegularized(halfDf, chiSquare / 2),
                SpecialFunctions.GammaUpperRegularized(halfDf, chiSquare / 2));
        }

        var statistic = new ScaledSquares(shares);
        double observed = statistic.Of(counts);
        if (MultinomialEnumeration.IsSmall(connections, counts.Length))
        {
            var (lower, upper) = MultinomialEnumeration.Tails(connections, shares, statistic, observed);
            return new(BalanceTest.Exact, chiSquare, lower, upper);
        }

        var simulation = new MultinomialSimulation(connections, shares, options.Seed ?? BalanceOptions.DefaultSeed);
        int simulations = simulation.Affordable(options.Simulations, options.Alpha);
        var (low, high) = simulation.Tails(statistic, observed, simulations);
        return new(BalanceTest.MonteCarlo, chiSquare, low, high) { Simulations = simulations };
    }

    /// <summary>Pearson's statistic.</summary>
    public static double Pearson(long[] counts, double[] shares, long connections)
    {
        double sum = 0;
        for (int i = 0; i < counts.Length; i++)
        {
            double expected = connections * shares[i], difference = counts[i] - expected;
            sum += difference * difference / expected;
        }

        return sum;
    }
}
