using MathNet.Numerics;
using MathNet.Numerics.Random;

namespace LbTest.Engine.Analysis;

/// <summary>The χ² test of homogeneity: do two spreads over the same endpoints come from the same shares, whatever those are?</summary>
/// <remarks>
/// A 2 × k table with k − 1 degrees of freedom; endpoints that got nothing in either say nothing and are left out. The upper tail says that
/// shares differ. The lower tail says that the spreads agree more closely than two random ones would, as those of round robin do: it is
/// no difference. Where an expected count is below 5, the tails are those of seeded random divisions of all connections into two sets
/// of the sizes there were, which is the distribution given the margins (Fisher's exact test by simulation).
/// </remarks>
internal readonly record struct Homogeneity(BalanceTest Test, double ChiSquare, int DegreesOfFreedom, double PLower, double PUpper)
{
    // Cochran 1954, as for the goodness of fit.
    private const double SmallestExpectedCount = 5;

    /// <summary>The number of simulated divisions; null unless the test is a Monte-Carlo test.</summary>
    public int? Simulations { get; init; }

    /// <summary>Tests counts of the same endpoints in the same order.</summary>
    public static Homogeneity Of(IReadOnlyList<long> first, IReadOnlyList<long> second, BalanceOptions options)
    {
        int[] used = [.. Enumerable.Range(0, first.Count).Where(i => first[i] + second[i] > 0)];
        long[] a = [.. used.Select(i => first[i])], totals = [.. used.Select(i => first[i] + second[i])];
        long m = a.Sum(), all = totals.Sum(), n = all - m;
        int df = Math.Max(0, used.Length - 1);
        if (df == 0 || m == 0 || n == 0) return new(BalanceTest.None, 0, df, PLower: 1, PUpper: 1);

        double chiSquare = 0;
        for (int i = 0; i < a.Length; i++)
        {
            double difference = a[i] - ((double)totals[i] * m / all);
            chiSquare += difference * difference / totals[i];
        }

        // Both cells of an endpoint differ from their expectations by the same: t m / N and t n / N.
        chiSquare *= (double)all / m * all / n;

        if ((double)totals.Min() * Math.Min(m, n) / all >= SmallestExpectedCount)
        {
            return new(BalanceTest.ChiSquare, chiSquare, df,
                SpecialFunctions.GammaLowerRegularized(df / 2.0, chiSquare / 2), SpecialFunctions.GammaUpperRegularized(df / 2.0, chiSquare / 2));
        }

        // The smaller set is quicker drawn, and the statistic is the same from either side.
        if (m > n) (a, m) = ([.. totals.Zip(a, (total, count) => total - count)], n);
        int simulations = MultinomialSimulation.Affordable(m, options.Simulations, options.Alpha);
        (double lower, double upper) = Divisions(a, totals, m, all, simulations, options.Seed ?? BalanceOptions.DefaultSeed);
        return new(BalanceTest.MonteCarlo, chiSquare, df, lower, upper) { Simulations = simulations };
    }

    private static (double Lower, double Upper) Divisions(long[] observed, long[] totals, long size, long all, int simulations, int seed)
    {
        // Σ aᵢ² / tᵢ orders divisions with these margins as χ² does.
        var statistic = new ScaledSquares([.. totals.Select(total => (double)total / all)]);
        double value = statistic.Of(observed);
        int[] endpoints = [.. totals.SelectMany((total, i) => Enumerable.Repeat(i, checked((int)total)))];
        var random = new Xoshiro256StarStar(seed, threadSafe: false);
        var counts = new long[totals.Length];
        int lower = 1, upper = 1;
        for (int simulation = 0; simulation < simulations; simulation++)
        {
            Array.Clear(counts);
            // The first of a shuffled deck (Fisher, Yates); where it was left is as good as any order to go on from.
            for (int i = 0; i < size; i++)
            {
                int j = i + (int)(random.NextDouble() * (endpoints.Length - i));
                (endpoints[i], endpoints[j]) = (endpoints[j], endpoints[i]);
                counts[endpoints[i]]++;
            }

            int order = ScaledSquares.Compare(statistic.Of(counts), value);
            if (order <= 0) lower++;
            if (order >= 0) upper++;
        }

        return (lower / (simulations + 1.0), upper / (simulations + 1.0));
    }
}
