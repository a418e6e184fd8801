namespace LbTest.Engine.Analysis;

/// <summary>How <see cref="BalanceAnalysis"/> tests a spread, and what else it checks.</summary>
public sealed record BalanceOptions
{
    /// <summary>The seed of simulations when none is given. It is fixed, so that the same counts always give the same verdict.</summary>
    public const int DefaultSeed = 1;

    /// <summary>
    /// The probability, above 0 and below 1, that a truly random spread is called anything else.
    /// Half of it goes to each tail. 0.01 by default.
    /// </summary>
    public double Alpha
    {
        get;
        init => field = Require.Fraction(value, nameof(Alpha), "0.01");
    } = 0.01;

    /// <summary>The seed of a Monte-Carlo test; <see cref="DefaultSeed"/> where it is null.</summary>
    public int? Seed { get; init; }

    /// <summary>
    /// How many random outcomes a Monte-Carlo test draws, 1 or more; 20,000 by default. For large tests it draws fewer, to stay within
    /// about a second, but not fewer than 20/α. <see cref="Balance.Simulations"/> says how many it drew.
    /// </summary>
    public int Simulations
    {
        get;
        init => field = (int)Require.AtLeast(value, 1, nameof(Simulations));
    } = 20_000;

    /// <summary>
    /// Through how many nodes (1 or more) the connections entered a round-robin scheduler over a stable set of endpoints. Each node's
    /// counts then differ by at most one, so maximum − minimum is at most this number. Null where nothing of the kind is promised.
    /// </summary>
    public int? RoundRobinEntries
    {
        get;
        init => field = value is { } entries ? (int)Require.AtLeast(entries, 1, nameof(RoundRobinEntries)) : null;
    }

    /// <summary>
    /// The probability, above 0 and below 1, with which <see cref="Balance.DetectableOverweight"/> would have been found; 0.99 by default.
    /// </summary>
    public double OverweightPower
    {
        get;
        init => field = Require.Fraction(value, nameof(OverweightPower), "0.99");
    } = 0.99;

    /// <summary>
    /// The part of the endpoints, above 0 and below 1, that is assumed overweight in <see cref="Balance.DetectableOverweight"/>;
    /// a tenth by default. It is rounded to whole endpoints.
    /// </summary>
    public double OverweightFraction
    {
        get;
        init => field = Require.Fraction(value, nameof(OverweightFraction), "0.1");
    } = 0.1;
}
