namespace LbTest.Engine.Analysis;

/// <summary>Tests how connections were spread over endpoints against what chance would give.</summary>
public static class BalanceAnalysis
{
    private const double ShareTolerance = 1e-9;

    /// <summary>Measures a spread and gives a two-sided verdict.</summary>
    /// <param name="counts">Connections per endpoint, each 0 or more, with a 0 for every endpoint that exists but got nothing.</param>
    /// <param name="shares">The expected part of each endpoint, in the order of the counts, summing to 1; null for equal parts.</param>
    /// <param name="options">How to test; null for the defaults.</param>
    /// <param name="label">What to call the result.</param>
    /// <returns>The measures, their expectation under chance, and the verdict.</returns>
    /// <remarks>
    /// Pearson's χ² statistic, each tail compared with α/2, so that chance is called anything else with probability α. Where an expected
    /// count is below 5, the tails are those of the exact multinomial distribution if there are at most 200,000 outcomes, else
    /// of seeded random outcomes. A connection on an endpoint whose share is 0 makes a spread uneven without any test.
    /// </remarks>
    /// <exception cref="ArgumentException">A count is negative, or the shares do not fit the counts or do not sum to 1.</exception>
    public static Balance Measure(
        IReadOnlyList<long> counts, IReadOnlyList<double>? shares = null, BalanceOptions? options = null, string? label = null)
    {
        ArgumentNullException.ThrowIfNull(counts);
        options ??= new BalanceOptions();
        Validate(counts, shares);

        bool Expects(int i) => shares is null || shares[i] > 0;
        int[] expecting = [.. Enumerable.Range(0, counts.Count).Where(Expects)];
        int k = expecting.Length;
        long[] seen = [.. expecting.Select(i => counts[i])];
        double[] parts = [.. expecting.Select(i => shares is null ? 1.0 / k : shares[i])];
        long connections = counts.Sum(), expected = seen.Sum();

        var evenness = Evenness.Of(seen, parts, expected);
        var fit = Test(seen, parts, expected, connections, options);
        var balance = new Balance
        {
            Label = label,
            Connections = connections,
            Endpoints = counts.Count,
            Verdict = VerdictOf(fit, connections > expected, options.Alpha),
            Test = fit.Test,
            Alpha = options.Alpha,
            PLower = fit.PLower,
            PUpper = fit.PUpper,
            Seed = fit.Test == BalanceTest.MonteCarlo ? options.Seed ?? BalanceOptions.DefaultSeed : null,
            Simulations = fit.Simulations,
            ChiSquare = fit.ChiSquare,
            DegreesOfFreedom = Math.Max(0, k - 1),
            Minimum = seen.DefaultIfEmpty().Min(),
            Maximum = seen.DefaultIfEmpty().Max(),
            Mean = k == 0 ? 0 : (double)expected / k,
            StandardDeviation = evenness.StandardDeviation,
            ExpectedStandardDeviation = evenness.ExpectedStandardDeviation,
            CoefficientOfVariation = evenness.CoefficientOfVariation,
            JainIndex = evenness.JainIndex,
            ExpectedJainIndex = evenness.ExpectedJainIndex,
            Gini = evenness.Gini,
            MaxToMean = evenness.MaxToMean,
            EmptyEndpoints = seen.Count(c => c == 0),
            DetectableOverweight = fit.Test == BalanceTest.None
                ? null
                : SampleSize.DetectableOverweight(connections, k, options.OverweightPower, options.Alpha, options.OverweightFraction),
        };
        balance = balance with { RoundRobinPromiseKept = RoundRobinKept(balance, parts, options) };
        return balance with { Explanation = Explanation.Of(balance, connections - expected, options) };
    }

    private static GoodnessOfFit Test(long[] seen, double[] parts, long expected, long connections, BalanceOptions options)
    {
        // What chance never does needs no test; its χ² would be infinite, so that of the other endpoints stands in.
        if (connections > expected)
            return new(BalanceTest.None, expected == 0 ? 0 : GoodnessOfFit.Pearson(seen, parts, expected), PLower: 1, PUpper: 0);
        return seen.Length < 2 || expected == 0
            ? new(BalanceTest.None, 0, PLower: 1, PUpper: 1)
            : GoodnessOfFit.Of(seen, parts, expected, options);
    }

    private static Verdict VerdictOf(GoodnessOfFit fit, bool impossible, double alpha) =>
        impossible ? Verdict.Uneven
        : fit.Test == BalanceTest.None ? Verdict.Undetermined
        : fit.PUpper <= alpha / 2 ? Verdict.Uneven
        : fit.PLower <= alpha / 2 ? Verdict.EvenerThanRandom
        : Verdict.ConsistentWithRandom;

    private static bool? RoundRobinKept(Balance balance, double[] parts, BalanceOptions options) =>
        options.RoundRobinEntries is { } entries && balance.Connections > 0 && parts.Length > 0
            && parts.Max() - parts.Min() <= ShareTolerance
            ? balance.Maximum - balance.Minimum <= entries
            : null;

    private static void Validate(IReadOnlyList<long> counts, IReadOnlyList<double>? shares)
    {
        if (counts.Any(c => c < 0))
            throw new ArgumentException($"A count is {counts.Min()}. Counts of connections must be 0 or more.", nameof(counts));
        if (shares is null)
            return;
        if (shares.Count != counts.Count)
        {
            throw new ArgumentException(
                $"There are {shares.Count} shares for {counts.Count} counts. Give one share per endpoint.", nameof(shares));
        }

        if (!shares.All(p => p >= 0) || !(Math.Abs(shares.Sum() - 1) <= ShareTolerance))
        {
            throw new ArgumentException(FormattableString.Invariant(
                $"The shares sum to {shares.Sum()}, the least is {shares.DefaultIfEmpty().Min()}. ")
                + "Give shares of 0 or more that sum to 1: divide each weight by the sum of the weights.", nameof(shares));
        }
    }
}
