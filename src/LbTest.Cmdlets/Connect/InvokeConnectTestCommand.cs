using System.Globalization;
using System.Net;
using LbTest.Clusters;
using LbTest.Cmdlets.Parameters;
using LbTest.Engine.Connect;
using LbTest.Engine.Sockets;

namespace LbTest.Cmdlets.Connect;

/// <summary>Makes many short connections and counts which endpoint answers each.</summary>
[Cmdlet(VerbsLifecycle.Invoke, "ConnectTest", DefaultParameterSetName = ByCluster)]
[OutputType(typeof(ConnectResult))]
public sealed class InvokeConnectTestCommand : LbCommand
{
    private const string ByCluster = "Cluster", ByAddress = "Address";

    /// <summary>The cluster under test, or its name.</summary>
    [Parameter(Position = 0, Mandatory = true, ValueFromPipeline = true, ParameterSetName = ByCluster)]
    [ArgumentCompleter(typeof(LabNameCompleter))]
    [Cluster]
    public Cluster Cluster { get; set; } = null!;

    /// <summary>Where to connect from this machine, <c>host:port</c>.</summary>
    [Parameter(Mandatory = true, ParameterSetName = ByAddress)]
    public string Address { get; set; } = "";

    /// <summary>How many connections.</summary>
    [Parameter]
    [Alias("nconn")]
    public long Count { get; set; } = 1000;

    /// <summary>How many may be on their way at once.</summary>
    [Parameter]
    public int Concurrency { get; set; } = 64;

    /// <summary>How long one connection may take.</summary>
    [Parameter]
    [Seconds]
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How long the whole test may take.</summary>
    [Parameter]
    [Seconds]
    public TimeSpan? Timeout { get; set; }

    /// <summary>Seed of the choice of source addresses.</summary>
    [Parameter]
    public int? Seed { get; set; }

    /// <summary>TCP, or UDP: a datagram and its answer.</summary>
    [Parameter]
    public TransportProtocol Protocol { get; set; }

    /// <summary>Source address or CIDR; each connection binds an address chosen from it.</summary>
    [Parameter]
    public string? Source { get; set; }

    /// <summary>A fixed source port; 0 for any.</summary>
    [Parameter]
    public int SourcePort { get; set; }

    /// <summary>Keeps every connection open until the test ends.</summary>
    [Parameter]
    public SwitchParameter KeepOpen { get; set; }

    /// <summary>Where connections start.</summary>
    [Parameter(ParameterSetName = ByCluster)]
    public VantagePoint From { get; set; }

    /// <summary>Which node or pod they start from; the first if not given.</summary>
    [Parameter(ParameterSetName = ByCluster)]
    [ArgumentCompleter(typeof(PlaceNameCompleter))]
    public string? FromName { get; set; }

    /// <summary>Which address of the service they go to.</summary>
    [Parameter(ParameterSetName = ByCluster)]
    public ServiceTarget To { get; set; }

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

    private protected override void Process()
    {
        ConnectPlan plan = Plan();
        var last = new LatestProgress();
        ConnectResult result = Run(
            cancel => ParameterSetName == ByAddress ? ConnectRun.RunAsync(plan, progress: last, cancel: cancel) : Cluster.ConnectAsync(Request(plan), last, cancel),
            ParameterSetName == ByAddress ? $"Connecting to {Address}" : $"Connecting to '{Cluster.Name}'",
            last.FillIn);
        // PowerShell drops what a stopped pipeline writes. What was measured until Ctrl+C stays within reach here.
        SessionState.PSVariable.Set("global:LbLastResult", result);
        foreach (string warning in result.Warnings) WriteWarning(warning);
        WriteObject(result);
    }

    private ConnectPlan Plan() => new()
    {
        Target = ParameterSetName == ByAddress ? HostPort.Resolve(Address) : new IPEndPoint(IPAddress.Any, 0),
        Count = Count, Concurrency = Concurrency, ConnectTimeout = ConnectTimeout, Timeout = Timeout, Seed = Seed, Protocol = Protocol,
        Source = Source, SourcePort = SourcePort, KeepOpen = KeepOpen, Threads = Threads, Label = Label,
    };

    private ConnectRequest Request(ConnectPlan plan) => new() { Plan = plan, From = From, FromName = FromName, To = To, ToName = ToName, IPv6 = IPv6 };

    /// <summary>Only the latest report matters, so that is all there is room for.</summary>
    private sealed class LatestProgress : IProgress<ConnectProgress>
    {
        private volatile ConnectProgress? _latest;

        public void Report(ConnectProgress value) => _latest = value;

        internal void FillIn(ProgressRecord record)
        {
            if (_latest is not { } latest) return;
            long done = latest.Connections + latest.Failed;
            record.StatusDescription = string.Create(CultureInfo.InvariantCulture, $"{latest.Connections:N0} of {latest.Requested:N0} connections, {latest.Failed:N0} failed");
            record.PercentComplete = (int)Math.Min(100, 100 * done / latest.Requested);
            if (done > 0) record.SecondsRemaining = (int)Math.Min(int.MaxValue, latest.Elapsed.TotalSeconds * (latest.Requested - done) / done);
        }
    }
}
