namespace LbTest.Engine.Analysis;

/// <summary>How large a balance test must be to find an overweight, and what one of a given size finds.</summary>
/// <remarks>
/// An overweight w means that m of k endpoints, m = fk rounded to at least one, together get the part f(1 + w) of all connections, and
/// the others share the rest evenly; so w is at most (1 − f)/f. The χ² statistic is then about noncentral χ² with k − 1 degrees of freedom
/// and λ = n w² f / (1 − f) (Cohen: Statistical Power Analysis for the Behavioral Sciences, 1988, chapter 7).
/// Found means that its upper tail probability is at most α/2.
/// </remarks>
public static class SampleSize
{
    /// <summary>The noncentrality λ of an overweight.</summary>
    /// <param name="n">The number of connections, 0 or more.</param>
    /// <param name="overweight">By how much the endpoints exceed their share, as a fraction: 0.2 is 20 %.</param>
    /// <param name="fraction">The part of the endpoints that is overweight, above 0 and below 1.</param>
    /// <returns>n w² f / (1 − f).</returns>
    /// <exception cref="ArgumentOutOfRangeException">An argument is outside its range.</exception>
    public static double NoncentralityFor(long n, double overweight, double fraction)
    {
        Require.AtLeast(n, 0, nameof(n));
        Require.Fraction(fraction, nameof(fraction), "0.1");
        return n * overweight * overweight * fraction / (1 - fraction);
    }

    /// <summary>The probability that a test finds an overweight.</summary>
    /// <param name="connections">The number of connections, 1 or more.</param>
    /// <param name="endpoints">The number of endpoints, 2 or more.</param>
    /// <param name="overweight">The overweight as a fraction, above 0 and at most (1 − f)/f.</param>
    /// <param name="alpha">The α of the two-sided test, above 0 and below 1.</param>
    /// <param name="fraction">The part of the endpoints that is overweight, above 0 and below 1; rounded to whole endpoints.</param>
    /// <returns>A probability, 0 to 1.</returns>
    /// <exception cref="ArgumentOutOfRangeException">An argument is outside its range.</exception>
    public static double Power(long connections, int endpoints, double overweight, double alpha = 0.01, double fraction = 0.1)
    {
        Require.AtLeast(connections, 1, nameof(connections));
        double f = WholeFraction(endpoints, fraction);
        Require.Overweight(overweight, (1 - f) / f, nameof(overweight));
        return NoncentralChiSquare.UpperTail(
            Limit(endpoints, alpha), endpoints - 1, NoncentralityFor(connections, overweight, f));
    }

    /// <summary>The smallest number of connections with which a test finds an overweight with the wanted probability.</summary>
    /// <param name="endpoints">The number of endpoints, 2 or more.</param>
    /// <param name="overweight">The overweight as a fraction, above 0 and at most (1 − f)/f.</param>
    /// <param name="power">The wanted probability, above 0 and below 1.</param>
    /// <param name="alpha">The α of the two-sided test, above 0 and below 1.</param>
    /// <param name="fraction">The part of the endpoints that is overweight, above 0 and below 1; rounded to whole endpoints.</param>
    /// <returns>A number of connections, 1 or more.</returns>
    /// <exception cref="ArgumentOutOfRangeException">An argument is outside its range.</exception>
    public static long ConnectionsFor(int endpoints, double overweight, double power = 0.99, double alpha = 0.01, double fraction = 0.1)
    {
        double f = WholeFraction(endpoints, fraction);
        Require.Overweight(overweight, (1 - f) / f, nameof(overweight));
        double connections = NeededNoncentrality(endpoints, power, alpha) / NoncentralityFor(1, overweight, f);
        return connections < long.MaxValue
            ? Math.Max(1, (long)Math.Ceiling(connections))
            : throw Require.Error(nameof(overweight), overweight, "No test is large enough for this overweight. Give a larger one.");
    }

    /// <summary>The smallest overweight that a test finds with the wanted probability.</summary>
    /// <param name="connections">The number of connections, 1 or more.</param>
    /// <param name="endpoints">The number of endpoints, 2 or more.</param>
    /// <param name="power">The wanted probability, above 0 and below 1.</param>
    /// <param name="alpha">The α of the two-sided test, above 0 and below 1.</param>
    /// <param name="fraction">The part of the endpoints that is overweight, above 0 and below 1; rounded to whole endpoints.</param>
    /// <returns>The overweight as a fraction, or null where even the largest possible one is not found so surely.</returns>
    /// <exception cref="ArgumentOutOfRangeException">An argument is outside its range.</exception>
    public static double? DetectableOverweight(
        long connections, int endpoints, double power = 0.99, double alpha = 0.01, double fraction = 0.1)
    {
        Require.AtLeast(connections, 1, nameof(connections));
        double f = WholeFraction(endpoints, fraction);
        double overweight = Math.Sqrt(NeededNoncentrality(endpoints, power, alpha) / NoncentralityFor(connections, 1, f));
        return overweight <= (1 - f) / f ? overweight : null;
    }

    /// <summary>
    /// The smallest overweight in one of two spreads, the other one being uniform, that the test of their homogeneity finds with the wanted probability.
    /// </summary>
    /// <remarks>
    /// λ = n₁n₂/(n₁ + n₂) Σ (qᵢ − pᵢ)²/rᵢ with the pooled shares rᵢ (Cohen, chapter 7), which grows with the overweight. Found means that the upper tail
    /// probability is at most α/2.
    /// </remarks>
    internal static double? DetectableDifference(long uniform, long overweighted, int endpoints, double power, double alpha, double fraction)
    {
        double f = WholeFraction(endpoints, fraction), n = (double)uniform + overweighted, part = overweighted / n;
        double needed = NeededNoncentrality(endpoints, power, alpha), low = 0, high = (1 - f) / f;
        if (!(Noncentrality(high) >= needed)) return null;
        while (high - low > 1e-9 * high)
        {
            double middle = (low + high) / 2;
            (low, high) = Noncentrality(middle) >= needed ? (low, middle) : (middle, high);
        }

        return high;

        double Noncentrality(double w)
        {
            // Of a share of 1: the heavy ones have 1 + w, the others 1 − less.
            double less = f * w / (1 - f);
            return uniform * part * ((f * w * w / (1 + (part * w))) + ((1 - f) * less * less / (1 - (part * less))));
        }
    }

    /// <summary>The number of endpoints that is assumed overweight: the fraction in whole endpoints, at least one, never all.</summary>
    internal static int Overweighted(int endpoints, double fraction) =>
        Math.Clamp((int)Math.Round(fraction * endpoints, MidpointRounding.AwayFromZero), 1, endpoints - 1);

    private static double WholeFraction(int endpoints, double fraction)
    {
        Require.AtLeast(endpoints, 2, nameof(endpoints));
        Require.Fraction(fraction, nameof(fraction), "0.1");
        return (double)Overweighted(endpoints, fraction) / endpoints;
    }

    private static double Limit(int endpoints, double alpha) =>
        NoncentralChiSquare.CriticalValue(endpoints - 1, Require.Fraction(alpha, nameof(alpha), "0.01") / 2);

    private static double NeededNoncentrality(int endpoints, double power, double alpha) => NoncentralChiSquare.NoncentralityFor(
        Limit(endpoints, alpha), endpoints - 1, Require.Fraction(power, nameof(power), "0.99"));
}
