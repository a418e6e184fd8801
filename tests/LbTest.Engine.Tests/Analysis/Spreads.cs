namespace LbTest.Engine.Tests.Analysis;

/// <summary>Random spreads, drawn one connection at a time with another generator than the analysis has.</summary>
internal static class Spreads
{
    /// <summary>
    /// Counts of <paramref name="connections"/> over equal endpoints, of which the first tenth has <paramref name="overweight"/> more.
    /// </summary>
    public static long[] Draw(Random random, int connections, int endpoints, double overweight = 0)
    {
        var counts = new long[endpoints];
        int heavy = endpoints / 10;
        double heavyPart = 0.1 * (1 + overweight);
        for (int i = 0; i < connections; i++)
        {
            if (overweight == 0)
                counts[random.Next(endpoints)]++;
            else
                counts[random.NextDouble() < heavyPart ? random.Next(heavy) : random.Next(heavy, endpoints)]++;
        }

        return counts;
    }

    /// <summary>Asserts that a share of runs is what a probability gives, within four standard errors.</summary>
    public static void AssertShare(int hits, int runs, double probability)
    {
        double share = (double)hits / runs, sigma = Math.Sqrt(probability * (1 - probability) / runs);
        Assert.InRange(share, probability - 4 * sigma, probability + 4 * sigma);
    }
}
