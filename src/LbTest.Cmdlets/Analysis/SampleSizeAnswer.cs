namespace LbTest.Cmdlets.Analysis;

/// <summary>How many connections a test needs, and for what.</summary>
public sealed record SampleSizeAnswer
{
    /// <summary>How many connections it takes.</summary>
    public required long Connections { get; init; }

    /// <summary>The number of endpoints.</summary>
    public required int EndpointCount { get; init; }

    /// <summary>The overweight of a tenth of the endpoints that is to be found, as a fraction: 0.2 is 20 %.</summary>
    public required double Overweight { get; init; }

    /// <summary>The probability with which it is found.</summary>
    public required double Power { get; init; }

    /// <summary>The probability that a truly random spread is called anything else.</summary>
    public required double Alpha { get; init; }
}
