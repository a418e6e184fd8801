using System.Net.Sockets;
using LbTest.Clusters.Ipvs;
using LbTest.Clusters.Tools;
using LbTest.Engine.Sockets;

namespace LbTest.Clusters.Lab.Dataplanes;

/// <summary>kube-proxy's IPVS mode, by <c>ipvsadm</c>, <c>ipset</c>, <c>iptables-restore</c> and <c>ip</c>.</summary>
/// <remarks>
/// Structure and behaviour are those of kube-proxy 1.34: a virtual server for each address of a service, all service addresses on the device
/// <c>kube-ipvs0</c>, which is never up, and a handful of rules that match sets, for what has to be masqueraded. What differs:
/// <list type="bullet">
/// <item>Node ports are served at the addresses of the node that <see cref="DesiredState.NodeAddresses"/> has; kube-proxy takes every address that the node has, those of bridges too.</item>
/// <item>External addresses and source ranges of load balancers are not here, nor health check ports: the sets for them are empty.</item>
/// <item>A real server that comes back while it still drains gets its weight back; kube-proxy deletes it and adds it again. What has drained is deleted
/// by the next <see cref="Apply"/>, where kube-proxy looks every minute.</item>
/// <item>The tables nat and filter are replaced as a whole: rules of others in them are gone.</item>
/// </list>
/// <c>ipvsadm</c> has no atomic replacement. To clear the table first would refuse clients for a moment and forget their connections. So one <c>ipvsadm -R</c> is told
/// the difference to what there is, which is read from the kernel where endpoints leave or come. It is the same with sets and addresses; rules are replaced where they
/// differ. Counters of real servers go on.
/// </remarks>
public sealed class IpvsDataplane : IDataplane
{
    /// <inheritdoc/>
    public ProxyMode Mode => ProxyMode.Ipvs;

    /// <inheritdoc/>
    public void Apply(DesiredState state, DesiredState? inForce = null, Action<ImmutableArray<EndpointCounter>>? keep = null)
    {
        // All texts before the first tool: bad input changes nothing.
        var wanted = new IpvsState(state);
        IpvsState? before = inForce is null ? null : new IpvsState(inForce);
        bool bound = before is not null || HasDevice();
        ImmutableArray<string> rules = wanted.Rules;
        ChangeServers(wanted, before, state, inForce, keep);
        if (before is null) SetSysctls();
        // Sets before the rules that match them, and addresses when all is ready for what is sent there.
        string sets = IpSet.Change(before?.Sets.SelectMany(set => set.Lines) ?? (bound ? Tool.Run("ipset", ["save"]).Split('\n') : []), wanted.Sets);
        if (sets.Length > 0) _ = Tool.Run("ipset", ["restore", "-exist"], sets);
        for (int i = 0; i < rules.Length; i++)
            if (rules[i] != before?.Rules[i]) _ = Tool.Run(IptablesDataplane.Name(NodeView.Families[i]) + "-restore", ["-w", "5"], rules[i]);
        string addresses = ChangeOfAddresses(bound, before?.Addresses ?? (bound ? BoundAddresses() : []), wanted.Addresses);
        if (addresses.Length > 0) _ = Tool.Run("ip", ["-batch", "-"], addresses);
    }

    /// <inheritdoc/>
    public void Remove()
    {
        new IptablesDataplane().Remove();
        if (!IpvsTable.IsEmpty()) _ = Tool.Run("ipvsadm", ["-C"]);
        if (HasDevice()) _ = Tool.Run("ip", ["link", "del", Device]);
        for (int turn = 1; ; turn++)
        {
            try
            {
                _ = Tool.Run("ipset", ["destroy"]);
                return;
            }
            catch (ToolException exception) when (turn < 20 && exception.Message.Contains("in use", StringComparison.Ordinal))
            {
                // nf_tables lets go of what deleted rules matched a moment later.
                Thread.Sleep(10);
            }
        }
    }

    /// <inheritdoc/>
    public ImmutableArray<EndpointCounter> Observe(DesiredState state) => Count(state, IpvsServer.Of(state), Tool.Run("ipvsadm", Statistics), _ => true);

    private const string Device = ServiceAddress.ServiceDevice;

    /// <summary>What each endpoint's real servers counted, read from the output of <c>ipvsadm -L -n --stats --exact</c>.</summary>
    internal static ImmutableArray<EndpointCounter> Count(DesiredState state, string listed) => Count(state, IpvsServer.Of(state), listed, _ => true);

    private static readonly string[] Servers = ["-L", "-n"], Statistics = [.. Servers, "--stats", "--exact"];

    private static void ChangeServers(IpvsState wanted, IpvsState? before, DesiredState state, DesiredState? inForce, Action<ImmutableArray<EndpointCounter>>? keep)
    {
        IpvsTable existing = before is null ? new IpvsTable(IpvsTable.IsEmpty() ? [] : IpvsadmText.Parse(Tool.Run("ipvsadm", Servers)))
            : IpvsChange.MovesTargets(wanted.Servers, before.Servers) ? new IpvsTable(IpvsadmText.Parse(Tool.Run("ipvsadm", Servers)))
            : new IpvsTable(before.Servers);
        var change = new IpvsChange(wanted.Servers, existing, before?.Servers);
        if (change.Lines.Length == 0) return;
        // In one process with the changes, what was counted is listed: before them for those who leave, after them for those who come.
        bool leave = keep is not null && change.Leaving.Count > 0, come = keep is not null && change.Entering.Count > 0;
        string list = string.Join(' ', Statistics) + '\n';
        // ipvsadm goes on after a line that failed, and ends as the last one did.
        string listed = Tool.Run("ipvsadm", ["-R"], $"{(leave ? list : "")}{change.Lines}{(come ? list : "")}", goesOn: true);
        int last = listed.LastIndexOf("IP Virtual Server version", StringComparison.Ordinal);
        if (leave) keep!(Count(inForce!, before!.Servers, come ? listed[..last] : listed, change.Leaving.ToHashSet().Contains));
        if (come) keep!([.. Count(state, wanted.Servers, listed[last..], change.Entering.ToHashSet().Contains).Select(c => c with { Packets = -c.Packets, Bytes = -c.Bytes })]);
    }

    /// <summary>What each endpoint's real servers counted, those of the virtual servers of one service port together; zero for one that has none on this node.</summary>
    private static ImmutableArray<EndpointCounter> Count(DesiredState state, ImmutableArray<IpvsServer> servers, string listed, Predicate<IpvsChange.Pair> counts)
    {
        var table = new IpvsTable(IpvsadmText.Parse(listed));
        var sums = new Dictionary<(string Service, IPEndPoint Target), RuleCounter>();
        foreach (IpvsServer server in servers)
            foreach (IPEndPoint target in server.Targets.Select(IpvsChange.AddressOf))
            {
                if (!counts(new IpvsChange.Pair(server.Name, target)) || table.GetValueOrDefault(server.Name)?.GetValueOrDefault(target)?.Counters is not { } counter) continue;
                RuleCounter sum = sums.GetValueOrDefault((server.Service, target));
                sums[(server.Service, target)] = new RuleCounter(sum.Packets + counter.Connections, sum.Bytes + counter.IncomingBytes);
            }

        return
        [
            .. from family in NodeView.Families
               from node in new NodeView(state, family).Services
               from endpoint in node.Service.Endpoints
               let sum = sums.GetValueOrDefault((node.Service.Port.FullName, IpvsChange.AddressOf(endpoint)))
               select new EndpointCounter(state.NodeName, node.Service.Port.FullName, endpoint.Endpoint.Name, endpoint.Endpoint.Address, sum.Packets, sum.Bytes),
        ];
    }

    /// <summary>What <c>ip -batch</c> has to be told; empty when nothing has to be done.</summary>
    internal static string ChangeOfAddresses(bool hasDevice, ImmutableArray<IPAddress> existing, ImmutableArray<IPAddress> wanted) => string.Concat(
    [
        hasDevice ? "" : $"link add {Device} type dummy\n",
        .. wanted.Except(existing).Select(address => $"addr add {Prefix(address)} dev {Device}{(address.AddressFamily == AddressFamily.InterNetworkV6 ? " nodad" : "")}\n"),
        .. existing.Except(wanted).Select(address => $"addr del {Prefix(address)} dev {Device}\n"),
    ]);

    private static ImmutableArray<IPAddress> BoundAddresses() => [.. BoundAddress.Parse(Tool.Run("ip", ["-o", "addr", "show"])).Where(bound => bound.Device == Device).Select(bound => bound.Address)];

    private static string Prefix(IPAddress address) => $"{address}/{(address.AddressFamily == AddressFamily.InterNetwork ? 32 : 128)}";

    private static bool HasDevice() => File.ReadLines("/proc/thread-self/net/dev").Any(line => line.TrimStart().StartsWith(Device + ":", StringComparison.Ordinal));

    private static void SetSysctls()
    {
        const string folder = "/proc/sys/net/ipv4/vs/";
        // They are there for root of the machine's first user namespace only.
        if (!File.Exists(folder + "conntrack")) throw new InvalidOperationException("This kernel does not let IPVS track connections for an ordinary user. Run as root, or start the lab on a user-mode kernel.");
        Set("conntrack", 1);
        // Where the kernel would let a client wait for a second that uses a port again (kubernetes/kubernetes#93297); since 5.9 it does not, and kube-proxy leaves the value alone.
        if (Environment.OSVersion.Version < new Version(5, 9) && File.Exists(folder + "conn_reuse_mode")) Set("conn_reuse_mode", 0);
        Set("expire_nodest_conn", 1);
        Set("expire_quiescent_template", 1);

        static void Set(string name, int value) => File.WriteAllText(folder + name, value == 1 ? "1" : "0");
    }
}
