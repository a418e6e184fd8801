using LbTest.Cmdlets.Parameters;
using LbTest.Cmdlets.Results;
using LbTest.Engine.Traffic;

namespace LbTest.Cmdlets.Traffic;

/// <summary>Gets every connection of a traffic test, from its first attempt to its end.</summary>
[Cmdlet(VerbsCommon.Get, "LbTrafficConnection")]
[OutputType(typeof(TrafficConnection))]
public sealed class GetLbTrafficConnectionCommand : ResultCommand<TrafficResult>
{
    /// <summary>Only those that reached these endpoints; wildcards match.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(PlaceNameCompleter))]
    [SupportsWildcards]
    public string[] Endpoint { get; set; } = [];

    /// <summary>Only those that were established and then lost.</summary>
    [Parameter]
    public SwitchParameter Lost { get; set; }

    private protected override void Process(TrafficResult result)
    {
        PlanException.Require(result.Connections.Length > 0, nameof(Result), result.Label, "has no connection records", "Take a result that has them; ctraffic writes them with -stats all");
        WildcardPattern[] names = [.. Endpoint.Select(name => WildcardPattern.Get(name, WildcardOptions.IgnoreCase))];
        foreach (TrafficConnection connection in result.Connections)
        {
            if (Lost && !connection.WasLost) continue;
            if (names.Length == 0 || (connection.Endpoint is { } endpoint && names.Any(name => name.IsMatch(endpoint)))) WriteObject(connection);
        }
    }
}
