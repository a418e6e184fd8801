namespace LbTest.Cmdlets.Analysis;

/// <summary>In one result, so many endpoints got so many connections.</summary>
/// <param name="Label">The result's label.</param>
/// <param name="Connections">Connections per endpoint, 0 or more.</param>
/// <param name="Endpoints">How many endpoints got exactly that.</param>
public sealed record FrequencyEntry(string? Label, long Connections, int Endpoints);
