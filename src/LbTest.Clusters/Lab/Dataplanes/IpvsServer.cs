using System.Globalization;
using LbTest.Engine.Sockets;

namespace LbTest.Clusters.Lab.Dataplanes;

/// <summary>What the kernel knows a virtual server by.</summary>
/// <param name="Protocol">TCP or UDP.</param>
/// <param name="Address">Its address and port.</param>
internal sealed record IpvsName(TransportProtocol Protocol, IPEndPoint Address)
{
    /// <summary>As ipvsadm(8) takes it: <c>-t 10.0.0.1:80</c>, <c>-u [fd00::1]:80</c>.</summary>
    public override string ToString() => $"{(Protocol == TransportProtocol.Tcp ? "-t" : "-u")} {Address}";
}

/// <summary>A virtual server as it is wanted: one address of one service port.</summary>
/// <param name="Name">What the kernel knows it by.</param>
/// <param name="Options">Scheduler, its flags and persistence, as ipvsadm takes them.</param>
/// <param name="Service">The service port's full name.</param>
/// <param name="Targets">The endpoints that it sends to.</param>
internal sealed record IpvsServer(IpvsName Name, string Options, string Service, ImmutableArray<FamilyEndpoint> Targets)
{
    /// <summary>All that a node needs, both families together.</summary>
    internal static ImmutableArray<IpvsServer> Of(DesiredState state) =>
    [
        .. (from family in NodeView.Families
            let node = new NodeView(state, family)
            from service in node.Services
            from server in Of(service, node, state.Scheduler)
            select server).DistinctBy(server => server.Name),
    ];

    private static IEnumerable<IpvsServer> Of(NodeService node, NodeView view, IpvsScheduler scheduler)
    {
        FamilyService service = node.Service;
        string options = OptionsOf(scheduler, service.AffinitySeconds, view.IsIPv4);
        if (service.ClusterAddress is { } cluster) yield return Server(cluster, service.Port.Port, node.IsInternalLocal);
        foreach (IPAddress balancer in service.LoadBalancerAddresses) yield return Server(balancer, service.Port.Port, node.IsExternalLocal);
        if (service.Port.NodePort is 0) yield break;
        foreach (IPAddress address in view.NodeAddresses) yield return Server(address, service.Port.NodePort, node.IsExternalLocal);

        // With no endpoint of its own a node takes all: from pods that works (kubernetes/kubernetes#97081), to clients outside they answer from their own address.
        IpvsServer Server(IPAddress address, int port, bool local) => new(
            new IpvsName(service.Port.Protocol, new IPEndPoint(address, port)), options, service.Port.FullName, local && !node.Local.IsEmpty ? node.Local : service.Endpoints);
    }

    // Maglev hashing takes the client's port too, as kube-proxy has it.
    private static string OptionsOf(IpvsScheduler scheduler, int? seconds, bool ipv4)
    {
        string flags = scheduler == IpvsScheduler.Mh ? " -b mh-port" : "";
        string persistence = seconds is null ? "" : string.Create(CultureInfo.InvariantCulture, $" -p {seconds} -M {(ipv4 ? "255.255.255.255" : "128")}");
        return $"-s {scheduler.Word()}{flags}{persistence}";
    }
}
