using LbTest.Engine.Disturbances;

namespace LbTest.Clusters.Lab.Disturbances;

/// <summary>Something that is to be done to a lab at a planned time of a traffic test: one of its parts is there.</summary>
/// <param name="Event">What the result will say of it; when it was really done is filled in then.</param>
internal sealed record LabStep(DisturbanceEvent Event)
{
    /// <summary>What rules, router and endpoints are to be from then on.</summary>
    internal LabState? State { get; init; }

    /// <summary>What happens on the hops from then on.</summary>
    internal HopState? Hops { get; init; }

    /// <summary>Nodes whose connection tracking forgets everything.</summary>
    internal ImmutableArray<string> Flush { get; init; } = [];
}
