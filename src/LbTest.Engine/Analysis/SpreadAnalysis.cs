namespace LbTest.Engine.Analysis;

/// <summary>How connections were spread over endpoints that have names.</summary>
/// <param name="Names">The endpoints, each once.</param>
/// <param name="Counts">Connections per endpoint, in the order of the names, 0 or more.</param>
/// <param name="Shares">The parts they should get, in the same order, summing to 1; null for equal parts.</param>
/// <param name="Listed">True where a cluster said which endpoints exist; false where only those that answered are known.</param>
public sealed record Spread(ImmutableArray<string> Names, ImmutableArray<long> Counts, ImmutableArray<double>? Shares = null, bool Listed = true);

/// <summary>Compares how connections were spread in two tests.</summary>
public static class SpreadAnalysis
{
    /// <summary>Compares a spread with a reference.</summary>
    /// <param name="reference">The reference.</param>
    /// <param name="result">The other one.</param>
    /// <param name="referenceBalance">The reference's balance.</param>
    /// <param name="balance">The other one's.</param>
    /// <param name="options">How to test; null for the defaults.</param>
    /// <remarks>
    /// Shares are compared endpoint by endpoint, matched by name. Endpoints that only one has are left out and named; with fewer than two in common
    /// (pods of another Deployment, for example) only the widths are compared. A test that nobody told which endpoints exist, and that knows none but
    /// the other one's, gave nothing to those that it does not know.
    /// </remarks>
    public static SpreadComparison Compare(Spread reference, Spread result, Balance referenceBalance, Balance balance, BalanceOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(reference);
        ArgumentNullException.ThrowIfNull(result);
        ArgumentNullException.ThrowIfNull(referenceBalance);
        ArgumentNullException.ThrowIfNull(balance);
        options ??= new BalanceOptions();
        Dictionary<string, long> first = Known(reference), second = Known(result);
        string[] firstOnly = [.. reference.Names.Where(name => !second.ContainsKey(name))], secondOnly = [.. result.Names.Where(name => !first.ContainsKey(name))];
        if (!result.Listed && secondOnly.Length == 0) firstOnly = GotNothing(firstOnly, second);
        if (!reference.Listed && firstOnly.Length == 0) secondOnly = GotNothing(secondOnly, first);

        string[] common = [.. first.Keys.Where(second.ContainsKey)];
        var shares = Homogeneity.Of([.. common.Select(name => first[name])], [.. common.Select(name => second[name])], options);
        WidthRatio width = Width(reference, result, referenceBalance, balance, options);
        bool? sharesDiffer = common.Length < 2 || !Any(first, common) || !Any(second, common) ? null : shares.PUpper <= options.Alpha / 2;
        bool? widthDiffers = width.Test == BalanceTest.None ? null
            : !(referenceBalance.Verdict == Verdict.EvenerThanRandom && balance.Verdict == Verdict.EvenerThanRandom) && Math.Min(width.PNarrower, width.PWider) <= options.Alpha / 4;
        return new SpreadComparison
        {
            Verdict = sharesDiffer == true || widthDiffers == true ? ComparisonVerdict.DifferentSpread : (sharesDiffer ?? widthDiffers) is null ? ComparisonVerdict.Undetermined : ComparisonVerdict.SameSpread,
            Alpha = options.Alpha, ReferenceBalance = referenceBalance, Balance = balance, Matched = common.Length, ReferenceOnly = [.. firstOnly], ResultOnly = [.. secondOnly],
            SharesDiffer = sharesDiffer, SharesTest = shares.Test, ChiSquare = shares.ChiSquare, DegreesOfFreedom = shares.DegreesOfFreedom, PCloser = shares.PLower, PApart = shares.PUpper,
            WidthDiffers = widthDiffers, WidthTest = width.Test, ReferenceDispersion = width.First, Dispersion = width.Second, PNarrower = width.PNarrower, PWider = width.PWider,
            Seed = shares.Test == BalanceTest.MonteCarlo || width.Test == BalanceTest.MonteCarlo ? options.Seed ?? BalanceOptions.DefaultSeed : null,
            DetectableOverweight = sharesDiffer is null ? null
                : SampleSize.DetectableDifference(Sum(first, common), Sum(second, common), common.Length, options.OverweightPower, options.Alpha, options.OverweightFraction),
        };
    }

    // Nobody listed them, and all that answered are the other one's too: the rest got nothing.
    private static string[] GotNothing(string[] missing, Dictionary<string, long> counts)
    {
        foreach (string name in missing) counts[name] = 0;
        return [];
    }

    // Where a connection went to an endpoint that should get none, there is no width to speak of.
    private static WidthRatio Width(Spread reference, Spread result, Balance referenceBalance, Balance balance, BalanceOptions options)
    {
        if (referenceBalance.Test == BalanceTest.None || balance.Test == BalanceTest.None) return new WidthRatio(BalanceTest.None, 0, 0, 1, 1);
        (long[] a, double[] p) = Expecting(reference);
        (long[] b, double[] q) = Expecting(result);
        return WidthRatio.Of(a, p, b, q, options);
    }

    private static (long[] Counts, double[] Shares) Expecting(Spread spread)
    {
        if (spread.Shares is not { } shares) return ([.. spread.Counts], [.. Enumerable.Repeat(1.0 / spread.Counts.Length, spread.Counts.Length)]);
        int[] expecting = [.. Enumerable.Range(0, shares.Length).Where(i => shares[i] > 0)];
        return ([.. expecting.Select(i => spread.Counts[i])], [.. expecting.Select(i => shares[i])]);
    }

    private static Dictionary<string, long> Known(Spread spread) =>
        spread.Names.Zip(spread.Counts).ToDictionary(endpoint => endpoint.First, endpoint => endpoint.Second, StringComparer.Ordinal);

    private static bool Any(Dictionary<string, long> counts, string[] names) => Sum(counts, names) > 0;

    private static long Sum(Dictionary<string, long> counts, string[] names) => names.Sum(name => counts[name]);
}
