using System.Net;
using System.Net.Sockets;
using System.Text;

namespace LbTest.Engine.Tests.Traffic;

/// <summary>The other side of a traffic test, written apart from the engine: .NET's sockets, and whatever misbehaviour a test wants.</summary>
internal sealed class EchoPeer : IDisposable
{
    internal const string Name = "peer-1";

    private readonly Socket _socket;
    private readonly CancellationTokenSource _stop = new();

    private EchoPeer(SocketType type, ProtocolType protocol)
    {
        _socket = new Socket(AddressFamily.InterNetwork, type, protocol);
        _socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
    }

    internal IPEndPoint Address => (IPEndPoint)_socket.LocalEndPoint!;

    /// <summary>A TCP server that handles each connection as told.</summary>
    internal static EchoPeer Tcp(Func<NetworkStream, CancellationToken, Task> handle)
    {
        var peer = new EchoPeer(SocketType.Stream, ProtocolType.Tcp);
        peer._socket.Listen(512);
        _ = Task.Run(async () =>
        {
            while (!peer._stop.IsCancellationRequested)
            {
                Socket connection = await peer._socket.AcceptAsync(peer._stop.Token);
                connection.NoDelay = true;
                _ = Task.Run(async () =>
                {
                    using var stream = new NetworkStream(connection, ownsSocket: true);
                    await handle(stream, peer._stop.Token);
                });
            }
        });
        return peer;
    }

    /// <summary>A TCP server that echoes as <c>ctraffic -server</c> does, with a wait before each echo.</summary>
    internal static EchoPeer Echo(int packetSize, TimeSpan wait = default, int packets = int.MaxValue) => Tcp(async (stream, cancel) =>
    {
        byte[] packet = new byte[packetSize];
        for (int i = 0; i < packets; i++)
        {
            await stream.ReadExactlyAsync(packet, cancel);
            if (i == 0) _ = Encoding.UTF8.GetBytes(Name, packet);
            if (wait > TimeSpan.Zero) await Task.Delay(wait, cancel);
            await stream.WriteAsync(packet, cancel);
        }
    });

    /// <summary>A UDP server: gets each datagram with its number from 1 and says which datagrams go back.</summary>
    internal static EchoPeer Udp(Func<int, byte[], IEnumerable<byte[]>> answer)
    {
        var peer = new EchoPeer(SocketType.Dgram, ProtocolType.Udp);
        _ = Task.Run(async () =>
        {
            byte[] buffer = new byte[65536];
            for (int number = 1; !peer._stop.IsCancellationRequested; number++)
            {
                SocketReceiveFromResult got = await peer._socket.ReceiveFromAsync(buffer, new IPEndPoint(IPAddress.Any, 0), peer._stop.Token);
                _ = Encoding.UTF8.GetBytes(Name + "\0", buffer);
                foreach (byte[] back in answer(number, buffer[..got.ReceivedBytes])) _ = await peer._socket.SendToAsync(back, got.RemoteEndPoint, peer._stop.Token);
            }
        });
        return peer;
    }

    public void Dispose()
    {
        _stop.Cancel();
        _socket.Dispose();
        _stop.Dispose();
    }
}
