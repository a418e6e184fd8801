namespace LbTest.Cmdlets.Results;

/// <summary>How a result is written.</summary>
public enum ResultFormat
{
    /// <summary>LbTest's own JSON, everything in it.</summary>
    LbTest,

    /// <summary>The JSON of the public mconnect tool, of connect results: counts, failures, duration.</summary>
    Mconnect,

    /// <summary>The JSON of the public ctraffic tool, of traffic results, as with its <c>-stats all</c>.</summary>
    Ctraffic,
}
