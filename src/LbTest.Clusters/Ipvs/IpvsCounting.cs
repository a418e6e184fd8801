namespace LbTest.Clusters.Ipvs;

/// <summary>Puts together what ipvsadm says in two outputs: the list, and the counters.</summary>
public static class IpvsCounting
{
    /// <summary>The servers of a list with the counters of the same servers.</summary>
    /// <param name="listed">Servers with their schedulers, weights and connections (<c>ipvsadm -Ln</c>).</param>
    /// <param name="counted">Servers with counters (<c>ipvsadm -Ln --stats --exact</c>) of the same node.</param>
    /// <returns>The servers of the list, in its order; those that nothing was counted for, because they came between the two outputs, have no counters.</returns>
    public static ImmutableArray<VirtualServer> Add(IEnumerable<VirtualServer> listed, IEnumerable<VirtualServer> counted)
    {
        ArgumentNullException.ThrowIfNull(listed);
        ArgumentNullException.ThrowIfNull(counted);
        var counts = new Dictionary<string, VirtualServer>(StringComparer.Ordinal);
        foreach (VirtualServer server in counted) _ = counts.TryAdd(server.Name, server);
        return [.. listed.Select(server => counts.TryGetValue(server.Name, out VirtualServer? count) ? Add(server, count) : server)];
    }

    private static VirtualServer Add(VirtualServer server, VirtualServer counted)
    {
        var counts = new Dictionary<(string, int?, string?), IpvsCounters?>();
        foreach (RealServer real in counted.RealServers) _ = counts.TryAdd((real.Address, real.Port, real.PortName), real.Counters);
        return server with
        {
            Counters = counted.Counters,
            RealServers = [.. server.RealServers.Select(real => real with { Counters = counts.GetValueOrDefault((real.Address, real.Port, real.PortName)) })],
        };
    }
}
