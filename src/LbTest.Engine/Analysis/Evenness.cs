namespace LbTest.Engine.Analysis;

/// <summary>Measures of how even counts are, each scaled by its expectation, and what chance gives for them.</summary>
internal sealed record Evenness(
    double StandardDeviation, double ExpectedStandardDeviation, double JainIndex, double ExpectedJainIndex, double Gini, double MaxToMean)
{
    /// <summary>Jain's index is 1 / (1 + cv²), but only cv itself keeps its digits near 0.</summary>
    public required double CoefficientOfVariation { get; init; }

    /// <summary>Measures counts against positive shares; connections that never were are perfectly even.</summary>
    public static Evenness Of(long[] counts, double[] shares, long connections)
    {
        int k = counts.Length;
        if (connections == 0)
            return new Evenness(0, 0, 1, 1, 0, 0) { CoefficientOfVariation = 0 };

        var scaled = new double[k];
        for (int i = 0; i < k; i++)
            scaled[i] = counts[i] / (k * shares[i]);
        Array.Sort(scaled);

        double sum = scaled.Sum(), mean = sum / k;
        double variance = scaled.Sum(s => (s - mean) * (s - mean)) / k;
        double cv = Math.Sqrt(variance) / mean;

        // cᵢ is binomial with variance n pᵢ (1 − pᵢ), so cᵢ / (k pᵢ) has mean n / k and variance n (1 − pᵢ) / (k² pᵢ).
        double expectedMean = (double)connections / k;
        double expectedVariance = shares.Sum(p => connections * (1 - p) / ((double)k * k * p)) / k;

        return new Evenness(
            Math.Sqrt(variance),
            Math.Sqrt(expectedVariance),
            1 / (1 + cv * cv),
            expectedMean * expectedMean / (expectedMean * expectedMean + expectedVariance),
            GiniOf(scaled, sum),
            scaled[^1] / mean)
        {
            CoefficientOfVariation = cv,
        };
    }

    /// <summary>Half the mean absolute difference relative to the mean, from sorted values (G = Σ (2i − k − 1) sᵢ / (k Σ s)).</summary>
    private static double GiniOf(double[] sorted, double sum)
    {
        int k = sorted.Length;
        double weighted = 0;
        for (int i = 0; i < k; i++)
            weighted += (2.0 * i + 1 - k) * sorted[i];
        return Math.Max(0, weighted / (k * sum));
    }
}
