using LbTest.Engine.Sockets;

namespace LbTest.Engine.Serve;

/// <summary>The listening sockets of a server, each opened in its endpoint's network namespace, where it stays.</summary>
internal sealed unsafe class Listeners : IDisposable
{
    private const int Backlog = 4096;

    /// <summary>A burst of datagrams from thousands of connections waits here; the kernel's default holds a few hundred.</summary>
    private const int DatagramBuffer = 8 * 1024 * 1024;

    private readonly int[] _tcp, _udp;
    private readonly bool[] _hasDropped;

    private Listeners(ServedEndpoint[] endpoints)
    {
        Endpoints = endpoints;
        Behaviors = new EndpointBehavior[endpoints.Length];
        Greetings = [.. endpoints.Select(endpoint => Server.Greeting(endpoint, EndpointBehavior.Serve))];
        _hasDropped = new bool[endpoints.Length];
        (_tcp, _udp) = (new int[endpoints.Length], new int[endpoints.Length]);
        Array.Fill(_tcp, -1);
        Array.Fill(_udp, -1);
    }

    internal ServedEndpoint[] Endpoints { get; }

    internal EndpointBehavior[] Behaviors { get; }

    internal byte[][] Greetings { get; }

    internal IEnumerable<(int Index, int Fd, bool Tcp)> Sockets =>
        Enumerable.Range(0, Endpoints.Length).SelectMany(i => new[] { (i, _tcp[i], true), (i, _udp[i], false) }).Where(socket => socket.Item2 >= 0);

    internal static Listeners Open(IReadOnlyList<ServedEndpoint> endpoints)
    {
        var listeners = new Listeners([.. endpoints]);
        try
        {
            // One thread walks through the namespaces; sockets stay where they were opened.
            if (endpoints.All(endpoint => endpoint.Namespace is null)) listeners.OpenAll();
            else _ = (endpoints.First(endpoint => endpoint.Namespace is not null).Namespace!).Run(listeners.OpenAll);
            return listeners;
        }
        catch
        {
            listeners.Dispose();
            throw;
        }
    }

    internal int Tcp(int index) => _tcp[index];

    internal int Udp(int index) => _udp[index];

    /// <summary>Whether the endpoint drops, or has done so at some time.</summary>
    internal bool HasDropped(int index) => _hasDropped[index];

    internal void SetBehavior(int index, EndpointBehavior behavior)
    {
        EndpointBehavior before = Behaviors[index];
        Greetings[index] = Server.Greeting(Endpoints[index], behavior);
        _hasDropped[index] |= behavior == EndpointBehavior.Drop;
        Behaviors[index] = behavior;
        Interlocked.MemoryBarrier();
        if (_tcp[index] < 0) return;
        if (_hasDropped[index]) SetDropping(_tcp[index], behavior == EndpointBehavior.Drop);
        // Shutting a listener down makes it refuse and keeps its port; listening again reverses that (tcp_disconnect in the kernel).
        if (behavior == EndpointBehavior.Refuse) _ = Linux.Shutdown(_tcp[index], Linux.ShutRd);
        else if (before == EndpointBehavior.Refuse && Linux.Listen(_tcp[index], Backlog) != 0) throw Server.CannotListen(Endpoints[index], Linux.Describe(Linux.LastError));
    }

    // A TCP socket that wants packets of a TTL which no ordinary host sends drops all others in silence, and needs no privilege for it
    // (IP_MINTTL in ip(7), IPV6_MINHOPCOUNT in ipv6(7); RFC 5082). One on [::] has both kinds of clients.
    internal static void SetDropping(int fd, bool drop)
    {
        bool v4 = Linux.SetInt(fd, Linux.IpprotoIp, Linux.IpMinTtl, drop ? 255 : 0) == 0;
        bool v6 = Linux.SetInt(fd, Linux.IpprotoIpv6, Linux.Ipv6MinHopCount, drop ? 255 : 0) == 0;
        if (drop && !v4 && !v6) throw new SocketFault("setsockopt(IP_MINTTL)", Linux.LastError);
    }

    private bool OpenAll()
    {
        NetworkNamespace? current = null;
        for (int i = 0; i < Endpoints.Length; i++)
        {
            ServedEndpoint endpoint = Endpoints[i];
            if (endpoint.Namespace is not null && endpoint.Namespace != current) endpoint.Namespace.Enter();
            current = endpoint.Namespace;
            OpenOne(i, attempts: endpoint.Address.Port == 0 ? 20 : 1);
        }

        return true;
    }

    private void OpenOne(int i, int attempts)
    {
        ServedEndpoint endpoint = Endpoints[i];
        try
        {
            if (endpoint.Protocols.HasFlag(ServedProtocols.Tcp)) _tcp[i] = Open(ref Endpoints[i], tcp: true);
            if (endpoint.Protocols.HasFlag(ServedProtocols.Udp)) _udp[i] = Open(ref Endpoints[i], tcp: false);
        }
        catch (PlanException) when (attempts > 1)
        {
            // The port that the kernel chose for TCP is taken for UDP, or was taken this moment: let it choose another.
            if (_tcp[i] >= 0) _ = Linux.Close(_tcp[i]);
            _tcp[i] = -1;
            Endpoints[i] = endpoint;
            OpenOne(i, attempts - 1);
        }
    }

    private static int Open(ref ServedEndpoint endpoint, bool tcp)
    {
        int fd = Linux.Socket(NativeAddress.Family(endpoint.Address.Address), (tcp ? Linux.SockStream : Linux.SockDgram) | Linux.SockNonblock | Linux.SockCloexec, 0);
        if (fd < 0) throw new SocketFault("socket", Linux.LastError);
        byte* address = stackalloc byte[NativeAddress.MaxLength];
        int length = NativeAddress.Write(address, endpoint.Address.Address, endpoint.Address.Port);
        if (tcp) _ = Linux.SetInt(fd, Linux.SolSocket, Linux.SoReuseAddr, 1);
        if (!tcp) Datagram.TellLocalAddress(fd, endpoint.Address.Address);
        if (endpoint.Service == ServedService.Traffic) PrepareForTraffic(fd, tcp);
        // "[::]" serves IPv4 as well, as users of other servers expect.
        if (IPAddress.IPv6Any.Equals(endpoint.Address.Address)) _ = Linux.SetInt(fd, Linux.IpprotoIpv6, Linux.Ipv6V6Only, 0);
        bool choose = endpoint.Address.Port == 0;
        if (Linux.Bind(fd, address, length) != 0 || (tcp && !choose && Linux.Listen(fd, Backlog) != 0))
        {
            int error = Linux.LastError;
            _ = Linux.Close(fd);
            throw Server.CannotListen(endpoint, Linux.Describe(error));
        }

        if (!choose) return fd;
        if (Linux.GetSockName(fd, address, &length) == 0) endpoint = endpoint with { Address = new IPEndPoint(endpoint.Address.Address, NativeAddress.Port(address)) };
        if (!tcp) return fd;
        try
        {
            // Refusing keeps only a port that was asked for by number; the first socket holds it until the second has it too.
            return Open(ref endpoint, tcp);
        }
        finally
        {
            _ = Linux.Close(fd);
        }
    }

    // Accepted connections inherit what the listener has. As programs in Go have it, so does ctraffic's server: no delay for the end of a
    // large packet (Nagle), and clients that vanished are found out; after 2 minutes here.
    private static void PrepareForTraffic(int fd, bool tcp)
    {
        if (tcp)
        {
            _ = Linux.SetInt(fd, Linux.IpprotoTcp, Linux.TcpNoDelay, 1);
            _ = Linux.SetInt(fd, Linux.SolSocket, Linux.SoKeepAlive, 1);
            _ = Linux.SetInt(fd, Linux.IpprotoTcp, Linux.TcpKeepIdle, 60);
            _ = Linux.SetInt(fd, Linux.IpprotoTcp, Linux.TcpKeepInterval, 15);
            _ = Linux.SetInt(fd, Linux.IpprotoTcp, Linux.TcpKeepCount, 4);
        }
        else if (Linux.SetInt(fd, Linux.SolSocket, Linux.SoRcvBufForce, DatagramBuffer) != 0)
        {
            // Without the privilege (CAP_NET_ADMIN) it is cut to net.core.rmem_max.
            _ = Linux.SetInt(fd, Linux.SolSocket, Linux.SoRcvBuf, DatagramBuffer);
        }
    }

    public void Dispose()
    {
        foreach ((_, int fd, _) in Sockets) _ = Linux.Close(fd);
        Array.Fill(_tcp, -1);
        Array.Fill(_udp, -1);
    }
}
