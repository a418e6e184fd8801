using LbTest.Clusters.Kubernetes;
using LbTest.Clusters.Lab.Dataplanes;
using LbTest.Clusters.Protocol;
using LbTest.Engine;

namespace LbTest.Clusters.Lab;

// How its nodes balance.
public sealed partial class LabCluster
{
    /// <inheritdoc/>
    public override ProxyMode? ProxyMode => Spec.ProxyMode;

    /// <summary>In mode IPVS: the scheduler; null in other modes.</summary>
    public IpvsScheduler? IpvsScheduler => Mode.Scheduler;

    /// <summary>How its nodes balance: proxy mode and scheduler.</summary>
    public LabMode Mode => new(Spec.ProxyMode, Spec.IpvsScheduler);

    /// <inheritdoc/>
    public override async Task<ImmutableArray<ProxyModeReport>> GetProxyModesAsync(CancellationToken cancel)
    {
        await RefreshAsync().ConfigureAwait(false);
        return [Mode.Report(Name)];
    }

    /// <inheritdoc/>
    public override async Task<ProxyModeChange> PlanProxyModeAsync(ProxyMode? mode, IpvsScheduler? scheduler, bool look, CancellationToken cancel)
    {
        await RefreshAsync().ConfigureAwait(false);
        return new LabModeChange(this, Mode.To(mode, scheduler));
    }

    /// <summary>Changes all nodes over to another mode or scheduler, without a restart. Connections that exist stay where they are; only those that IPVS has are lost when its mode is left.</summary>
    /// <param name="mode">What they are to change over to, see <see cref="LabMode.To"/>.</param>
    /// <exception cref="PlanException">The lab's kernel cannot do that, or a traffic test with disturbances is running. Nothing has been touched.</exception>
    /// <exception cref="InvalidOperationException">It failed; the message says whether the lab is what it was before.</exception>
    /// <exception cref="AgentLostException">The lab is gone.</exception>
    public async Task SetModeAsync(LabMode mode)
    {
        ArgumentNullException.ThrowIfNull(mode);
        _ = await _agent.AskAsync(new AgentRequest { Verb = AgentVerb.SetMode, Lab = mode.Of(Spec) }).ConfigureAwait(false);
        _topology = new LabTopology(mode.Of(Spec));
    }

    /// <summary>Takes note of a change of mode that was made from another shell, which only a detached lab can meet.</summary>
    public async Task RefreshAsync()
    {
        if (!Detached || !Running) return;
        AgentResponse response = await _agent.AskAsync(new AgentRequest { Verb = AgentVerb.Describe }).ConfigureAwait(false);
        if (new LabMode(response.Lab!.ProxyMode, response.Lab.IpvsScheduler) != Mode) _topology = new LabTopology(response.Lab);
    }
}
