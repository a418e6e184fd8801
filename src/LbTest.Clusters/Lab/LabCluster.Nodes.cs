using LbTest.Clusters.Conntrack;
using LbTest.Clusters.Ipvs;
using LbTest.Clusters.Lab.Dataplanes;
using LbTest.Clusters.Prerequisites;
using LbTest.Clusters.Protocol;

namespace LbTest.Clusters.Lab;

// Looks into its nodes.
public sealed partial class LabCluster
{
    /// <inheritdoc/>
    public override async Task<ImmutableArray<EndpointCounter>> ObserveAsync(CancellationToken cancel)
    {
        AgentResponse response = await _agent.AskAsync(new AgentRequest { Verb = AgentVerb.Observe }, cancel: cancel).ConfigureAwait(false);
        return response.Counters ?? [];
    }

    /// <inheritdoc/>
    public override async Task<ImmutableArray<VirtualServer>> GetVirtualServersAsync(string? node, CancellationToken cancel) =>
        (await LookAsync(AgentVerb.VirtualServers, node, cancel).ConfigureAwait(false)).VirtualServers ?? [];

    /// <inheritdoc/>
    public override async Task<ImmutableArray<ServiceAddress>> GetServiceAddressesAsync(string? node, CancellationToken cancel) =>
        (await LookAsync(AgentVerb.ServiceAddresses, node, cancel).ConfigureAwait(false)).ServiceAddresses ?? [];

    /// <inheritdoc/>
    public override async Task<ImmutableArray<ConntrackEntry>> GetConntrackAsync(ConntrackFilter filter, string? node, CancellationToken cancel) =>
        (await LookAsync(AgentVerb.Conntrack, node, cancel, filter).ConfigureAwait(false)).Conntrack ?? [];

    /// <inheritdoc/>
    public override async Task<ImmutableArray<ConntrackEntry>> ClearConntrackAsync(ConntrackFilter filter, string? node, CancellationToken cancel) =>
        (await LookAsync(AgentVerb.ClearConntrack, node, cancel, filter).ConfigureAwait(false)).Conntrack ?? [];

    /// <inheritdoc/>
    public override Task<ImmutableArray<Prerequisite>> GetPrerequisitesAsync(IReadOnlyCollection<ProxyMode> modes, CancellationToken cancel) => Task.Run(() => PrerequisiteCheck.Of(modes, Kernel), cancel);

    private Task<AgentResponse> LookAsync(AgentVerb what, string? node, CancellationToken cancel, ConntrackFilter? filter = null) =>
        _agent.AskAsync(new AgentRequest { Verb = what, From = node, Conntrack = filter }, cancel: cancel);
}
