using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace LbTest.Engine.Tests.Connect;

/// <summary>A TCP server on loopback that says to each connection what a test wants it to say.</summary>
internal sealed class ScriptedServer : IDisposable
{
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly Func<Socket, int, Task> _talk;
    private readonly Lock _gate = new();
    private int _open;

    /// <param name="talk">What to do with a connection; gets its number, from 0. The connection is closed afterwards.</param>
    internal ScriptedServer(Func<Socket, int, Task> talk)
    {
        _talk = talk;
        _listener.Bind(Loopback.At("127.0.0.1"));
        _listener.Listen(4096);
        _ = Accept();
    }

    internal IPEndPoint Address => (IPEndPoint)_listener.LocalEndPoint!;

    /// <summary>Where the connections came from.</summary>
    internal ConcurrentBag<IPEndPoint> Peers { get; } = [];

    /// <summary>How many connections were open at once, at most.</summary>
    internal int MostOpen { get; private set; }

    /// <summary>Connections answer with these names in turn, as the protocol wants it.</summary>
    internal static ScriptedServer InTurn(params string[] names) => new((connection, number) => Answer(connection, names[number % names.Length]));

    /// <summary>Sends the name, then once more for everything that comes.</summary>
    internal static async Task Answer(Socket connection, string name)
    {
        do await Say(connection, name);
        while (await connection.ReceiveAsync(new byte[100]) > 0);
    }

    internal static async Task Say(Socket connection, string text) => Assert.Equal(text.Length, await connection.SendAsync(Encoding.ASCII.GetBytes(text)));

    public void Dispose() => _listener.Dispose();

    private async Task Accept()
    {
        for (int number = 0; ; number++)
        {
            try
            {
                _ = Talk(await _listener.AcceptAsync(), number);
            }
            catch (Exception end) when (end is SocketException or ObjectDisposedException)
            {
                return;
            }
        }
    }

    private async Task Talk(Socket connection, int number)
    {
        using (connection)
        {
            Peers.Add((IPEndPoint)connection.RemoteEndPoint!);
            Opened(1);
            try
            {
                await _talk(connection, number);
            }
            catch (SocketException)
            {
                // The client closed first.
            }

            Opened(-1);
        }
    }

    private void Opened(int change)
    {
        lock (_gate) MostOpen = Math.Max(MostOpen, _open += change);
    }
}
