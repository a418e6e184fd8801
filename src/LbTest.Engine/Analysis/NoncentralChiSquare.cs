using MathNet.Numerics;
using MathNet.Numerics.RootFinding;

namespace LbTest.Engine.Analysis;

/// <summary>The χ² distribution that the statistic has when the shares are not the expected ones.</summary>
internal static class NoncentralChiSquare
{
    private const double Accuracy = 1e-11;

    /// <summary>P(X > x) with noncentrality λ, absolutely accurate to about 1e-12.</summary>
    /// <remarks>
    /// X is central χ² with df + 2J degrees of freedom, J Poisson with mean λ/2 (Johnson, Kotz, Balakrishnan: Continuous Univariate
    /// Distributions 2, 1995, chapter 29). Summed upwards over the J that matter: there all recurrences only add positive terms.
    /// </remarks>
    public static double UpperTail(double x, int df, double noncentrality)
    {
        double mean = noncentrality / 2, y = x / 2;
        double j = Math.Max(0, Math.Floor(mean - 9 * Math.Sqrt(mean))), a = df / 2.0 + j;
        double tail = SpecialFunctions.GammaUpperRegularized(a, y);
        if (mean == 0 || tail > 1 - 1e-15)
            return tail;

        double weight = Math.Exp(j * Math.Log(mean) - mean - SpecialFunctions.GammaLn(j + 1));
        double step = Math.Exp(a * Math.Log(y) - y - SpecialFunctions.GammaLn(a + 1));
        double sum = 0;
        for (; j <= mean || weight > 1e-18; j++, a++)
        {
            sum += weight * tail;
            tail += step; // Q(a + 1, y) = Q(a, y) + yᵃ e⁻ʸ / Γ(a + 1), Abramowitz and Stegun 6.5.21
            step *= y / (a + 1);
            weight *= mean / (j + 1);
        }

        return Math.Min(1, sum);
    }

    /// <summary>The x that a central χ² variate exceeds with probability <paramref name="tail"/>, at most one half.</summary>
    public static double CriticalValue(int df, double tail)
    {
        // P(X ≥ df + 2 √(df t) + 2t) ≤ e⁻ᵗ (Laurent, Massart: Annals of Statistics 28, 2000, lemma 1).
        double t = -Math.Log(tail), highest = df + 2 * Math.Sqrt(df * t) + 2 * t;
        return Brent.FindRoot(x => Math.Log(SpecialFunctions.GammaUpperRegularized(df / 2.0, x / 2)) + t, 0, highest, Accuracy);
    }

    /// <summary>The noncentrality with which a variate exceeds <paramref name="x"/> with probability <paramref name="power"/>.</summary>
    public static double NoncentralityFor(double x, int df, double power)
    {
        if (UpperTail(x, df, 0) >= power)
            return 0;
        double highest = x;
        while (UpperTail(x, df, highest) < power)
            highest *= 2;
        return Brent.FindRoot(noncentrality => UpperTail(x, df, noncentrality) - power, 0, highest, Accuracy);
    }
}
