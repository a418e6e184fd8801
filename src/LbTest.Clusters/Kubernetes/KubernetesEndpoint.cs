namespace LbTest.Clusters.Kubernetes;

/// <summary>An endpoint of a service, as the cluster's EndpointSlices tell it.</summary>
/// <param name="Name">The pod's name, which is what it answers with.</param>
/// <param name="Node">The node it lives on; null where nobody says.</param>
/// <param name="Addresses">Its addresses, one of each family that it has.</param>
public sealed record KubernetesEndpoint(string Name, string? Node, ImmutableArray<IPAddress> Addresses)
{
    /// <summary>The zone it lives in; null where nobody says.</summary>
    public string? Zone { get; init; }

    /// <summary>The zones whose nodes are to use it (topology hints); empty where there are none.</summary>
    public ImmutableArray<string> HintZones { get; init; } = [];

    /// <summary>True when it may get new connections.</summary>
    public bool Ready { get; init; }

    /// <summary>True while it is being deleted.</summary>
    public bool Terminating { get; init; }
}
