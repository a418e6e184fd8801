using System.Net;
using LbTest.Clusters;
using LbTest.Clusters.Conntrack;
using LbTest.Cmdlets.Parameters;
using LbTest.Engine.Sockets;

namespace LbTest.Cmdlets.Conntrack;

/// <summary>What cmdlets share that are about the connections that nodes track: whose, and which.</summary>
public abstract class ConntrackCommand : LbCommand
{
    /// <summary>The cluster, or its name.</summary>
    [Parameter(Position = 0, Mandatory = true, ValueFromPipeline = true)]
    [ArgumentCompleter(typeof(ClusterNameCompleter))]
    [Cluster]
    public Cluster Cluster { get; set; } = null!;

    /// <summary>Which nodes; wildcards match. All if not given.</summary>
    [Parameter]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(PlaceNameCompleter))]
    public string[] NodeName { get; set; } = [];

    /// <summary>Connections of this protocol alone.</summary>
    [Parameter]
    public TransportProtocol? Protocol { get; set; }

    /// <summary>Connections that this address began.</summary>
    [Parameter]
    public IPAddress? SourceAddress { get; set; }

    /// <summary>Connections to this address: a service's.</summary>
    [Parameter]
    public IPAddress? DestinationAddress { get; set; }

    /// <summary>Connections to this port; needs -Protocol.</summary>
    [Parameter]
    [ValidateRange(1, 65535)]
    public int? DestinationPort { get; set; }

    /// <summary>Connections that the kernel gave to the endpoint with this address.</summary>
    [Parameter]
    public IPAddress? EndpointAddress { get; set; }

    private protected ConntrackFilter Filter => new()
    {
        Protocol = Protocol?.ToString().ToLowerInvariant(), Source = SourceAddress, Destination = DestinationAddress, DestinationPort = DestinationPort, Endpoint = EndpointAddress,
    };

    private protected IReadOnlyList<string?> Nodes => NodeNames.Matching(Cluster, NodeName, WriteError);
}
