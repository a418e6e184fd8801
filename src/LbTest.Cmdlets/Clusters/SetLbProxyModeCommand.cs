using LbTest.Clusters;
using LbTest.Clusters.Lab.Dataplanes;
using LbTest.Cmdlets.Parameters;

namespace LbTest.Cmdlets.Clusters;

/// <summary>Changes the nodes of a running cluster over to another proxy mode or scheduler: a lab's without a restart, a Kubernetes cluster's by kube-proxy's ConfigMap and DaemonSet.</summary>
[Cmdlet(VerbsCommon.Set, "LbProxyMode", SupportsShouldProcess = true)]
[OutputType(typeof(Cluster))]
public sealed class SetLbProxyModeCommand : LbCommand
{
    /// <summary>The clusters, or their names; the one started last if not given.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true)]
    [ArgumentCompleter(typeof(ClusterNameCompleter))]
    [Cluster]
    public Cluster? Cluster { get; set; }

    /// <summary>The mode to change over to.</summary>
    [Parameter(Position = 1)]
    public ProxyMode? ProxyMode { get; set; }

    /// <summary>The scheduler of mode Ipvs to change over to.</summary>
    [Parameter]
    public IpvsScheduler? IpvsScheduler { get; set; }

    /// <summary>How long a Kubernetes cluster may take for it, and as long again to take it back; default 5 minutes.</summary>
    [Parameter]
    [Alias("Timeout")]
    [Seconds]
    public TimeSpan TimeoutSec { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>Returns the cluster.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    private protected override void Process()
    {
        PlanException.Require(TimeoutSec > TimeSpan.Zero, nameof(TimeoutSec), TimeoutSec, "is no time", "Give more than zero seconds");
        Cluster cluster = Cluster ?? RunningClusters.Newest() ?? throw new PlanException(nameof(Cluster), null, "is missing, and no cluster is running", "Start one with Start-LbCluster");
        string what = $"{(cluster.Kind == "Lab" ? "lab" : "cluster")} '{cluster.Name}'";
        // A look makes pods: not even that with -WhatIf, which PowerShell would tell only after the warnings, when it is asked about the change.
        bool look = !LanguagePrimitives.IsTrue(MyInvocation.BoundParameters.TryGetValue("WhatIf", out object? given) ? given : GetVariableValue("WhatIfPreference"));
        ProxyModeChange change = Run(cancel => cluster.PlanProxyModeAsync(ProxyMode, IpvsScheduler, look, cancel), $"Asking '{cluster.Name}'");
        if (!change.IsNeeded) WriteVerbose($"{char.ToUpperInvariant(what[0])}{what[1..]} is in {change.ToMode} already.");
        else
        {
            foreach (string warning in change.Warnings) WriteWarning(warning);
            if (!Allowed(change, what)) return;
            if (change.ToIpvs) IpvsWarning.Once(this);
            string step = "";
            _ = Run(cancel => Apply(change, text => step = text, cancel), $"Changing '{cluster.Name}' over to {change.ToMode}", record => record.StatusDescription = step.Length > 0 ? step : record.StatusDescription);
        }

        if (PassThru) WriteObject(cluster);
    }

    // -WhatIf shows what would be changed in the file.
    private bool Allowed(ProxyModeChange change, string what)
    {
        string action = $"Change the proxy mode from {change.FromMode} to {change.ToMode}";
        return change.Diff.Length == 0 ? ShouldProcess(what, action) : ShouldProcess($"{action} on {what}, with this change and a restart of kube-proxy:\n{change.Diff}", $"{action} on {what}?\n{change.Diff}", "Set-LbProxyMode");
    }

    private async Task<bool> Apply(ProxyModeChange change, Action<string> progress, CancellationToken cancel)
    {
        await change.ApplyAsync(TimeoutSec, new Steps(progress), cancel).ConfigureAwait(false);
        return true;
    }

    private sealed class Steps(Action<string> report) : IProgress<string>
    {
        public void Report(string value) => report(value);
    }
}
