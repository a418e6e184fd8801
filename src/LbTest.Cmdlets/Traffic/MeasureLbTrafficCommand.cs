using LbTest.Cmdlets.Results;
using LbTest.Engine.Traffic;

namespace LbTest.Cmdlets.Traffic;

/// <summary>The three analyses of ctraffic: connections second by second, throughput, and what became of each endpoint's connections.</summary>
[Cmdlet(VerbsDiagnostic.Measure, "LbTraffic")]
[OutputType(typeof(ConnectionsRow), typeof(ThroughputRow), typeof(HostsRow))]
public sealed class MeasureLbTrafficCommand : ResultCommand<TrafficResult>
{
    /// <summary>Which analysis.</summary>
    [Parameter(Position = 1)]
    public TrafficMeasure By { get; set; }

    private protected override void Process(TrafficResult result)
    {
        switch (By)
        {
            case TrafficMeasure.Throughput:
                WriteObject(TrafficAnalysis.Throughput(result), enumerateCollection: true);
                break;
            case TrafficMeasure.Hosts:
                WriteObject(TrafficAnalysis.Hosts(result), enumerateCollection: true);
                break;
            default:
                WriteObject(TrafficAnalysis.Connections(result), enumerateCollection: true);
                break;
        }
    }
}
