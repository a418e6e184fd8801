using LbTest.Clusters.Lab;
using LbTest.Clusters.Lab.Dataplanes;
using LbTest.Cmdlets.Parameters;

namespace LbTest.Cmdlets.Clusters;

/// <summary>Changes the nodes of a running lab over to another proxy mode or scheduler, without a restart.</summary>
[Cmdlet(VerbsCommon.Set, "LbProxyMode", SupportsShouldProcess = true)]
[OutputType(typeof(LabCluster))]
public sealed class SetLbProxyModeCommand : LbCommand
{
    /// <summary>The labs, or their names; the one started last if not given.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true)]
    [ArgumentCompleter(typeof(LabNameCompleter))]
    [Cluster]
    public LabCluster? Cluster { get; set; }

    /// <summary>The mode to change over to.</summary>
    [Parameter(Position = 1)]
    public ProxyMode? ProxyMode { get; set; }

    /// <summary>The scheduler of mode Ipvs to change over to.</summary>
    [Parameter]
    public IpvsScheduler? IpvsScheduler { get; set; }

    /// <summary>Returns the lab.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    private protected override void Process()
    {
        LabCluster lab = Cluster ?? RunningLabs.Newest() ?? throw new PlanException(nameof(Cluster), null, "is missing, and no lab is running", "Start one with Start-LbCluster");
        LabMode from = Run(_ => Current(lab), $"Asking '{lab.Name}'"), to = from.To(ProxyMode, IpvsScheduler);
        if (to == from) WriteVerbose($"Lab '{lab.Name}' is in {to} already.");
        else if (!ShouldProcess($"lab '{lab.Name}'", $"Change the proxy mode from {from} to {to}")) return;
        else
        {
            if (to.Scheduler is not null) IpvsWarning.Once(this);
            _ = Run(_ => Change(lab, to), $"Changing '{lab.Name}' over to {to}");
        }

        if (PassThru) WriteObject(lab);
    }

    private static async Task<LabMode> Current(LabCluster lab)
    {
        await lab.RefreshAsync().ConfigureAwait(false);
        return lab.Mode;
    }

    // Once begun it goes on to its end: nodes in two modes are of no use to anyone.
    private static async Task<bool> Change(LabCluster lab, LabMode mode)
    {
        await lab.SetModeAsync(mode).ConfigureAwait(false);
        return true;
    }
}
