using System.Net.Sockets;
using LbTest.Engine.Sockets;

namespace LbTest.Engine.Serve;

/// <summary>The server on .NET's own sockets, for systems without epoll.</summary>
internal sealed class PortableServer : Server
{
    private readonly CancellationTokenSource _stop = new();
    private readonly List<Socket> _sockets = [];
    private readonly ServedEndpoint[] _endpoints;
    private readonly EndpointBehavior[] _behaviors;
    private readonly long[] _accepted;

    internal PortableServer(IReadOnlyList<ServedEndpoint> endpoints)
    {
        _endpoints = [.. endpoints];
        _behaviors = [.. endpoints.Select(endpoint => endpoint.Behavior)];
        _accepted = new long[endpoints.Count];
        try
        {
            for (int i = 0; i < _endpoints.Length; i++) Open(i);
        }
        catch
        {
            Dispose(true);
            throw;
        }
    }

    public override ImmutableArray<IPEndPoint> Addresses => [.. _endpoints.Select(endpoint => endpoint.Address)];

    public override ImmutableArray<long> Accepted => [.. _accepted];

    public override void SetBehavior(int index, EndpointBehavior behavior)
    {
        if (behavior is EndpointBehavior.Drop or EndpointBehavior.Refuse)
        {
            throw new PlatformNotSupportedException($"An endpoint can {behavior} only on Linux; Hang and Reset work here.");
        }

        _behaviors[index] = behavior;
    }

    private void Open(int index)
    {
        ServedEndpoint endpoint = _endpoints[index];
        SetBehavior(index, endpoint.Behavior);
        if (endpoint.Service == ServedService.Traffic) throw new PlatformNotSupportedException("Traffic endpoints need Linux.");
        if (endpoint.Namespace is not null) throw new PlatformNotSupportedException("Network namespaces exist only on Linux.");
        if (endpoint.Protocols.HasFlag(ServedProtocols.Tcp)) Start(index, SocketType.Stream, ProtocolType.Tcp);
        if (endpoint.Protocols.HasFlag(ServedProtocols.Udp)) Start(index, SocketType.Dgram, ProtocolType.Udp);
    }

    private void Start(int index, SocketType type, ProtocolType protocol)
    {
        ServedEndpoint endpoint = _endpoints[index];
        var socket = new Socket(endpoint.Address.AddressFamily, type, protocol);
        _sockets.Add(socket);
        try
        {
            if (IPAddress.IPv6Any.Equals(endpoint.Address.Address)) socket.DualMode = true;
            socket.Bind(endpoint.Address);
            if (type == SocketType.Stream) socket.Listen(4096);
        }
        catch (SocketException exception)
        {
            throw CannotListen(endpoint, exception.Message);
        }

        _endpoints[index] = endpoint with { Address = (IPEndPoint)socket.LocalEndPoint! };
        _ = Task.Run(() => type == SocketType.Stream ? Accept(socket, index) : AnswerDatagrams(socket, index));
    }

    private async Task Accept(Socket listener, int index)
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                Socket connection = await listener.AcceptAsync(_stop.Token).ConfigureAwait(false);
                _ = Interlocked.Increment(ref _accepted[index]);
                _ = ServeConnection(connection, index);
            }
            catch (Exception exception) when (exception is OperationCanceledException or ObjectDisposedException)
            {
                return;
            }
            catch (SocketException)
            {
                // The client gave up while it waited in the backlog.
            }
        }
    }

    private async Task ServeConnection(Socket connection, int index)
    {
        using (connection)
        {
            try
            {
                if (_behaviors[index] == EndpointBehavior.Reset)
                {
                    connection.LingerState = new LingerOption(true, 0);
                    return;
                }

                byte[] buffer = new byte[4096], name = Greeting(_endpoints[index], _behaviors[index]);
                bool first = true;
                do
                {
                    bool answers = _behaviors[index] switch { EndpointBehavior.Hang => false, EndpointBehavior.Partial => first, _ => true };
                    if (answers) _ = await connection.SendAsync(name, _stop.Token).ConfigureAwait(false);
                    first = false;
                }
                while (await connection.ReceiveAsync(buffer, _stop.Token).ConfigureAwait(false) > 0);
            }
            catch (Exception exception) when (exception is SocketException or OperationCanceledException)
            {
                // The client or the server ended.
            }
        }
    }

    private async Task AnswerDatagrams(Socket socket, int index)
    {
        byte[] buffer = new byte[64 * 1024];
        var any = new IPEndPoint(socket.AddressFamily == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any, 0);
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                SocketReceiveFromResult received = await socket.ReceiveFromAsync(buffer, any, _stop.Token).ConfigureAwait(false);
                _ = Interlocked.Increment(ref _accepted[index]);
                if (_behaviors[index] is EndpointBehavior.Hang or EndpointBehavior.Reset) continue;
                byte[] name = Greeting(_endpoints[index], _behaviors[index]);
                _ = await socket.SendToAsync(name, received.RemoteEndPoint, _stop.Token).ConfigureAwait(false);
            }
            catch (Exception exception) when (exception is OperationCanceledException or ObjectDisposedException)
            {
                return;
            }
            catch (SocketException)
            {
                // An earlier answer could not be delivered.
            }
        }
    }

    public override void Disconnect(int index, bool reset)
    {
        // Only traffic endpoints need it, and there are none here.
    }

    protected override void Dispose(bool disposing)
    {
        _stop.Cancel();
        foreach (Socket socket in _sockets) socket.Dispose();
        _stop.Dispose();
    }
}
