namespace LbTest.Engine.Analysis;

/// <summary>Puts a balance into words that a network engineer understands.</summary>
internal static class Explanation
{
    /// <summary>The verdict with its reasons, what the test could have found, and what became of round robin's promise.</summary>
    public static string Of(Balance balance, long stray, BalanceOptions options) =>
        string.Join(' ', new[] { VerdictSentence(balance, stray), Sensitivity(balance, options), Promise(balance, options) }
            .Where(sentence => sentence.Length > 0));

    /// <summary>A probability with at least two digits that count, as a power of ten where it is small.</summary>
    public static string Probability(double p) =>
        p.ToString(p is 0 or >= 0.01 ? "0.###" : p >= 0.001 ? "0.####" : "0.0e-0", CultureInfo.InvariantCulture);

    private static string VerdictSentence(Balance b, long stray)
    {
        string what = Invariant($"{Number(b.Connections, "connection")} over {Number(b.Endpoints, "endpoint")}");
        string verb = b.Connections == 1 ? "is" : "are";
        if (stray > 0)
            return Invariant($"{stray:N0} of {Number(b.Connections, "connection")} went to endpoints that should get none: not by chance.");
        return b.Verdict switch
        {
            Verdict.Undetermined => Invariant($"{what}: there is nothing to test."),
            Verdict.Uneven => Invariant($"{what} {verb} spread less evenly than by chance ({Evidence(b)}): {Spread(b)}."),
            Verdict.EvenerThanRandom => Invariant($"{what} {verb} spread more evenly than by chance ({Evidence(b)}): {Spread(b)}."),
            _ => Invariant($"{what} look{(b.Connections == 1 ? "s" : "")} like chance ({Evidence(b)})."),
        };
    }

    private static string Evidence(Balance b)
    {
        string source = b.Test switch
        {
            BalanceTest.Exact => "exact test",
            BalanceTest.MonteCarlo => Invariant($"{b.Simulations:N0} simulations"),
            _ => Invariant($"df {b.DegreesOfFreedom}"),
        };
        string chi = b.ChiSquare.ToString(b.ChiSquare < 10 ? "0.##" : "0.0", CultureInfo.InvariantCulture);
        return $"χ² = {chi}, {source}, p lower {Probability(b.PLower)}, upper {Probability(b.PUpper)}";
    }

    // √(χ²/df) is the standard deviation relative to chance's: exactly so with equal shares, and fair to all endpoints with unequal ones.
    private static string Spread(Balance b) => b.Minimum == b.Maximum
        ? Invariant($"every endpoint got {b.Minimum:N0}")
        : Invariant($"the spread is {Math.Sqrt(b.ChiSquare / b.DegreesOfFreedom):0.##} times that of chance, ")
            + Invariant($"from {b.Minimum:N0} to {b.Maximum:N0} per endpoint");

    private static string Sensitivity(Balance b, BalanceOptions options)
    {
        if (b.Verdict != Verdict.ConsistentWithRandom)
            return "";
        int endpoints = b.DegreesOfFreedom + 1;
        string where = Invariant($"on {SampleSize.Overweighted(endpoints, options.OverweightFraction)} of {endpoints:N0} endpoints");
        return b.DetectableOverweight is { } overweight
            ? Invariant($"A test of this size finds an overweight of {Percent(overweight)} % {where} ")
                + Invariant($"with {options.OverweightPower * 100:0.##} % probability.")
            : Invariant($"The test is too small to find any overweight {where} with {options.OverweightPower * 100:0.##} % probability.");
    }

    private static string Percent(double fraction) =>
        (fraction * 100).ToString(fraction < 0.1 ? "0.#" : "N0", CultureInfo.InvariantCulture);

    private static string Promise(Balance b, BalanceOptions options) => b.RoundRobinPromiseKept is { } kept
        ? Invariant($"Round robin through {Number(options.RoundRobinEntries ?? 0, "node")} promises ")
            + Invariant($"maximum − minimum ≤ {options.RoundRobinEntries}: it is {b.Maximum - b.Minimum:N0}, ")
            + Invariant($"the promise is {(kept ? "kept" : "broken")}.")
        : "";

    private static string Number(long count, string noun) => Invariant($"{count:N0} {noun}{(count == 1 ? "" : "s")}");

    private static string Invariant(FormattableString text) => FormattableString.Invariant(text);
}
