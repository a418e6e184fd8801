using LbTest.Clusters.Kubernetes.Api;
using LbTest.Clusters.Kubernetes.Proxy;
using LbTest.Clusters.Lab.Dataplanes;

namespace LbTest.Clusters.Kubernetes;

// The proxy mode of its nodes.
public sealed partial class KubernetesCluster
{
    private volatile ProxyModeReport? _mode;

    /// <inheritdoc/>
    /// <remarks>As it was when it was asked for last; null before, and where nodes differ.</remarks>
    public override ProxyMode? ProxyMode => Enum.TryParse(_mode?.Mode.ToString(), out ProxyMode mode) ? mode : null;

    /// <summary>In mode IPVS: the scheduler, where it is known.</summary>
    public IpvsScheduler? IpvsScheduler => ProxyMode == Lab.Dataplanes.ProxyMode.Ipvs && Enum.TryParse(_mode!.Scheduler, ignoreCase: true, out IpvsScheduler known) ? known : null;

    /// <inheritdoc/>
    public override async Task<ImmutableArray<ProxyModeReport>> GetProxyModesAsync(CancellationToken cancel)
    {
        ImmutableArray<ProxyModeReport> reports = await new ProxyModeReader(Api).ReadAsync(cancel).ConfigureAwait(false);
        bool same = reports.Select(report => (report.Mode, report.Scheduler)).Distinct().Count() == 1;
        _mode = same && reports[0].Proxy == ProxyModeReport.KubeProxy ? reports[0] : null;
        return reports;
    }

    private async Task<Dictionary<string, KubeProxyMode>> ModesAsync(CancellationToken cancel) =>
        (await GetProxyModesAsync(cancel).ConfigureAwait(false)).Where(report => report.Node is not null).ToDictionary(report => report.Node!, report => report.Mode);

    // Tests do without.
    private async Task TryReadMode(CancellationToken cancel)
    {
        try
        {
            _ = await GetProxyModesAsync(cancel).ConfigureAwait(false);
        }
        catch (KubernetesException)
        {
            _mode = null;
        }
    }

    /// <inheritdoc/>
    /// <remarks>After a look, for which it needs access to the nodes, its warnings name what each of them lacks; otherwise what each would need.</remarks>
    public override async Task<ProxyModeChange> PlanProxyModeAsync(ProxyMode? mode, IpvsScheduler? scheduler, bool look, CancellationToken cancel)
    {
        KubeProxyModeChange change = await KubeProxyModeChange.PlanAsync(Api, mode, scheduler, cancel).ConfigureAwait(false);
        if (!look || !NodeAccess || !change.IsNeeded || change.Warnings.IsEmpty) return change;
        try
        {
            change.Found(await GetPrerequisitesAsync([change.Mode], cancel).ConfigureAwait(false));
        }
        // The look is an aid: kube-proxy will find out anyway, and then all is changed back.
        catch (KubernetesException exception) when (!cancel.IsCancellationRequested)
        {
            change.NotFound(exception.Message);
        }

        return change;
    }
}
