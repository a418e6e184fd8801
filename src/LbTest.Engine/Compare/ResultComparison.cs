using System.Text.Json.Serialization;
using LbTest.Engine.Analysis;
using LbTest.Engine.Disturbances;
using LbTest.Engine.Results;

namespace LbTest.Engine.Compare;

/// <summary>A result beside a reference: whether the spread differs, what disturbances cost, and the other numbers side by side.</summary>
public sealed record ResultComparison
{
    /// <summary>What the reference is called.</summary>
    public required string Reference { get; init; }

    /// <summary>What the result is called.</summary>
    public required string Label { get; init; }

    /// <summary>Whether connections were spread differently.</summary>
    public required ComparisonVerdict Verdict { get; init; }

    /// <summary>How they were spread, and how likely such a difference is by chance; null where one of the results does not tell where its connections went.</summary>
    public SpreadComparison? Spread { get; init; }

    /// <summary>What disturbances cost in the reference; null unless both are traffic results.</summary>
    public Disruption? ReferenceDisruption { get; init; }

    /// <summary>What they cost in the result; null unless both are traffic results.</summary>
    public Disruption? Disruption { get; init; }

    /// <summary>Step by step, where both were disturbed alike.</summary>
    public ImmutableArray<StepComparison> Steps { get; init; } = [];

    /// <summary>Numbers of both, one by one.</summary>
    public ImmutableArray<MeasureComparison> Measures { get; init; } = [];

    /// <summary>In what the two tests are unlike, so that a difference may have another cause than the one that is sought.</summary>
    public ImmutableArray<string> Warnings { get; init; } = [];

    /// <summary>What it all says, in a few sentences.</summary>
    public string Explanation { get; init; } = "";

    /// <summary>The comparison as text: the numbers side by side, then the explanation.</summary>
    /// <param name="width">Characters in a line, at least 40.</param>
    public string ToText(int width = 80) => ComparisonTable.Write(this, width);
}

/// <summary>One number of two results.</summary>
/// <param name="Name">What it is.</param>
/// <param name="Unit">Its unit; empty for a count or a plain number.</param>
/// <param name="Reference">The reference's; null where it has none.</param>
/// <param name="Result">The other one's; null where it has none.</param>
public sealed record MeasureComparison(string Name, string Unit, double? Reference, double? Result)
{
    /// <summary>By how much it grew; null where one of them is not known.</summary>
    public double? Change => Result - Reference;

    /// <summary>A value of this measure as text, with as many digits as matter.</summary>
    public string Text(double? value) => value switch
    {
        null => "–",
        { } number when Unit is "ms" or "s" => number.ToString("#,0.000", CultureInfo.InvariantCulture),
        { } number when Unit.Length > 0 || Math.Abs(number) >= 1000 || number == Math.Round(number) => number.ToString("N0", CultureInfo.InvariantCulture),
        { } number => number.ToString(Math.Abs(number) < 0.001 ? "0.######" : "G5", CultureInfo.InvariantCulture),
    };
}

/// <summary>What one step of a disturbance cost in two tests.</summary>
public sealed record StepComparison
{
    /// <summary>When it was planned or, where that is not known, applied in the reference.</summary>
    [JsonConverter(typeof(SecondsConverter)), JsonPropertyName("timeSeconds")]
    public TimeSpan Time { get; init; }

    /// <summary>What kind of disturbance.</summary>
    public DisturbanceKind Kind { get; init; }

    /// <summary>In words, as in the reference: another test may have chosen other endpoints.</summary>
    public string Description { get; init; } = "";

    /// <summary>Connections lost in the reference.</summary>
    public int ReferenceLost { get; init; }

    /// <summary>Connections lost in the result.</summary>
    public int Lost { get; init; }

    /// <summary>The least that had to be lost in the reference; null where nothing had to, or nobody knows.</summary>
    public double? ReferenceLeast { get; init; }

    /// <summary>The least that had to be lost in the result; null where nothing had to, or nobody knows.</summary>
    public double? Least { get; init; }

    /// <summary>How long until the clients concerned had connections again, in the reference; null where none was lost or one never had.</summary>
    [JsonConverter(typeof(SecondsConverter)), JsonPropertyName("referenceRecoverySeconds")]
    public TimeSpan? ReferenceRecovery { get; init; }

    /// <summary>The same in the result.</summary>
    [JsonConverter(typeof(SecondsConverter)), JsonPropertyName("recoverySeconds")]
    public TimeSpan? Recovery { get; init; }
}
