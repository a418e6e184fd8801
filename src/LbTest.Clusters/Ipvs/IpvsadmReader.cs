namespace LbTest.Clusters.Ipvs;

/// <summary>Reads ipvsadm's output line by line.</summary>
internal sealed class IpvsadmReader(string? nodeName)
{
    private readonly List<Draft> _drafts = [];
    private readonly Dictionary<(string, string, int?, string?, long?, bool), Draft> _ruled = [];
    private string? _node = nodeName;
    private Columns _columns;
    private Draft? _current;
    private int _line;

    private enum Columns
    {
        // No title was seen: the columns have to tell.
        Unknown,
        Listing,
        Counters,
        Rates,
        Thresholds,
        Persistent,
    }

    // A virtual server whose real servers are still coming.
    private sealed class Draft(VirtualServer server)
    {
        internal ImmutableArray<RealServer>.Builder RealServers { get; } = ImmutableArray.CreateBuilder<RealServer>();

        internal VirtualServer Finish() => server with { RealServers = RealServers.ToImmutable() };
    }

    internal ImmutableArray<VirtualServer> Servers() => [.. _drafts.Select(draft => draft.Finish())];

    /// <summary>Reads the next line.</summary>
    /// <exception cref="FormatException">It is none of ipvsadm's.</exception>
    internal void Read(string text)
    {
        _line++;
        var line = new IpvsadmLine(_line, _line == 1 ? text.TrimStart('\uFEFF') : text);
        switch (line.Peek)
        {
            case null:
            case ['#', ..]:
                break;
            case "IP" when line.Is(1, "Virtual"):
                Begin(Columns.Unknown);
                break;
            case "Prot" when line.Is(1, "LocalAddress:Port"):
                Begin(Title(line));
                break;
            case "->" when line.Is(1, "RemoteAddress:Port"):
                SecondTitle(line);
                break;
            case "->":
                RealServer real = Real(line);
                (_current ?? throw line.Fault("is a real server that no virtual server stands above", Virtual)).RealServers.Add(real);
                break;
            case "TCP" or "UDP" or "SCTP" or "FWM":
                _current = Add(Server(line));
                break;
            case "-A" or "--add-service" or "-a" or "--add-server":
                Rule(line);
                break;
            case "==>" when line.Last == "<==":
                _node = line.Between();
                _ruled.Clear();
                Begin(Columns.Unknown);
                break;
            case "IPVS" when line.Is(1, "connection"):
                throw line.Fault("begins a list of connections (-c), which says nothing of virtual servers", Virtual);
            default:
                throw line.Fault("is none of ipvsadm's", Virtual);
        }
    }

    private const string Virtual =
        "a virtual server ('TCP  10.96.0.10:53 rr'), a real server below one ('-> 11.0.0.1:53 Masq 1 0 0'), a rule ('-A -t 10.96.0.10:53 -s rr'), or a title, as 'ipvsadm -ln' and 'ipvsadm -Sn' print them";

    private void Begin(Columns columns) => (_columns, _current) = (columns, null);

    private Draft Add(VirtualServer server)
    {
        var draft = new Draft(server with { NodeName = _node });
        _drafts.Add(draft);
        return draft;
    }

    private static Columns Title(IpvsadmLine line) => line.After(2) switch
    {
        "Scheduler Flags" => Columns.Listing,
        "Conns InPkts OutPkts InBytes OutBytes" => Columns.Counters,
        "CPS InPPS OutPPS InBPS OutBPS" => Columns.Rates,
        "Uthreshold Lthreshold ActiveConn InActConn" => Columns.Thresholds,
        "Weight PersistConn ActiveConn InActConn" => Columns.Persistent,
        _ => throw line.Fault("is a title with other columns than ipvsadm has", "'Scheduler Flags' or the columns of --stats, --rate, --thresholds or --persistent-conn"),
    };

    private void SecondTitle(IpvsadmLine line)
    {
        // The kernel's own file has the same titles, but one space where ipvsadm has eleven.
        if (line.Text.TrimEnd() == "  -> RemoteAddress:Port Forward Weight ActiveConn InActConn") throw line.KernelFile();
        if (line.After(2) is not ("" or "Forward Weight ActiveConn InActConn" or "Forward TunnelInfo Weight ActiveConn InActConn"))
        {
            throw line.Fault("is a title with other columns than ipvsadm has", "'Forward Weight ActiveConn InActConn', with TunnelInfo after --tun-info, or no columns");
        }

        if (line.Count > 2) _columns = Columns.Listing;
        _current = null;
    }

    private VirtualServer Server(IpvsadmLine line)
    {
        VirtualServer server = line.Next() == "FWM" ? line.Mark() : line.Server(line.First);
        // A mark's family stands after it, where a rule says it by an option.
        if (server.FirewallMark is not null && line.Skip("IPv6")) server = server with { IPv6 = true };
        bool numbers = _columns is Columns.Counters or Columns.Rates || (_columns == Columns.Unknown && line.Left == 5 && char.IsAsciiDigit(line.Peek![0]));
        if (!numbers) return line.Scheduling(server);
        (IpvsCounters? counters, IpvsRates? rates) = Numbers(line);
        line.End();
        return server with { Counters = counters, Rates = rates };
    }

    private RealServer Real(IpvsadmLine line)
    {
        _ = line.Next();
        IpvsadmAddress address = line.Address(IpvsadmAddress.ListedLength);
        var server = new RealServer { Address = address.Host, Port = address.Port, PortName = address.PortName };
        bool words = line.Peek is { } next && char.IsAsciiLetter(next[0]);
        switch (_columns)
        {
            case Columns.Counters or Columns.Rates:
            case Columns.Unknown when !words && line.Left == 5:
                (IpvsCounters? counters, IpvsRates? rates) = Numbers(line);
                server = server with { Counters = counters, Rates = rates };
                break;
            case Columns.Thresholds:
                server = server with { UpperThreshold = line.Number("an upper threshold"), LowerThreshold = line.Number("a lower threshold") };
                server = Connections(line, server);
                break;
            case Columns.Persistent:
                server = server with { Weight = line.Weight(), PersistentConnections = line.Number("a number of persistence entries") };
                server = Connections(line, server);
                break;
            case Columns.Unknown when !words:
                throw line.Fault("has numbers of which nothing tells what they are", "the title lines of the output, or 'Masq', 'Route', 'Tunnel' or 'Local' and a weight after the address");
            default:
                server = server with { Forward = line.Forward(), Tunnel = line.Left == 4 ? line.Tunnel() : null, Weight = line.Weight() };
                server = Connections(line, server);
                break;
        }

        line.End();
        return server;
    }

    private static RealServer Connections(IpvsadmLine line, RealServer server) => server with
    {
        ActiveConnections = line.Number("a number of active connections"),
        InactiveConnections = line.Number("a number of inactive connections"),
    };

    private (IpvsCounters? Counters, IpvsRates? Rates) Numbers(IpvsadmLine line)
    {
        if (_columns == Columns.Rates)
        {
            const string rate = "a rate: digits, perhaps with K, M, G or T";
            return (null, new IpvsRates(line.Large(rate), line.Large(rate), line.Large(rate), line.Large(rate), line.Large(rate)));
        }

        const string counter = "a counter: digits, perhaps with K, M, G or T";
        return (new IpvsCounters(line.Large(counter), line.Large(counter), line.Large(counter), line.Large(counter), line.Large(counter)), null);
    }

    private void Rule(IpvsadmLine line)
    {
        var rule = IpvsadmRule.Read(line);
        // The same service twice: another node's rules begin. Its real servers belong to the one above them.
        if (rule.Real is null) _ruled[rule.Key] = Add(rule.Server);
        else if (_ruled.TryGetValue(rule.Key, out Draft? draft)) draft.RealServers.Add(rule.Real);
        else throw line.Fault("adds a real server to a virtual server that no line above adds", "its '-A' line before it, or another service");
        _current = null;
    }
}
