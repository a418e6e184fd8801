using LbTest.Cmdlets.Results;
using LbTest.Engine.Disturbances;
using LbTest.Engine.Traffic;

namespace LbTest.Cmdlets.Disturbances;

/// <summary>Tells what the disturbances of a traffic test cost: connections and packets lost, beside the least that had to be lost, and for how long.</summary>
[Cmdlet(VerbsDiagnostic.Measure, "LbDisruption")]
[OutputType(typeof(Disruption))]
public sealed class MeasureLbDisruptionCommand : ResultCommand<TrafficResult>
{
    private protected override void Process(TrafficResult result) =>
        WriteObject(Run(_ => Task.FromResult(DisruptionAnalysis.Measure(result)), $"Measuring {result.Label ?? "result"}"));
}
