namespace LbTest.Clusters.Ipvs;

/// <summary>A line of <c>ipvsadm -S</c>, as <c>ipvsadm -R</c> takes it: a virtual server or a real server that is to be added.</summary>
/// <param name="Server">The virtual server; for a real server no more than what tells it apart from others.</param>
/// <param name="Real">The real server; null for a virtual one.</param>
internal sealed record IpvsadmRule(VirtualServer Server, RealServer? Real)
{
    // What the kernel tells virtual servers apart by.
    internal (string, string, int?, string?, long?, bool) Key => (Server.Protocol, Server.Address, Server.Port, Server.PortName, Server.FirewallMark, Server.IPv6);

    // What ipvsadm takes where an option is missing.
    private const string DefaultScheduler = "wlc";
    private const int DefaultTimeout = 300;

    internal static IpvsadmRule Read(IpvsadmLine line)
    {
        bool real = line.Next() is "-a" or "--add-server";
        VirtualServer server = Service(line);
        if (!real) return new IpvsadmRule(Virtual(line, server), null);
        while (line.Skip("-6") || line.Skip("--ipv6"))
        {
            // Seen already.
        }

        string option = line.Next("the option '-r' and a real server");
        if (option is not ("-r" or "--real-server")) throw line.Wrong(option, "the option '-r' and a real server");
        IpvsadmAddress address = IpvsadmAddress.Read(line, line.Next("a real server"), IpvsadmAddress.BufferLength, server.Port ?? 0);
        return new IpvsadmRule(server, Options(line, new RealServer { Address = address.Host, Port = address.Port, PortName = address.PortName, Forward = "Route", Weight = 1 }));
    }

    private static VirtualServer Service(IpvsadmLine line)
    {
        const string what = "a service: '-t', '-u' or '--sctp-service' and an address, or '-f' and a firewall mark";
        string option = line.Next(what);
        if (option is "-f" or "--fwmark-service")
        {
            // An address tells its family; a mark needs to be told.
            return line.Mark() with { IPv6 = line.Has("-6") || line.Has("--ipv6") };
        }

        string protocol = option switch
        {
            "-t" or "--tcp-service" => "TCP",
            "-u" or "--udp-service" => "UDP",
            "--sctp-service" => "SCTP",
            _ => throw line.Wrong(option, what),
        };
        return IpvsadmAddress.Read(line, line.Next("an address and a port"), IpvsadmAddress.BufferLength, defaultPort: 0).Server(protocol);
    }

    private static VirtualServer Virtual(IpvsadmLine line, VirtualServer server)
    {
        server = server with { Scheduler = DefaultScheduler };
        bool ops = false;
        while (line.Left > 0)
        {
            string option = line.Next();
            switch (option)
            {
                case "-s" or "--scheduler":
                    server = server with { Scheduler = line.Word("a scheduler") };
                    break;
                case "-p" or "--persistent":
                    server = server with { PersistenceTimeout = line.Peek is null or ['-', ..] ? TimeSpan.FromSeconds(DefaultTimeout) : line.Seconds() };
                    break;
                case "-M" or "--netmask":
                    server = server with { PersistenceMask = All(line.Mask()) };
                    break;
                // Version 1.26 forgot the dashes of these two.
                case "--pe" or "pe":
                    server = server with { PersistenceEngine = line.Word("a persistence engine") };
                    break;
                case "-o" or "--ops" or "ops":
                    ops = true;
                    break;
                // With a flag that ipvsadm has no name for nothing follows.
                case "-b" or "--sched-flags":
                    server = server with { Flags = line.Peek is null or ['-', ..] ? [] : [.. line.Next().Split(',', StringSplitOptions.RemoveEmptyEntries)] };
                    break;
                case "-6" or "--ipv6":
                    break;
                default:
                    throw line.Wrong(option, "an option of a virtual server: '-s', '-p', '-M', '-b', '-o', '--pe'");
            }
        }

        // Last, as lists have it.
        return ops ? server with { Flags = [.. server.Flags, "ops"] } : server;

        // Each client its own: what holds without a mask.
        string? All(string mask) => mask == (server.IPv6 ? "128" : "255.255.255.255") ? null : mask;
    }

    private static RealServer Options(IpvsadmLine line, RealServer server)
    {
        string? kind = null, port = null, checksum = null;
        while (line.Left > 0)
        {
            string option = line.Next();
            switch (option)
            {
                case "-m" or "--masquerading":
                    server = server with { Forward = "Masq" };
                    break;
                case "-g" or "--gatewaying":
                    server = server with { Forward = "Route" };
                    break;
                case "-i" or "--ipip":
                    server = server with { Forward = "Tunnel" };
                    break;
                case "-w" or "--weight":
                    server = server with { Weight = line.Weight() };
                    break;
                case "-x" or "--u-threshold":
                    server = server with { UpperThreshold = line.Number("an upper threshold") };
                    break;
                case "-y" or "--l-threshold":
                    server = server with { LowerThreshold = line.Number("a lower threshold") };
                    break;
                case "-6" or "--ipv6":
                    break;
                case "--tun-type":
                    kind = line.Word("a tunnel type");
                    break;
                case "--tun-port":
                    port = $":{line.Number("a port", ushort.MaxValue)}";
                    break;
                case "--tun-nocsum":
                    checksum = ":-c";
                    break;
                case "--tun-csum":
                    checksum = ":+c";
                    break;
                case "--tun-remcsum":
                    checksum = ":r+c";
                    break;
                default:
                    throw line.Wrong(option, "an option of a real server: '-m', '-g', '-i', '-w', '-x', '-y', '--tun-type'");
            }
        }

        // As --tun-info prints it.
        return kind is null ? server : server with { Tunnel = kind + port + checksum };
    }
}
