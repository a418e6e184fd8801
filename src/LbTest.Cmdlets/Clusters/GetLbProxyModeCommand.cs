using LbTest.Clusters;
using LbTest.Clusters.Kubernetes;
using LbTest.Cmdlets.Parameters;

namespace LbTest.Cmdlets.Clusters;

/// <summary>Tells which proxy mode is in force, and with which scheduler: from kube-proxy's log, of a lab, or of a Kubernetes cluster node by node.</summary>
[Cmdlet(VerbsCommon.Get, "LbProxyMode", DefaultParameterSetName = ByLog)]
[OutputType(typeof(ProxyModeReport))]
public sealed class GetLbProxyModeCommand : LbCommand
{
    private const string ByLog = "Log", ByCluster = "Cluster";

    private readonly ProxyLog _log = new();

    /// <summary>The log's lines.</summary>
    [Parameter(Mandatory = true, ValueFromPipeline = true, ParameterSetName = ByLog)]
    [AllowEmptyString]
    public string InputObject { get; set; } = "";

    /// <summary>Where the lines come from; Get-Content tells it by itself.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true, ParameterSetName = ByLog)]
    [Alias("PSPath")]
    public string? Source { get; set; }

    /// <summary>A cluster, or its name.</summary>
    [Parameter(Position = 0, Mandatory = true, ValueFromPipeline = true, ParameterSetName = ByCluster)]
    [ArgumentCompleter(typeof(ClusterNameCompleter))]
    [Cluster]
    public Cluster Cluster { get; set; } = null!;

    private protected override void Process()
    {
        if (ParameterSetName == ByLog) _log.Add(InputObject, Source is null ? null : Source[(Source.LastIndexOf("::", StringComparison.Ordinal) is >= 0 and var provider ? provider + 2 : 0)..]);
        else foreach (ProxyModeReport report in Run(Cluster.GetProxyModesAsync, $"Asking '{Cluster.Name}'")) WriteObject(report);
    }

    // The last start in a log decides: nothing can be said before all of it has come.
    private protected override void Finish()
    {
        if (ParameterSetName != ByLog) return;
        foreach (ProxyLogReading reading in _log.Finish())
        {
            if (reading.Report is not { } report)
            {
                WriteError(NoMode(reading));
                continue;
            }

            if (report.Mode == KubeProxyMode.Ipvs) IpvsWarning.Once(this);
            WriteObject(report);
        }
    }

    private static ErrorRecord NoMode(ProxyLogReading reading)
    {
        string message = $"{(reading.Source is null ? "" : $"{reading.Source}: ")}{reading.Problem} {reading.Remedy}.";
        return new ErrorRecord(new ItemNotFoundException(message), "LbTest.NoProxyMode", ErrorCategory.ObjectNotFound, reading.Source)
        {
            ErrorDetails = new ErrorDetails(message) { RecommendedAction = reading.Remedy },
        };
    }
}
