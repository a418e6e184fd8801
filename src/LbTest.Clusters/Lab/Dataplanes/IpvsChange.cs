using System.Text;
using LbTest.Clusters.Ipvs;
using LbTest.Engine.Sockets;

namespace LbTest.Clusters.Lab.Dataplanes;

/// <summary>From the virtual servers that the kernel has to those that are wanted: the input of <c>ipvsadm -R</c>.</summary>
/// <remarks>
/// <c>ipvsadm -R</c> takes lines that add, edit and delete, so that what is not concerned stays as it is, its connections too. Endpoints leave as kube-proxy has
/// them leave: a real server for TCP that has connections gets weight 0, no new ones come, and it is deleted later; one without any, and one for UDP, is deleted at once.
/// </remarks>
internal sealed class IpvsChange
{
    /// <summary>One endpoint of one virtual server.</summary>
    internal readonly record struct Pair(IpvsName Server, IPEndPoint Target);

    private readonly StringBuilder _lines = new();
    private readonly List<Pair> _leaving = [], _entering = [];

    /// <summary>Compares.</summary>
    /// <param name="wanted">What is wanted.</param>
    /// <param name="existing">What the kernel has.</param>
    /// <param name="inForce">What was wanted last; null when nobody knows.</param>
    internal IpvsChange(ImmutableArray<IpvsServer> wanted, IpvsTable existing, ImmutableArray<IpvsServer>? inForce)
    {
        Dictionary<IpvsName, IpvsServer>? before = inForce?.ToDictionary(server => server.Name);
        foreach (IpvsServer server in wanted)
        {
            IpvsServer? old = before?.GetValueOrDefault(server.Name);
            Dictionary<IPEndPoint, RealServer>? has = existing.GetValueOrDefault(server.Name);
            // What the kernel tells of a server is not all that it was told: not its flags.
            if (has is null || old?.Options != server.Options) Line($"{(has is null ? "-A" : "-E")} {server.Name} {server.Options}");
            IPEndPoint[] targets = [.. server.Targets.Select(AddressOf)];
            foreach (IPEndPoint target in targets)
            {
                if (has is null || !has.TryGetValue(target, out RealServer? real)) Line($"-a {server.Name} -r {target} -m -w 1");
                else if (real.Weight != 1) Line($"-e {server.Name} -r {target} -m -w 1");
            }

            if (has is null) continue;
            Leave(server.Name, has, targets);
            if (old is null) continue;
            // A server that is new counts from zero; one that was deleted a moment ago may come back with what it had counted.
            _entering.AddRange(targets.Except(old.Targets.Select(AddressOf)).Select(target => new Pair(server.Name, target)));
        }

        foreach (IpvsName name in existing.Keys.Except(wanted.Select(server => server.Name))) Line($"-D {name}");
        if (before is null) return;
        var now = wanted.ToDictionary(server => server.Name, server => server.Targets.Select(AddressOf).ToHashSet());
        _leaving.AddRange(
            from server in before.Values
            from target in server.Targets.Select(AddressOf)
            where now.GetValueOrDefault(server.Name)?.Contains(target) != true && existing.GetValueOrDefault(server.Name)?.ContainsKey(target) == true
            select new Pair(server.Name, target));
    }

    /// <summary>The lines; empty when nothing has to be done.</summary>
    internal string Lines => _lines.ToString();

    /// <summary>Those whose count nobody will ask for any more.</summary>
    internal IReadOnlyList<Pair> Leaving => _leaving;

    /// <summary>Those that may have counted something before.</summary>
    internal IReadOnlyList<Pair> Entering => _entering;

    /// <summary>True when a virtual server that stays gets other endpoints. What its real servers do then only the kernel knows.</summary>
    internal static bool MovesTargets(ImmutableArray<IpvsServer> wanted, ImmutableArray<IpvsServer> inForce) =>
        wanted.Join(inForce, server => server.Name, server => server.Name, (now, before) => !now.Targets.Select(AddressOf).ToHashSet().SetEquals(before.Targets.Select(AddressOf))).Any(moves => moves);

    internal static IPEndPoint AddressOf(FamilyEndpoint endpoint) => new(endpoint.Endpoint.Address, endpoint.Endpoint.Port);

    private void Leave(IpvsName server, Dictionary<IPEndPoint, RealServer> has, IPEndPoint[] targets)
    {
        foreach (IPEndPoint target in has.Keys.Except(targets))
        {
            if (server.Protocol == TransportProtocol.Udp || has[target] is { ActiveConnections: 0, InactiveConnections: 0 }) Line($"-d {server} -r {target}");
            else if (has[target].Weight != 0) Line($"-e {server} -r {target} -m -w 0");
        }
    }

    private void Line(string line) => _lines.Append(line).Append('\n');
}
