using System.Globalization;
using System.Text;

namespace LbTest.Clusters.Ipvs;

/// <summary>Lines as ipvsadm prints them.</summary>
internal static class IpvsadmLayout
{
    internal const string Title = "Prot LocalAddress:Port Scheduler Flags\n  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn";

    internal const string CountersTitle = "Prot LocalAddress:Port               Conns   InPkts  OutPkts  InBytes OutBytes\n  -> RemoteAddress:Port";

    internal static string Name(VirtualServer server) => $"{server.Protocol} {Place(server)}";

    internal static string Line(VirtualServer server)
    {
        var line = new StringBuilder(Begin(server));
        if (server.Scheduler.Length > 0) _ = line.Append(' ').Append(server.Scheduler);
        // One-packet scheduling is an option of the server and stands at the end; the others are the scheduler's.
        string[] flags = [.. server.Flags.Where(flag => flag != "ops")];
        if (flags.Length > 0) _ = line.Append(" (").AppendJoin(',', flags).Append(')');
        if (server.PersistenceTimeout is { } timeout) _ = line.Append(CultureInfo.InvariantCulture, $" persistent {timeout.TotalSeconds:0}");
        if (server.PersistenceMask is { } mask) _ = line.Append(" mask ").Append(mask);
        if (server.PersistenceEngine is { } engine) _ = line.Append(" pe ").Append(engine);
        if (flags.Length < server.Flags.Length) _ = line.Append(" ops");
        return line.ToString();
    }

    internal static string Line(RealServer server) => string.Create(
        CultureInfo.InvariantCulture, $"  -> {server.Name,-28} {server.Forward,-7} {server.Weight,-6} {server.ActiveConnections,-10} {server.InactiveConnections,-10}").TrimEnd();

    internal static string CountersLine(VirtualServer server) => $"{Begin(server),-33}{Numbers(server.Counters)}";

    internal static string CountersLine(RealServer server) => $"  -> {server.Name,-28}{Numbers(server.Counters)}";

    private static string Begin(VirtualServer server) => $"{server.Protocol,-4} {Place(server)}";

    private static string Place(VirtualServer server) => server.FirewallMark is { } mark
        ? string.Create(CultureInfo.InvariantCulture, $"{mark}{(server.IPv6 ? " IPv6" : "")}")
        : Place(server.Address, server.Port, server.PortName, server.IPv6);

    internal static string Name(RealServer server) => Place(server.Address, server.Port, server.PortName, server.Address.Contains(':', StringComparison.Ordinal));

    private static string Place(string address, int? port, string? portName, bool brackets)
    {
        string host = brackets ? $"[{address}]" : address;
        return port is { } number ? string.Create(CultureInfo.InvariantCulture, $"{host}:{number}") : portName is not null ? $"{host}:{portName}" : host;
    }

    // One space at least, however large a number is.
    private static string Numbers(IpvsCounters? counters) => counters is null ? "" : string.Create(
        CultureInfo.InvariantCulture, $" {counters.Connections,8} {counters.IncomingPackets,8} {counters.OutgoingPackets,8} {counters.IncomingBytes,8} {counters.OutgoingBytes,8}");
}
