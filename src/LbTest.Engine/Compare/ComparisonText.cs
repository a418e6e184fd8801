using LbTest.Engine.Analysis;
using LbTest.Engine.Disturbances;

namespace LbTest.Engine.Compare;

/// <summary>Puts a comparison into a few plain sentences.</summary>
internal static class ComparisonText
{
    // Of many, the first ones stand for all.
    private const int MostNames = 3;

    internal static string Of(ResultComparison comparison, BalanceOptions options) =>
        string.Join(' ', Sentences(comparison, options).Where(sentence => sentence.Length > 0));

    private static IEnumerable<string> Sentences(ResultComparison c, BalanceOptions options)
    {
        if (c.Spread is { } spread)
        {
            yield return Spread(c, spread);
            yield return Shares(spread);
            yield return LeftOut(c, spread);
            yield return Busiest(spread);
            yield return Sensitivity(spread, options);
        }
        else
        {
            yield return $"The spreads of {c.Reference} and {c.Label} cannot be compared: one of the results does not tell where all its connections went.";
        }

        if (c is { ReferenceDisruption: { } a, Disruption: { } b }) yield return Disruption(c, a, b);
    }

    private static string Spread(ResultComparison c, SpreadComparison s)
    {
        string ranges = $"{Range(s.ReferenceBalance)} per endpoint with {c.Reference}, {Range(s.Balance)} with {c.Label}";
        if (s.Verdict == ComparisonVerdict.Undetermined) return $"The spreads of {c.Reference} and {c.Label} cannot be compared: that takes connections over at least two endpoints in both.";
        if (s.WidthDiffers == true)
        {
            bool wider = s.PWider < s.PNarrower;
            return $"{c.Label} spreads connections {(wider ? "less" : "more")} evenly than {c.Reference} ({Kinds(c, s)}): {ranges} "
                + $"({(wider ? "wider" : "narrower")} by more than chance explains, p = {Explanation.Probability(Math.Min(1, 2 * Math.Min(s.PWider, s.PNarrower)))}).";
        }

        if (s.SharesDiffer == true) return $"{c.Label} gives endpoints other shares than {c.Reference}, though the spreads are alike in width: {ranges}.";
        return s.ReferenceBalance.Verdict != s.Balance.Verdict ? $"{c.Label} and {c.Reference} differ by no more than chance explains, though {Kinds(c, s)}: {ranges}."
            : s.Balance.Verdict == Verdict.EvenerThanRandom ? $"Both are more even than chance: {ranges}. How much a scheduler's own spread varies from run to run, one run of each does not tell."
            : $"Nothing tells the spreads of {c.Reference} and {c.Label} apart: both {Kind(s.Balance.Verdict)}, {ranges}.";
    }

    private static string Kinds(ResultComparison c, SpreadComparison s) => s.ReferenceBalance.Verdict == s.Balance.Verdict ? $"both {Kind(s.Balance.Verdict)}"
        : $"{c.Reference} {Kind(s.ReferenceBalance.Verdict, true)}, {c.Label} {Kind(s.Balance.Verdict, true)}";

    private static string Kind(Verdict verdict, bool one = false) => (verdict, one) switch
    {
        (Verdict.EvenerThanRandom, true) => "is more even than chance",
        (Verdict.EvenerThanRandom, _) => "are more even than chance",
        (Verdict.ConsistentWithRandom, true) => "looks like chance",
        (Verdict.ConsistentWithRandom, _) => "look like chance",
        (Verdict.Uneven, true) => "is less even than chance",
        (Verdict.Uneven, _) => "are less even than chance",
        _ => "cannot be judged",
    };

    private static string Shares(SpreadComparison s)
    {
        if (s.SharesDiffer is not { } differ || s.SharesTest == BalanceTest.None) return "";
        string source = s.SharesTest == BalanceTest.MonteCarlo ? "simulated" : Invariant($"df {s.DegreesOfFreedom}");
        string evidence = Invariant($"χ² = {s.ChiSquare:0.0}, {source}, p = {Explanation.Probability(s.PApart)}");
        return differ ? $"Endpoints' shares differ by more than chance explains ({evidence})."
            : s.PCloser <= s.Alpha / 2 ? $"No endpoint's share differs: the two agree more closely than random spreads would ({evidence})."
            : $"No endpoint's share differs by more than chance explains ({evidence}).";
    }

    private static string LeftOut(ResultComparison c, SpreadComparison s) =>
        s.Matched < 2 && s.ReferenceOnly.Length + s.ResultOnly.Length > 0 && s.Verdict != ComparisonVerdict.Undetermined ? "Their endpoints have other names, so only the widths were compared, not each endpoint's share."
        : s.Matched < 2 ? ""
        : string.Join(' ', new[] { Only(c.Reference, s.ReferenceOnly), Only(c.Label, s.ResultOnly) }.Where(part => part.Length > 0));

    private static string Only(string label, ImmutableArray<string> names) => names.Length == 0 ? ""
        : Invariant($"Only {label} has {string.Join(", ", names.Take(MostNames))}{(names.Length > MostNames ? Invariant($" and {names.Length - MostNames} more") : "")}; left out where shares were compared.");

    private static string Busiest(SpreadComparison s) => s.Verdict == ComparisonVerdict.DifferentSpread && Math.Abs(s.Balance.MaxToMean - s.ReferenceBalance.MaxToMean) >= 0.005
        ? Invariant($"The busiest endpoint gets {s.Balance.MaxToMean:0.00} times the mean instead of {s.ReferenceBalance.MaxToMean:0.00}.") : "";

    private static string Sensitivity(SpreadComparison s, BalanceOptions options)
    {
        if (s.SharesDiffer != false || s.Matched < 2) return "";
        string where = Invariant($"of {SampleSize.Overweighted(s.Matched, options.OverweightFraction)} of {s.Matched:N0} endpoints");
        return s.DetectableOverweight is { } overweight
            ? Invariant($"A comparison of this size finds shares {where} that differ by {overweight * 100:N0} % with {options.OverweightPower * 100:0.##} % probability.")
            : Invariant($"The comparison is too small to find any difference in the shares {where} with {options.OverweightPower * 100:0.##} % probability.");
    }

    private static string Disruption(ResultComparison c, Disruption a, Disruption b)
    {
        // Without a disturbance, or with other ones, there is nothing that can be set side by side in a sentence.
        if (c.Steps.Length == 0) return "";
        string Lost(Disruption d) => Invariant($"{d.LostConnections:N0} connection{(d.LostConnections == 1 ? "" : "s")}{(d.Ratio is { } ratio ? Invariant($" ({ratio:0.00} times the least)") : "")}");
        string Back(Disruption d) => d.FirstFailure is null ? "nothing failed" : d.Recovery is { } time ? Invariant($"{time.TotalSeconds:0.00} s") : "not within the test";
        return Invariant($"Disturbed alike, {c.Label} lost {Lost(b)}, {c.Reference} {Lost(a)}. Recovery: {Back(b)} against {Back(a)}; ")
            + Invariant($"longest gap of a client: {b.LongestGap.TotalSeconds:0.00} s against {a.LongestGap.TotalSeconds:0.00} s. One run of each does not tell how much that varies.");
    }

    private static string Range(Balance b) => b.Minimum == b.Maximum ? Invariant($"{b.Minimum:N0}") : Invariant($"{b.Minimum:N0} to {b.Maximum:N0}");

    private static string Invariant(FormattableString text) => FormattableString.Invariant(text);
}
