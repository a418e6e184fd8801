using System;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Threading.Tasks;

/// <summary>A TCP relay to an API server on 127.0.0.1 that a test can slow down, cut (what is open is reset, what is new refused) and mend.</summary>
public sealed class CutLine : IDisposable
{
    private readonly IPEndPoint _server;
    private readonly ConcurrentDictionary<Socket, byte> _open = new();
    private Socket _listener;

    public CutLine(string host, int port)
    {
        _server = new IPEndPoint(IPAddress.Parse(host), port);
        Listen(0);
    }

    public int Port { get; private set; }

    /// <summary>How long bytes are on their way, in either direction.</summary>
    public TimeSpan Delay { get; set; }

    public void Cut()
    {
        _listener.Dispose();
        foreach (Socket socket in _open.Keys) Reset(socket);
    }

    public void Mend() => Listen(Port);

    public void Dispose() => Cut();

    private void Listen(int port)
    {
        _listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, port));
        _listener.Listen();
        Port = ((IPEndPoint)_listener.LocalEndPoint).Port;
        _ = Accept(_listener);
    }

    private async Task Accept(Socket listener)
    {
        try
        {
            while (true) _ = Serve(await listener.AcceptAsync().ConfigureAwait(false));
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // It was cut.
        }
    }

    private async Task Serve(Socket client)
    {
        var server = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        _open[client] = _open[server] = 0;
        try
        {
            await server.ConnectAsync(_server).ConfigureAwait(false);
            await Task.WhenAll(Pass(client, server), Pass(server, client)).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // One of them is gone.
        }

        Reset(client);
        Reset(server);
    }

    // Each piece is sent when it has been on its way for long enough; those behind it need not wait for that.
    private async Task Pass(Socket from, Socket to)
    {
        Task before = Task.CompletedTask;
        while (true)
        {
            var piece = new byte[65536];
            int length = await from.ReceiveAsync(piece, SocketFlags.None).ConfigureAwait(false);
            before = Send(before, Task.Delay(Delay), to, piece.AsMemory(0, length));
            if (length > 0) continue;
            await before.ConfigureAwait(false);
            return;
        }
    }

    private static async Task Send(Task before, Task delay, Socket to, ReadOnlyMemory<byte> piece)
    {
        await before.ConfigureAwait(false);
        await delay.ConfigureAwait(false);
        if (piece.Length == 0) to.Shutdown(SocketShutdown.Send);
        while (piece.Length > 0) piece = piece[await to.SendAsync(piece, SocketFlags.None).ConfigureAwait(false)..];
    }

    // Lingering for no time at all resets a connection (socket(7), SO_LINGER).
    private void Reset(Socket socket)
    {
        if (!_open.TryRemove(socket, out _)) return;
        socket.LingerState = new LingerOption(true, 0);
        socket.Dispose();
    }
}
