namespace LbTest.Clusters.Conntrack;

/// <summary>A connection that a node's kernel tracks, as <c>conntrack -L</c> shows it.</summary>
public sealed record ConntrackEntry
{
    /// <summary>The node.</summary>
    public string? NodeName { get; init; }

    /// <summary><c>tcp</c>, <c>udp</c>, …</summary>
    public required string Protocol { get; init; }

    /// <summary>Its state, <c>ESTABLISHED</c> for example; null for protocols that have none.</summary>
    public string? State { get; init; }

    /// <summary>How long it is kept when nothing comes any more.</summary>
    public TimeSpan Remaining { get; init; }

    /// <summary>Who began it.</summary>
    public required IPAddress Source { get; init; }

    /// <summary>From which port.</summary>
    public int? SourcePort { get; init; }

    /// <summary>Where to: a service's address, where it went to one.</summary>
    public required IPAddress Destination { get; init; }

    /// <summary>To which port.</summary>
    public int? DestinationPort { get; init; }

    /// <summary>Who answers: the endpoint, where the kernel chose one.</summary>
    public required IPAddress Endpoint { get; init; }

    /// <summary>From which port.</summary>
    public int? EndpointPort { get; init; }

    /// <summary>Where the answers go: another address than the client's where the node masquerades.</summary>
    public required IPAddress ReplyDestination { get; init; }

    /// <summary>True once something came both ways.</summary>
    public bool Replied { get; init; }

    /// <summary>True for one that is not dropped early when the table is full.</summary>
    public bool Assured { get; init; }
}

/// <summary>Which connections.</summary>
public sealed record ConntrackFilter
{
    /// <summary>The protocol, <c>tcp</c> or <c>udp</c>; null for all.</summary>
    public string? Protocol { get; init; }

    /// <summary>Who began them.</summary>
    public IPAddress? Source { get; init; }

    /// <summary>Where to.</summary>
    public IPAddress? Destination { get; init; }

    /// <summary>To which port; needs a protocol.</summary>
    public int? DestinationPort { get; init; }

    /// <summary>Who answers.</summary>
    public IPAddress? Endpoint { get; init; }

    /// <summary>True where it leaves nothing out.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public bool IsEmpty => this == new ConntrackFilter();
}
