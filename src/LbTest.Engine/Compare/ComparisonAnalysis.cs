using LbTest.Engine.Analysis;
using LbTest.Engine.Disturbances;
using LbTest.Engine.Results;
using LbTest.Engine.Traffic;

namespace LbTest.Engine.Compare;

/// <summary>Compares results: does the spread change, does what disturbances cost?</summary>
public static class ComparisonAnalysis
{
    /// <summary>Compares a result with a reference.</summary>
    /// <param name="reference">The reference: a connect or traffic result.</param>
    /// <param name="result">The other one.</param>
    /// <param name="options">How to test the spread; null for the defaults.</param>
    /// <remarks>
    /// The spread of a connect test is that of its connections; of a traffic test, that of each client's first connection, before anything was disturbed.
    /// Where session affinity holds, sources are counted instead of connections, which are not independent then. What disturbances cost is put
    /// side by side without a test: one run of each does not tell how much it varies from run to run.
    /// </remarks>
    public static ResultComparison Compare(ITestResult reference, ITestResult result, BalanceOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(reference);
        ArgumentNullException.ThrowIfNull(result);
        ImmutableArray<string> labels = ResultLabels.Of([reference, result]);
        return Compare(reference, labels[0], result, labels[1], options ?? new BalanceOptions());
    }

    /// <summary>The same with names for the two.</summary>
    internal static ResultComparison Compare(ITestResult reference, string first, ITestResult result, string second, BalanceOptions options)
    {
        SpreadComparison? spread = ResultSpread.Of(reference, options) is { } one && ResultSpread.Of(result, options) is { } other
            ? SpreadAnalysis.Compare(one.Spread, other.Spread, one.Balance, other.Balance, options) : null;
        var comparison = new ResultComparison { Reference = first, Label = second, Verdict = spread?.Verdict ?? ComparisonVerdict.Undetermined, Spread = spread, Warnings = Unlike.Of(reference, result, first, second) };
        if (reference is TrafficResult before && result is TrafficResult after && Disrupted(before) is { } a && Disrupted(after) is { } b)
        {
            comparison = comparison with { ReferenceDisruption = a, Disruption = b, Steps = Unlike.DisturbedAlike(before, after) && a.Steps.Length == b.Steps.Length ? [.. a.Steps.Zip(b.Steps, Step)] : [] };
        }

        comparison = comparison with { Measures = ComparedMeasures.Of(comparison, reference, result) };
        return comparison with { Explanation = ComparisonText.Of(comparison, options) };
    }

    // A test that was stopped at once has nothing to tell of disruption.
    private static Disruption? Disrupted(TrafficResult result) => result.Samples.Length + result.Connections.Length > 0 ? DisruptionAnalysis.Measure(result) : null;

    private static StepComparison Step(DisruptionStep a, DisruptionStep b) => new()
    {
        Time = a.Time, Kind = a.Kind, Description = a.Description, ReferenceLost = a.Lost, Lost = b.Lost, ReferenceLeast = a.Least, Least = b.Least, ReferenceRecovery = a.Recovery, Recovery = b.Recovery,
    };
}
