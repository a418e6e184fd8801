namespace LbTest.Cmdlets.Traffic;

/// <summary>The analyses of Measure-LbTraffic.</summary>
public enum TrafficMeasure
{
    /// <summary>The state of connections, second by second.</summary>
    Connections,

    /// <summary>Bytes per second, sample by sample.</summary>
    Throughput,

    /// <summary>Lost and lasting connections of each endpoint.</summary>
    Hosts,
}
