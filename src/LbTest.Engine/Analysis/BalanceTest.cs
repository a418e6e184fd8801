namespace LbTest.Engine.Analysis;

/// <summary>How the tail probabilities of a <see cref="Balance"/> were obtained.</summary>
public enum BalanceTest
{
    /// <summary>Pearson's χ² goodness-of-fit test against the χ² distribution; every expected count is 5 or more.</summary>
    ChiSquare,

    /// <summary>The χ² statistic of every possible outcome, weighted with its multinomial probability.</summary>
    Exact,

    /// <summary>The χ² statistic of seeded random multinomial outcomes.</summary>
    MonteCarlo,

    /// <summary>No test was needed or possible.</summary>
    None,
}
