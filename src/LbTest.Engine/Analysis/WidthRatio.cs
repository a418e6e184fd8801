using MathNet.Numerics;

namespace LbTest.Engine.Analysis;

/// <summary>How wide one spread is beside another: the ratio of their indices of dispersion χ²/df, each 1 under chance.</summary>
/// <remarks>
/// Two spreads of the same width have a ratio that is F-distributed, be they as wide as chance makes them or alike in anything else (variance
/// ratio test). It needs no endpoint of one to be an endpoint of the other. Where an expected count is below 5, the tails are those of the ratios of
/// pairs of seeded random spreads with the expected shares.
/// </remarks>
internal readonly record struct WidthRatio(BalanceTest Test, double First, double Second, double PNarrower, double PWider)
{
    private const double SmallestExpectedCount = 5;

    /// <summary>The number of simulated pairs; null unless the test is a Monte-Carlo test.</summary>
    public int? Simulations { get; init; }

    /// <summary>Tests the second spread against the first one. Endpoints without an expected share have been left out.</summary>
    public static WidthRatio Of(long[] first, double[] firstShares, long[] second, double[] secondShares, BalanceOptions options)
    {
        long m = first.Sum(), n = second.Sum();
        if (first.Length < 2 || second.Length < 2 || m == 0 || n == 0) return new(BalanceTest.None, 0, 0, PNarrower: 1, PWider: 1);
        double a = Dispersion(GoodnessOfFit.Pearson(first, firstShares, m), first.Length), b = Dispersion(GoodnessOfFit.Pearson(second, secondShares, n), second.Length);
        if (m * firstShares.Min() < SmallestExpectedCount || n * secondShares.Min() < SmallestExpectedCount)
        {
            var x = new MultinomialSimulation(m, firstShares, options.Seed ?? BalanceOptions.DefaultSeed);
            var y = new MultinomialSimulation(n, secondShares, (options.Seed ?? BalanceOptions.DefaultSeed) ^ int.MinValue);
            int simulations = Math.Min(x.Affordable(options.Simulations, options.Alpha), y.Affordable(options.Simulations, options.Alpha));
            (double narrower, double wider) = Pairs(x, firstShares, m, y, secondShares, n, a, b, simulations);
            return new(BalanceTest.MonteCarlo, a, b, narrower, wider) { Simulations = simulations };
        }

        // Two spreads without any deviation are equally wide.
        if (a == 0 && b == 0) return new(BalanceTest.FRatio, a, b, PNarrower: 1, PWider: 1);
        double df1 = second.Length - 1, df2 = first.Length - 1, share = df1 * b / ((df1 * b) + (df2 * a));
        return new(BalanceTest.FRatio, a, b, SpecialFunctions.BetaRegularized(df1 / 2, df2 / 2, share), SpecialFunctions.BetaRegularized(df2 / 2, df1 / 2, 1 - share));
    }

    private static double Dispersion(double chiSquare, int endpoints) => chiSquare / (endpoints - 1);

    private static (double Narrower, double Wider) Pairs(
        MultinomialSimulation x, double[] xShares, long m, MultinomialSimulation y, double[] yShares, long n, double a, double b, int simulations)
    {
        var (xStatistic, yStatistic) = (new ScaledSquares(xShares), new ScaledSquares(yShares));
        var (xCounts, yCounts) = (new long[xShares.Length], new long[yShares.Length]);
        int narrower = 1, wider = 1;
        for (int i = 0; i < simulations; i++)
        {
            double p = Of(x.Draw(xCounts, xStatistic), xShares.Length, m), q = Of(y.Draw(yCounts, yStatistic), yShares.Length, n);
            // q/p against b/a, without dividing by a spread that has no deviation; ties count in both.
            double drawn = q * a, observed = p * b;
            bool tied = Math.Abs(drawn - observed) <= 1e-9 * Math.Max(drawn, observed);
            if (tied || drawn < observed) narrower++;
            if (tied || drawn > observed) wider++;
        }

        return (narrower / (simulations + 1.0), wider / (simulations + 1.0));

        // χ² = (k / n) T − n; what rounding leaves of nothing is nothing.
        static double Of(double statistic, int endpoints, long connections)
        {
            double chiSquare = ((double)endpoints / connections * statistic) - connections;
            return chiSquare <= 1e-12 * connections ? 0 : Dispersion(chiSquare, endpoints);
        }
    }
}
