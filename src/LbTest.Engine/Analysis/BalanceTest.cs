namespace LbTest.Engine.Analysis;

/// <summary>How the tail probabilities of a <see cref="Balance"/> or a <see cref="SpreadComparison"/> were obtained.</summary>
public enum BalanceTest
{
    /// <summary>Pearson's χ² statistic (of the goodness of fit, or of homogeneity) against the χ² distribution; every expected count is 5 or more.</summary>
    ChiSquare,

    /// <summary>The χ² statistic of every possible outcome, weighted with its multinomial probability.</summary>
    Exact,

    /// <summary>The ratio of two spreads' χ²/df against the F distribution; every expected count is 5 or more.</summary>
    FRatio,

    /// <summary>The statistic of seeded random outcomes.</summary>
    MonteCarlo,

    /// <summary>No test was needed or possible.</summary>
    None,
}
