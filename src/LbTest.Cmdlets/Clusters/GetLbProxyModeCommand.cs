using LbTest.Clusters.Kubernetes;
using LbTest.Clusters.Lab;
using LbTest.Cmdlets.Parameters;

namespace LbTest.Cmdlets.Clusters;

/// <summary>Tells which proxy mode is in force, and with which scheduler: from kube-proxy's log, or of a lab.</summary>
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

    /// <summary>A lab, or its name.</summary>
    [Parameter(Position = 0, Mandatory = true, ValueFromPipeline = true, ParameterSetName = ByCluster)]
    [ArgumentCompleter(typeof(LabNameCompleter))]
    [Cluster]
    public LabCluster Cluster { get; set; } = null!;

    private protected override void Process()
    {
        if (ParameterSetName == ByLog) _log.Add(InputObject, Source is null ? null : Source[(Source.LastIndexOf("::", StringComparison.Ordinal) is >= 0 and var provider ? provider + 2 : 0)..]);
        else WriteObject(Run(_ => Current(Cluster), $"Asking '{Cluster.Name}'"));
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

    // Another session may have changed it.
    private static async Task<ProxyModeReport> Current(LabCluster lab)
    {
        await lab.RefreshAsync().ConfigureAwait(false);
        return lab.Mode.Report(lab.Name);
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
