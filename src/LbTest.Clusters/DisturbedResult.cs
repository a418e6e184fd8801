using LbTest.Engine.Disturbances;
using LbTest.Engine.Traffic;

namespace LbTest.Clusters;

/// <summary>A traffic test's result with what happened to the cluster meanwhile: what failed of it, or is left of it, is said.</summary>
internal static class DisturbedResult
{
    /// <summary>Puts it together.</summary>
    /// <param name="result">The result of the traffic alone.</param>
    /// <param name="events">What happened.</param>
    /// <param name="left">What could not be undone, why, and what the user is to do about it; empty where all was.</param>
    internal static TrafficResult Of(TrafficResult result, ImmutableArray<DisturbanceEvent> events, IEnumerable<string> left) => result with
    {
        Disturbances = events,
        Warnings =
        [
            .. result.Warnings, .. events.Where(e => e.Error is not null).Select(e => $"A disturbance failed ({e.Description}): {e.Error}"),
            .. left,
        ],
    };
}
