using System.Net;
using LbTest.Clusters;
using LbTest.Cmdlets.Parameters;
using LbTest.Engine.Results;
using LbTest.Engine.Sockets;

namespace LbTest.Cmdlets.Clusters;

/// <summary>What cmdlets share that run tests: from where to where, through a cluster or from this machine to an address, and the result that is never lost.</summary>
public abstract class TestCommand : LbCommand
{
    private protected const string ByCluster = "Cluster", ByAddress = "Address";

    // What was measured is worth a longer wait, where it takes one.
    private protected override TimeSpan Grace { get; } = TimeSpan.FromSeconds(2);

    /// <summary>The cluster under test, or its name.</summary>
    [Parameter(Position = 0, Mandatory = true, ValueFromPipeline = true, ParameterSetName = ByCluster)]
    [ArgumentCompleter(typeof(ClusterNameCompleter))]
    [Cluster]
    public Cluster Cluster { get; set; } = null!;

    /// <summary>Where to connect from this machine, <c>host:port</c>.</summary>
    [Parameter(Mandatory = true, ParameterSetName = ByAddress)]
    public string Address { get; set; } = "";

    /// <summary>TCP or UDP.</summary>
    [Parameter]
    public TransportProtocol Protocol { get; set; }

    /// <summary>Seed of the choice of source addresses, and of whatever disturbances choose.</summary>
    [Parameter]
    public int? Seed { get; set; }

    /// <summary>Where connections start; the cluster's usual place if not given.</summary>
    [Parameter(ParameterSetName = ByCluster)]
    public VantagePoint? From { get; set; }

    /// <summary>Which nodes or pods they start from; the first if not given. Several share the connections out.</summary>
    [Parameter(ParameterSetName = ByCluster)]
    [ArgumentCompleter(typeof(PlaceNameCompleter))]
    [SupportsWildcards]
    public string[] FromName { get; set; } = [];

    /// <summary>Which address of the service they go to; the cluster's usual one if not given.</summary>
    [Parameter(ParameterSetName = ByCluster)]
    public ServiceTarget? To { get; set; }

    /// <summary>Which node's port or which endpoint they go to; the first if not given.</summary>
    [Parameter(ParameterSetName = ByCluster)]
    [ArgumentCompleter(typeof(PlaceNameCompleter))]
    public string? ToName { get; set; }

    /// <summary>Uses the IPv6 address of the target.</summary>
    [Parameter(ParameterSetName = ByCluster)]
    public SwitchParameter IPv6 { get; set; }

    /// <summary>A name for the result.</summary>
    [Parameter]
    public string? Label { get; set; }

    /// <summary>Worker threads; 0 for one per processor, half as many towards loopback.</summary>
    [Parameter]
    public int Threads { get; set; }

    /// <summary>The cluster under test; null where the test goes from this machine to an address.</summary>
    private protected Cluster? Tested => ParameterSetName == ByCluster ? Cluster : null;

    /// <summary>The target as far as it is known here: a cluster replaces what is only of the right family.</summary>
    private protected IPEndPoint Target => Tested is null ? HostPort.Resolve(Address) : new IPEndPoint(IPv6 ? IPAddress.IPv6Any : IPAddress.Any, 0);

    /// <summary>Where the test goes, in words.</summary>
    private protected string Whither => Tested is { } cluster ? $"'{cluster.Name}'" : Address;

    /// <summary>Fills a request in.</summary>
    private protected T Fill<T>(T request) where T : TestRequest => request with { From = From, FromName = [.. FromName], To = To, ToName = ToName, IPv6 = IPv6 };

    /// <summary>Keeps a result in <c>$LbLastResult</c>: PowerShell drops what a stopped pipeline writes, and what was measured until Ctrl+C stays within reach there.</summary>
    private protected void Keep(ITestResult result) => SessionState.PSVariable.Set("global:LbLastResult", result);
}
