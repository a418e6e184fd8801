namespace LbTest.Engine.Analysis;

/// <summary>
/// How evenly connections were spread over endpoints, beside what chance alone would give, and the verdict of a two-sided test.
/// </summary>
/// <remarks>
/// Endpoints whose expected share is 0 take no part in the measures. With unequal shares the evenness measures (standard deviation,
/// coefficient of variation, Jain, Gini, maximum to mean) and their expectations are those of the scaled counts cᵢ / (k pᵢ), where
/// k is the number of endpoints with a share pᵢ; with equal shares these are the counts themselves.
/// </remarks>
public sealed record Balance
{
    /// <summary>What the measured result is called; null if it has no name.</summary>
    public string? Label { get; init; }

    /// <summary>The number of connections, on all endpoints.</summary>
    public required long Connections { get; init; }

    /// <summary>The number of endpoints that exist, those that got nothing and those with an expected share of 0 included.</summary>
    public required int Endpoints { get; init; }

    /// <summary>What the test says.</summary>
    public required Verdict Verdict { get; init; }

    /// <summary>Where the tail probabilities come from.</summary>
    public required BalanceTest Test { get; init; }

    /// <summary>The probability that a truly random spread is called anything else; each tail is compared with half of it.</summary>
    public required double Alpha { get; init; }

    /// <summary>The probability that chance gives a spread as even as this one or more so, 0 to 1.</summary>
    public required double PLower { get; init; }

    /// <summary>The probability that chance gives a spread as uneven as this one or more so, 0 to 1.</summary>
    public required double PUpper { get; init; }

    /// <summary>The seed of a Monte-Carlo test, else null.</summary>
    public int? Seed { get; init; }

    /// <summary>The number of outcomes that a Monte-Carlo test drew, else null.</summary>
    public int? Simulations { get; init; }

    /// <summary>Pearson's statistic Σ (cᵢ − n pᵢ)² / (n pᵢ), 0 or more; without connections on endpoints that have no share.</summary>
    public required double ChiSquare { get; init; }

    /// <summary>The number of endpoints with a share, less one.</summary>
    public required int DegreesOfFreedom { get; init; }

    /// <summary>The fewest connections that an endpoint with a share got.</summary>
    public required long Minimum { get; init; }

    /// <summary>The most connections that an endpoint with a share got.</summary>
    public required long Maximum { get; init; }

    /// <summary>Connections per endpoint with a share.</summary>
    public required double Mean { get; init; }

    /// <summary>The population standard deviation of the (scaled) counts, in connections.</summary>
    public required double StandardDeviation { get; init; }

    /// <summary>
    /// What chance gives for <see cref="StandardDeviation"/>, in connections: √(n p (1 − p)), which with unequal shares is
    /// the root of the mean of n (1 − pᵢ) / (k² pᵢ), the variances of the scaled counts.
    /// </summary>
    public required double ExpectedStandardDeviation { get; init; }

    /// <summary>The standard deviation as a fraction of the mean; 0 where there are no connections.</summary>
    public required double CoefficientOfVariation { get; init; }

    /// <summary>
    /// Jain's fairness index (Σ s)² / (k Σ s²), 1/k to 1, where 1 is perfectly even or without any connection
    /// (Jain, Chiu, Hawe: DEC-TR-301, 1984).
    /// </summary>
    public required double JainIndex { get; init; }

    /// <summary>
    /// About what chance gives for <see cref="JainIndex"/>: mean² / (mean² + variance) with the mean and variance that chance gives.
    /// </summary>
    public required double ExpectedJainIndex { get; init; }

    /// <summary>The Gini coefficient, 0 (perfectly even) to 1 − 1/k (everything on one endpoint).</summary>
    public required double Gini { get; init; }

    /// <summary>The largest (scaled) count as a multiple of the mean, 1 to k; 0 where there are no connections.</summary>
    public required double MaxToMean { get; init; }

    /// <summary>The number of endpoints with a share that got nothing.</summary>
    public required int EmptyEndpoints { get; init; }

    /// <summary>
    /// The overweight of a tenth of the endpoints that a test of this size finds with 99 % probability (unless the options say
    /// otherwise), as a fraction: 0.28 is 28 % more than their share. Null where even the largest possible one is not found so surely.
    /// Calculated as if shares were equal; an approximation where expected counts are small. See <see cref="SampleSize"/>.
    /// </summary>
    public double? DetectableOverweight { get; init; }

    /// <summary>
    /// Whether maximum − minimum is within what round robin promises. Null where the options promise nothing, shares are unequal,
    /// or there are no connections.
    /// </summary>
    public bool? RoundRobinPromiseKept { get; init; }

    /// <summary>The verdict and its reasons in a few plain sentences.</summary>
    public string Explanation { get; init; } = "";
}
