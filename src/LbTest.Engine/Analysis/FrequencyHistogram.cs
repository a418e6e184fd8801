using MathNet.Numerics;

namespace LbTest.Engine.Analysis;

/// <summary>How many endpoints got a number of connections in a range, beside how many would by chance.</summary>
/// <param name="First">The fewest connections of the range, 0 or more.</param>
/// <param name="Last">The most; null for a range without end.</param>
/// <param name="Endpoints">Endpoints that got so many.</param>
/// <param name="Expected">Endpoints that would by chance, on average.</param>
public sealed record FrequencyBin(long First, long? Last, int Endpoints, double Expected)
{
    /// <summary>The range in words: <c>75</c>, <c>75–79</c>, <c>≤ 74</c>, <c>≥ 130</c>.</summary>
    public string Name => Last is null ? FormattableString.Invariant($"≥ {First:N0}")
        : First == Last ? FormattableString.Invariant($"{First:N0}")
        : First == 0 && OpenBelow ? FormattableString.Invariant($"≤ {Last:N0}") : FormattableString.Invariant($"{First:N0}–{Last:N0}");

    /// <summary>True when it stands for all that is below the ranges of equal width.</summary>
    internal bool OpenBelow { get; init; }
}

/// <summary>Frequencies of connections per endpoint against what independent random choices give.</summary>
public static class FrequencyHistogram
{
    // Beyond five standard deviations chance has one endpoint in two million.
    private const double Reach = 5;

    /// <summary>Counts endpoints by ranges of connections, all of the same width but an open first and last one where outliers would flatten the rest.</summary>
    /// <param name="counts">Connections per endpoint, with a 0 for every endpoint that exists but got nothing.</param>
    /// <param name="shares">The expected part of each endpoint, in the order of the counts, summing to 1; null for equal parts.</param>
    /// <param name="mostBins">No more ranges than this, 4 or more; the open ones come on top.</param>
    /// <returns>The ranges, ascending and without gaps; empty when there are no endpoints.</returns>
    /// <remarks>
    /// By chance the count of an endpoint is binomial with n and pᵢ, so a range expects Σᵢ P(first ≤ Binomial(n, pᵢ) ≤ last) endpoints
    /// (the mean of a Poisson binomial). P(X ≤ k) is the regularised incomplete beta function I₁₋ₚ(n − k, k + 1).
    /// </remarks>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="mostBins"/> is below 4.</exception>
    public static ImmutableArray<FrequencyBin> Of(IReadOnlyList<long> counts, IReadOnlyList<double>? shares = null, int mostBins = 40)
    {
        ArgumentNullException.ThrowIfNull(counts);
        Require.AtLeast(mostBins, 4, nameof(mostBins));
        if (counts.Count == 0) return [];
        long n = counts.Sum(), least = counts.Min(), most = counts.Max();
        // Endpoints of one share are alike, and shares are few.
        (double P, int Endpoints)[] groups = [.. (shares ?? [.. counts.Select(_ => 1.0 / counts.Count)]).CountBy(p => p).Select(group => (group.Key, group.Value))];
        (long chanceLeast, long chanceMost, double deviation) = ByChance(n, groups);
        (long from, long to) = (Math.Min(least, chanceLeast), Math.Max(most, chanceMost));
        long width = Width(from, to, mostBins);
        if (width > Math.Max(1, deviation)) width = Width(from = chanceLeast, to = chanceMost, mostBins);
        from -= from % width;

        var bins = ImmutableArray.CreateBuilder<FrequencyBin>();
        if (least < from) bins.Add(Bin(0, from - 1) with { OpenBelow = true });
        for (long first = from; first <= to; first += width) bins.Add(Bin(first, first + width - 1));
        if (most > bins[^1].Last) bins.Add(Bin(bins[^1].Last!.Value + 1, null));
        return bins.ToImmutable();

        FrequencyBin Bin(long first, long? last) => new(first, last, counts.Count(c => c >= first && c <= (last ?? long.MaxValue)),
            groups.Sum(g => g.Endpoints * (AtMost(last ?? n, n, g.P) - AtMost(first - 1, n, g.P))));
    }

    // Where the counts of nearly all endpoints would lie, and the smallest standard deviation of a share.
    private static (long Least, long Most, double Deviation) ByChance(long n, (double P, int Endpoints)[] groups)
    {
        (double P, double Deviation)[] expecting = [.. groups.Where(g => g.P > 0).Select(g => (g.P, Math.Sqrt(n * g.P * (1 - g.P))))];
        return expecting.Length == 0 ? (0, 0, 0) : (
            (long)Math.Max(0, expecting.Min(e => Math.Floor((n * e.P) - (Reach * e.Deviation)))),
            (long)Math.Min(n, expecting.Max(e => Math.Ceiling((n * e.P) + (Reach * e.Deviation)))), expecting.Min(e => e.Deviation));
    }

    private static double AtMost(long k, long n, double p) => k < 0 ? 0 : k >= n || p <= 0 ? 1 : p >= 1 ? 0 : SpecialFunctions.BetaRegularized(n - k, k + 1, 1 - p);

    // 1, 2 or 5 times a power of ten.
    private static long Width(long from, long to, int mostBins)
    {
        for (long power = 1; ; power *= 10)
        {
            foreach (long width in new[] { power, 2 * power, 5 * power })
            {
                if ((to / width) - (from / width) < mostBins) return width;
            }
        }
    }
}
