using LbTest.Cmdlets.Results;
using LbTest.Engine.Analysis;
using LbTest.Engine.Connect;

namespace LbTest.Cmdlets.Analysis;

/// <summary>Tells how evenly connections were spread: more evenly than chance would, as chance would, or less evenly.</summary>
[Cmdlet(VerbsDiagnostic.Measure, "LbBalance")]
[OutputType(typeof(Balance))]
public sealed class MeasureLbBalanceCommand : ResultCommand<ConnectResult>
{
    /// <summary>The probability that a truly random spread is called anything else.</summary>
    [Parameter]
    public double Alpha { get; set; } = 0.01;

    /// <summary>The seed of a Monte-Carlo test.</summary>
    [Parameter]
    public int Seed { get; set; } = BalanceOptions.DefaultSeed;

    private protected override void Process(ConnectResult result)
    {
        var options = new BalanceOptions { Alpha = Alpha, Seed = Seed };
        WriteObject(Run(_ => Task.FromResult(ConnectAnalysis.Measure(result, options)), $"Measuring {result.Label ?? "result"}"));
    }
}
