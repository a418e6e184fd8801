using LbTest.Cmdlets.Results;
using LbTest.Engine.Traffic;

namespace LbTest.Cmdlets.Traffic;

/// <summary>Gets what happened in each second of a traffic test.</summary>
[Cmdlet(VerbsCommon.Get, "LbTrafficSample")]
[OutputType(typeof(TrafficSample))]
public sealed class GetLbTrafficSampleCommand : ResultCommand<TrafficResult>
{
    private protected override void Process(TrafficResult result)
    {
        PlanException.Require(result.Samples.Length > 0, nameof(Result), result.Label, "has no samples", "Take the result of a test that ran for a while; ctraffic writes samples with -stats all");
        foreach (TrafficSample sample in result.Samples) WriteObject(sample);
    }
}
