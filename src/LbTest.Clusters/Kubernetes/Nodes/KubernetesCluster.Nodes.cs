using System.Net.Sockets;
using System.Text.Json;
using LbTest.Clusters.Conntrack;
using LbTest.Clusters.Ipvs;
using LbTest.Clusters.Kubernetes.Api;
using LbTest.Clusters.Kubernetes.Deploy;
using LbTest.Clusters.Kubernetes.Nodes;
using LbTest.Clusters.Lab.Dataplanes;
using LbTest.Clusters.Prerequisites;
using LbTest.Clusters.Protocol;
using LbTest.Engine;
using LbTest.Engine.Sockets;

namespace LbTest.Clusters.Kubernetes;

// Looks into its nodes, where that has been permitted.
public sealed partial class KubernetesCluster
{
    /// <inheritdoc/>
    public override Task<ImmutableArray<VirtualServer>> GetVirtualServersAsync(string? node, CancellationToken cancel) => LookIpvsAsync(node, async (name, shell) =>
        IpvsCounting.Add(IpvsadmText.Parse(await shell.RunAsync(false, "ipvsadm", "-Ln").ConfigureAwait(false), name), IpvsadmText.Parse(await shell.RunAsync(false, "ipvsadm", "-Ln", "--stats", "--exact").ConfigureAwait(false))), cancel);

    /// <inheritdoc/>
    public override Task<ImmutableArray<ServiceAddress>> GetServiceAddressesAsync(string? node, CancellationToken cancel) => LookIpvsAsync(node, async (name, shell) =>
        ServiceAddressAnalysis.Of(BoundAddress.Parse(await shell.RunAsync(false, "ip", "-o", "addr", "show").ConfigureAwait(false)), IpvsadmText.Parse(await shell.RunAsync(false, "ipvsadm", "-Ln").ConfigureAwait(false)), name), cancel);

    /// <inheritdoc/>
    public override Task<ImmutableArray<ConntrackEntry>> GetConntrackAsync(ConntrackFilter filter, string? node, CancellationToken cancel) => Track(ConntrackTool.List(filter), node, cancel);

    /// <inheritdoc/>
    public override Task<ImmutableArray<ConntrackEntry>> ClearConntrackAsync(ConntrackFilter filter, string? node, CancellationToken cancel) => Track(ConntrackTool.Delete(filter), node, cancel);

    /// <inheritdoc/>
    public override Task<ImmutableArray<Prerequisite>> GetPrerequisitesAsync(IReadOnlyCollection<ProxyMode> modes, CancellationToken cancel) => LookAsync<Prerequisite>(null, async (name, shell) =>
        [.. JsonSerializer.Deserialize(await shell.PrerequisitesAsync(modes).ConfigureAwait(false), AgentJson.Default.ImmutableArrayPrerequisite).Select(one => one with { Node = name })], cancel);

    /// <inheritdoc/>
    /// <remarks>kube-proxy's rules in mode nftables have no counters for endpoints.</remarks>
    public override async Task<ImmutableArray<EndpointCounter>> ObserveAsync(CancellationToken cancel)
    {
        RequireNodeAccess();
        await RefreshAsync(cancel).ConfigureAwait(false);
        Dictionary<string, KubeProxyMode> modes = await ModesAsync(cancel).ConfigureAwait(false);
        return await LookAsync(null, (name, shell) => modes.GetValueOrDefault(name, KubeProxyMode.Unknown) switch
        {
            KubeProxyMode.Iptables => CountIptables(name, shell),
            KubeProxyMode.Ipvs => CountIpvs(name, shell),
            var mode => throw new PlanException("Cluster", Name, $"has no counters to read on {name}, which is in mode {mode}", "Only the modes Iptables and Ipvs count connections by endpoint"),
        }, cancel).ConfigureAwait(false);
    }

    private async Task<ImmutableArray<EndpointCounter>> CountIptables(string node, NodeShell shell)
    {
        DesiredState state = Services(node);
        var counters = new Dictionary<AddressFamily, Dictionary<string, RuleCounter>>();
        foreach (AddressFamily family in NodeView.Families)
        {
            string tool = family == AddressFamily.InterNetwork ? "iptables-save" : "ip6tables-save";
            bool served = state.Services.Any(service => service.ClusterAddresses.Any(address => address.AddressFamily == family));
            counters[family] = served ? IptablesDataplane.ReadCounters(await shell.RunAsync(proxyFirst: true, tool, "-c", "-t", "nat").ConfigureAwait(false)) : [];
        }

        return NodeView.Count(state, family => counters[family], endpoint => endpoint.IptablesChain);
    }

    private async Task<ImmutableArray<EndpointCounter>> CountIpvs(string node, NodeShell shell) =>
        IpvsDataplane.Count(Services(node), await shell.RunAsync(proxyFirst: true, "ipvsadm", "-L", "-n", "--stats", "--exact").ConfigureAwait(false));

    private Task<ImmutableArray<ConntrackEntry>> Track(IEnumerable<string[]> commands, string? node, CancellationToken cancel)
    {
        string[][] all = [.. commands];
        return LookAsync<ConntrackEntry>(node, async (name, shell) =>
        {
            var found = new List<ConntrackEntry>();
            foreach (string[] arguments in all) found.AddRange(ConntrackTool.Read(await Print(shell, arguments).ConfigureAwait(false), name));
            return [.. found];
        }, cancel);
    }

    private static async Task<string> Print(NodeShell shell, string[] arguments)
    {
        try
        {
            return await shell.RunAsync(false, [ConntrackTool.Name, .. arguments]).ConfigureAwait(false);
        }
        catch (KubernetesException exception) when (exception.Message.Contains(ConntrackTool.NothingDeleted, StringComparison.Ordinal))
        {
            return "";
        }
    }

    private Task<ImmutableArray<T>> LookAsync<T>(string? node, Func<string, NodeShell, Task<ImmutableArray<T>>> look, CancellationToken cancel) => new NodePods(Api, Spec).LookAsync(Chosen(node), look, cancel);

    // Where kube-proxy is known to be in another mode there are no virtual servers, and perhaps no ipvsadm; who else does its job may have some. A kernel may have no IPVS at all.
    private async Task<ImmutableArray<T>> LookIpvsAsync<T>(string? node, Func<string, NodeShell, Task<ImmutableArray<T>>> look, CancellationToken cancel)
    {
        ImmutableArray<string> nodes = Chosen(node);
        Dictionary<string, KubeProxyMode> modes = await ModesAsync(cancel).ConfigureAwait(false);
        string[] possible = [.. nodes.Where(name => modes.GetValueOrDefault(name, KubeProxyMode.Unknown) is not (KubeProxyMode.Iptables or KubeProxyMode.Nftables))];
        int without = 0;
        ImmutableArray<T> found = possible.Length == 0 ? [] : await new NodePods(Api, Spec).LookAsync(possible, async (name, shell) =>
        {
            try
            {
                return await look(name, shell).ConfigureAwait(false);
            }
            catch (KubernetesException exception) when (exception.Message.Contains(IpvsadmText.NoIpvs, StringComparison.Ordinal))
            {
                _ = Interlocked.Increment(ref without);
                return [];
            }
        }, cancel).ConfigureAwait(false);
        PlanException.Require(without < possible.Length, node is null ? "Cluster" : "NodeName", node ?? Name, "is not in mode Ipvs, so it has no virtual servers", "Change the cluster over: Set-LbProxyMode -ProxyMode Ipvs");
        return found;
    }

    private ImmutableArray<string> Chosen(string? node)
    {
        RequireNodeAccess();
        PlanException.Require(node is null || Nodes.Contains(node), "NodeName", node, $"is no node of '{Name}'", $"Its nodes are {string.Join(", ", Nodes.Take(5))}");
        return node is null ? Nodes : [node];
    }

    private void RequireNodeAccess() => PlanException.Require(NodeAccess, "Cluster", Name, "was started without access to its nodes",
        $"Start it, or take it over, with that: Start-LbCluster -Kubernetes -Context {Context} -Namespace {Namespace} -NodeAccess");

    // The test's own service, as a node's kube-proxy sees it.
    private DesiredState Services(string node) => new(node, [], [], [],
    [
        .. (_view.Service.Spec?.Ports ?? []).Where(port => port.Protocol is null or "TCP" or "UDP").Select(port => new ServicePort
        {
            Namespace = Namespace, Name = ClusterObjects.Name, PortName = port.Name ?? "", Protocol = port.Protocol == "UDP" ? TransportProtocol.Udp : TransportProtocol.Tcp, Port = port.Port,
            NodePort = port.NodePort ?? 0, ClusterAddresses = [.. _view.ClusterAddresses],
            Endpoints = [.. _view.Endpoints.SelectMany(endpoint => endpoint.Addresses.Select(address => new EndpointAddress(endpoint.Name, address, port.Port, endpoint.Node)))],
        }),
    ]);
}
