namespace LbTest.Engine.Analysis;

/// <summary>What comparing two spreads says.</summary>
public enum ComparisonVerdict
{
    /// <summary>Neither the endpoints' shares nor the width differ by more than chance explains.</summary>
    SameSpread,

    /// <summary>Endpoints' shares differ, or one spread is wider, by more than chance explains.</summary>
    DifferentSpread,

    /// <summary>There was nothing to compare.</summary>
    Undetermined,
}

/// <summary>One spread beside another, the reference: whether they differ by more than chance explains, and how.</summary>
/// <remarks>
/// Two questions, each at α/2, so that two spreads of one kind are called different with a probability of at most α. Do the endpoints
/// have the same <b>shares</b> in both (homogeneity χ², upper tail)? Is one <b>wider</b> than the other (variance ratio, both tails)? The first alone does
/// not see that round robin gives every endpoint exactly as many as chance gives it on average.
/// </remarks>
public sealed record SpreadComparison
{
    /// <summary>The answer.</summary>
    public required ComparisonVerdict Verdict { get; init; }

    /// <summary>The probability that two spreads of one kind are called different, at most.</summary>
    public required double Alpha { get; init; }

    /// <summary>The reference by itself.</summary>
    public required Balance ReferenceBalance { get; init; }

    /// <summary>The other one by itself.</summary>
    public required Balance Balance { get; init; }

    /// <summary>How many endpoints were compared one by one: those of the same name in both. Below 2, shares cannot be compared.</summary>
    public required int Matched { get; init; }

    /// <summary>Endpoints that only the reference has. They take no part in the comparison of shares.</summary>
    public ImmutableArray<string> ReferenceOnly { get; init; } = [];

    /// <summary>Endpoints that only the other one has. They take no part in the comparison of shares.</summary>
    public ImmutableArray<string> ResultOnly { get; init; } = [];

    /// <summary>Whether the endpoints' shares differ; null where they could not be compared.</summary>
    public bool? SharesDiffer { get; init; }

    /// <summary>Where the tail probabilities of the shares come from.</summary>
    public BalanceTest SharesTest { get; init; } = BalanceTest.None;

    /// <summary>The homogeneity χ² of the shares, 0 or more.</summary>
    public double ChiSquare { get; init; }

    /// <summary>Endpoints compared that got anything, less one.</summary>
    public int DegreesOfFreedom { get; init; }

    /// <summary>The probability that two random spreads with the same shares agree as closely as these or more so, 0 to 1. A small one is no difference.</summary>
    public double PCloser { get; init; } = 1;

    /// <summary>The probability that two random spreads with the same shares are as far apart as these or more so, 0 to 1.</summary>
    public double PApart { get; init; } = 1;

    /// <summary>
    /// Whether one spread is wider than the other; false also where both are more even than chance: how much a scheduler's own spread varies from run to
    /// run chance does not tell. Null where they could not be compared.
    /// </summary>
    public bool? WidthDiffers { get; init; }

    /// <summary>Where the tail probabilities of the width come from.</summary>
    public BalanceTest WidthTest { get; init; } = BalanceTest.None;

    /// <summary>The reference's index of dispersion χ²/df: 1 under chance, less is evener.</summary>
    public double ReferenceDispersion { get; init; }

    /// <summary>The other one's.</summary>
    public double Dispersion { get; init; }

    /// <summary>The probability that two spreads of the same width have the other one as narrow beside the reference as here or more so, 0 to 1.</summary>
    public double PNarrower { get; init; } = 1;

    /// <summary>The probability that two spreads of the same width have the other one as wide beside the reference as here or more so, 0 to 1.</summary>
    public double PWider { get; init; } = 1;

    /// <summary>The seed of a Monte-Carlo test; null where there was none.</summary>
    public int? Seed { get; init; }

    /// <summary>
    /// How much more than in the reference a tenth of the endpoints must get for a comparison of this size to find it with 99 % probability (unless the options say
    /// otherwise), as a fraction. Null where even the largest difference is not found so surely. Calculated as if shares were equal in the reference.
    /// </summary>
    public double? DetectableOverweight { get; init; }
}
