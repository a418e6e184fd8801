using System.Net.Sockets;
using LbTest.Engine.Sockets;

namespace LbTest.Engine.Connect;

/// <summary>Asks, before a run, whether this machine has what the plan needs: ports, descriptors, conntrack room, source addresses.</summary>
/// <remarks>Works on the network namespace of the calling thread. Reads <c>/proc</c> (Linux); elsewhere only the source addresses are tried.</remarks>
public static class Preflight
{
    private const int RLimitNoFile = 7;

    // What the process itself needs beside its connections: epoll, event and library descriptors.
    private const int OwnDescriptors = 32;

    /// <summary>Returns what the reader of the result should know; empty when there is nothing.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="count">What the user calls the number of connections.</param>
    /// <exception cref="PlanException">The plan cannot succeed on this machine.</exception>
    public static ImmutableArray<string> Check(ConnectPlan plan, string count = nameof(ConnectPlan.Count))
    {
        ArgumentNullException.ThrowIfNull(plan);
        SourceRange? sources = plan.Source is null ? null : SourceRange.Parse(plan.Source, plan.Seed ?? 0);
        if (sources is not null) CanBind(sources);
        FixedPort(plan, sources);
        var warnings = ImmutableArray.CreateBuilder<string>();
        if (!OperatingSystem.IsLinux()) return [];
        Ports(plan, sources, count, warnings);
        Descriptors(plan, count, warnings);
        if (ConntrackRoom() is long room && room < plan.Count)
        {
            warnings.Add(Text($"The connection-tracking table has room for {room:N0} more entries, fewer than the {plan.Count:N0} connections planned: it may fill up and drop them. Raise net.netfilter.nf_conntrack_max or plan fewer."));
        }

        return warnings.ToImmutable();
    }

    /// <summary>Free entries of the connection-tracking table of the calling thread's network namespace; null when there is no such table.</summary>
    public static long? ConntrackRoom() =>
        ReadNumbers("/proc/sys/net/netfilter/nf_conntrack_max") is [long max, ..] && ReadNumbers("/proc/sys/net/netfilter/nf_conntrack_count") is [long count, ..]
            ? Math.Max(0, max - count)
            : null;

    private static void CanBind(SourceRange sources)
    {
        // The first, the middle and the last: a range of which only a part is local shows.
        foreach (long offset in new[] { 0, sources.Size / 2, sources.Size - 1 }) CanBind(sources.At(offset), "Source", sources.Network);
    }

    /// <summary>Tries an address that connections are to come from.</summary>
    /// <exception cref="PlanException">This machine cannot bind it.</exception>
    internal static void CanBind(IPAddress address, string parameter, object range)
    {
        using var probe = new Socket(address.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        try
        {
            probe.Bind(new IPEndPoint(address, 0));
        }
        catch (SocketException exception)
        {
            string nonlocal = address.AddressFamily == AddressFamily.InterNetworkV6 ? " and 'sysctl net.ipv6.ip_nonlocal_bind=1'" : "";
            throw new PlanException(parameter, range, $"has the address {address}, which this machine cannot bind",
                $"Make it local first, e.g. 'ip route add local {range} dev lo'{nonlocal} in the network namespace that the test starts from", exception);
        }
    }

    private static void FixedPort(ConnectPlan plan, SourceRange? sources)
    {
        if (plan.SourcePort == 0 || plan.Count <= (sources?.Size ?? 1)) return;
        throw new PlanException("SourcePort", plan.SourcePort, Text($"allows one connection per source address, {sources?.Size ?? 1:N0} here, but {plan.Count:N0} are planned"),
            "Give a larger Source range, fewer connections, or no fixed port");
    }

    private static void Ports(ConnectPlan plan, SourceRange? sources, string count, ImmutableArray<string>.Builder warnings)
    {
        if (plan.SourcePort != 0 || ReadNumbers("/proc/sys/net/ipv4/ip_local_port_range") is not [long low, long high]) return;
        long tuples = (high - low + 1) * (sources?.Size ?? 1);
        if (plan.KeepOpen && plan.Count > tuples)
        {
            throw new PlanException(count, plan.Count, Text($"needs more connections at once than the {tuples:N0} that ports and source addresses allow"),
                "Give a (larger) Source range or fewer connections");
        }

        // A closed TCP connection holds its port for 60 s (TIME_WAIT) unless the kernel may reuse it after 1 s: tcp_tw_reuse 1, or 2 on loopback.
        long reuse = ReadNumbers("/proc/sys/net/ipv4/tcp_tw_reuse") is [long value] ? value : 0;
        bool reused = reuse == 1 || (reuse == 2 && IPAddress.IsLoopback(plan.Target.Address));
        if (plan.Protocol == TransportProtocol.Tcp && !plan.KeepOpen && plan.Count > tuples && !reused)
        {
            warnings.Add(Text($"{plan.Count:N0} connections are more than the {tuples:N0} that ports and source addresses allow within a minute: some may fail as ClientExhausted. Give a (larger) Source range."));
        }
    }

    internal static unsafe void Descriptors(ConnectPlan plan, string count, ImmutableArray<string>.Builder warnings)
    {
        ulong* limits = stackalloc ulong[2];
        if (Linux.GetRLimit(RLimitNoFile, limits) != 0) return;
        long available = (long)Math.Min(limits[0], int.MaxValue) - OwnDescriptors;
        if (plan.KeepOpen && plan.Count > available)
        {
            throw new PlanException(count, plan.Count, Text($"needs as many open descriptors at once, but this process may have {limits[0]:N0}"),
                "Raise the limit (ulimit -n) or keep fewer connections open");
        }

        if (plan.Concurrency > available)
        {
            warnings.Add(Text($"Concurrency {plan.Concurrency} may need more descriptors than the {limits[0]:N0} this process may have: fewer connections will be on their way at once. Raise the limit (ulimit -n)."));
        }
    }

    private static long[]? ReadNumbers(string path)
    {
        try
        {
            return [.. File.ReadAllText(path).Split((char[])[' ', '\t', '\n'], StringSplitOptions.RemoveEmptyEntries).Select(n => long.Parse(n, CultureInfo.InvariantCulture))];
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or FormatException)
        {
            return null;
        }
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
