using MathNet.Numerics;

namespace LbTest.Engine.Analysis;

/// <summary>The exact multinomial test: every way to spread n connections over k endpoints, with its probability.</summary>
internal static class MultinomialEnumeration
{
    private const double LargestNumberOfOutcomes = 200_000;

    /// <summary>Whether there are few enough outcomes, C(n + k − 1, k − 1), to look at each.</summary>
    public static bool IsSmall(long connections, int endpoints)
    {
        long total = connections + endpoints - 1, chosen = Math.Min(connections, endpoints - 1);
        double outcomes = 1;
        for (long i = 1; i <= chosen && outcomes <= LargestNumberOfOutcomes; i++)
            outcomes *= (total - chosen + i) / (double)i;
        return outcomes <= LargestNumberOfOutcomes;
    }

    /// <summary>The probabilities of outcomes whose statistic is at most, and at least, the observed one; ties count in both.</summary>
    /// <remarks>
    /// Walks the compositions of n with NEXCOM (Nijenhuis, Wilf: Combinatorial Algorithms, 2nd ed. 1978, chapter 5), which changes
    /// three counts per step, so that the statistic and the logarithm of the probability are kept up to date rather than recalculated.
    /// </remarks>
    public static (double Lower, double Upper) Tails(long connections, double[] shares, ScaledSquares statistic, double observed)
    {
        var counts = new long[shares.Length];
        double value = 0, logProbability = SpecialFunctions.GammaLn(connections + 1.0);
        Set(0, connections);

        double lower = 0, upper = 0, all = 0;
        int pivot = -1;
        for (long moved = connections; ;)
        {
            double probability = Math.Exp(logProbability);
            int order = ScaledSquares.Compare(value, observed);
            all += probability;
            if (order <= 0) lower += probability;
            if (order >= 0) upper += probability;
            if (counts[^1] == connections)
                return (lower / all, upper / all);

            pivot = moved > 1 ? 0 : pivot + 1;
            moved = counts[pivot];
            Set(pivot, 0);
            Set(0, moved - 1);
            Set(pivot + 1, counts[pivot + 1] + 1);
        }

        void Set(int endpoint, long count)
        {
            long before = counts[endpoint];
            value += statistic.Change(endpoint, before, count);
            logProbability += (count - before) * Math.Log(shares[endpoint])
                + SpecialFunctions.GammaLn(before + 1.0) - SpecialFunctions.GammaLn(count + 1.0);
            counts[endpoint] = count;
        }
    }
}
