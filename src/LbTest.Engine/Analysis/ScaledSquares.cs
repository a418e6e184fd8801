namespace LbTest.Engine.Analysis;

/// <summary>
/// The statistic T = Σ cᵢ² / (k pᵢ). As χ² = (k / n) T − n, it orders outcomes of the same n as χ² does, and one more connection on an
/// endpoint changes it by one addition. With equal shares it is the sum of squares.
/// </summary>
internal sealed class ScaledSquares(double[] shares)
{
    /// <summary>Outcomes this close count as tied: far above rounding, far below the step between different outcomes.</summary>
    private const double RelativeTolerance = 1e-10;

    private readonly double[] _weights = [.. shares.Select(p => 1 / (shares.Length * p))];

    /// <summary>The statistic of one outcome.</summary>
    public double Of(long[] counts)
    {
        double sum = 0;
        for (int i = 0; i < counts.Length; i++)
            sum += Change(i, 0, counts[i]);
        return sum;
    }

    /// <summary>By how much the statistic grows when a count changes.</summary>
    public double Change(int endpoint, long from, long to) => _weights[endpoint] * (to - from) * (to + from);

    /// <summary>Compares two values of the statistic: negative, 0 for a tie, or positive.</summary>
    public static int Compare(double value, double observed) =>
        Math.Abs(value - observed) <= RelativeTolerance * observed ? 0 : value.CompareTo(observed);
}
