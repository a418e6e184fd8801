using LbTest.Engine.Analysis;

namespace LbTest.Cmdlets.Analysis;

/// <summary>Tells how many connections a test needs to find an overweight.</summary>
[Cmdlet(VerbsCommon.Get, "LbSampleSize")]
[OutputType(typeof(SampleSizeAnswer))]
public sealed class GetLbSampleSizeCommand : LbCommand
{
    /// <summary>The number of endpoints.</summary>
    [Parameter(Position = 0)]
    [ValidateRange(2, 1_000_000)]
    public int EndpointCount { get; set; } = 100;

    /// <summary>The overweights of a tenth of the endpoints that are to be found, as fractions: 0.2 is 20 %.</summary>
    [Parameter(Position = 1, ValueFromPipeline = true)]
    public double[] Overweight { get; set; } = [0.2];

    /// <summary>The probability with which they are to be found.</summary>
    [Parameter]
    public double Power { get; set; } = 0.99;

    /// <summary>The probability that a truly random spread is called anything else.</summary>
    [Parameter]
    public double Alpha { get; set; } = 0.01;

    private protected override void Process()
    {
        foreach (double overweight in Overweight)
        {
            WriteObject(new SampleSizeAnswer
            {
                Connections = SampleSize.ConnectionsFor(EndpointCount, overweight, Power, Alpha),
                EndpointCount = EndpointCount, Overweight = overweight, Power = Power, Alpha = Alpha,
            });
        }
    }
}
