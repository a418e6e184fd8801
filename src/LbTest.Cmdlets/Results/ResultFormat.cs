namespace LbTest.Cmdlets.Results;

/// <summary>How a result is written.</summary>
public enum ResultFormat
{
    /// <summary>LbTest's own JSON, everything in it.</summary>
    LbTest,

    /// <summary>The JSON of the public mconnect tool: counts, failures, duration.</summary>
    Mconnect,
}
