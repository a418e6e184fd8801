using System.Net;
using System.Net.Sockets;
using LbTest.Engine.Serve;
using LbTest.Engine.Tests.Connect;

namespace LbTest.Engine.Tests.Serve;

/// <summary>A plain client of a traffic endpoint.</summary>
internal sealed class EchoClient : IDisposable
{
    private EchoClient(AddressFamily family) => Socket = new Socket(family, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };

    internal Socket Socket { get; }

    internal static Server Serve(string name, EndpointBehavior behavior = EndpointBehavior.Serve, string address = "127.0.0.1", int threads = 1)
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "Traffic endpoints need Linux.");
        return Server.Start([new ServedEndpoint(name, Loopback.At(address)) { Service = ServedService.Traffic, Behavior = behavior }], threads);
    }

    internal static async Task<EchoClient> ConnectAsync(IPEndPoint address)
    {
        var client = new EchoClient(address.AddressFamily);
        await client.Socket.ConnectAsync(address);
        return client;
    }

    /// <summary>Bytes that tell their place.</summary>
    internal static byte[] Pattern(int length) => [.. Enumerable.Range(0, length).Select(i => (byte)(1 + (i % 251)))];

    internal async Task SendAsync(ReadOnlyMemory<byte> bytes)
    {
        while (bytes.Length > 0) bytes = bytes[await Socket.SendAsync(bytes).AsTask().WaitAsync(Loopback.Guard)..];
    }

    internal async Task<byte[]> ReadAsync(int length)
    {
        byte[] bytes = new byte[length];
        for (int read = 0; read < length;)
        {
            int more = await Socket.ReceiveAsync(bytes.AsMemory(read)).AsTask().WaitAsync(Loopback.Guard);
            Assert.NotEqual(0, more);
            read += more;
        }

        return bytes;
    }

    internal async Task<byte[]> EchoAsync(byte[] bytes)
    {
        Task<byte[]> echo = ReadAsync(bytes.Length);
        await SendAsync(bytes);
        return await echo;
    }

    /// <summary>One read: the number of bytes, 0 at the end.</summary>
    internal Task<int> ReceiveAsync() => Socket.ReceiveAsync(new byte[100_000]).WaitAsync(Loopback.Guard);

    /// <summary>Sends without reading until nothing more is taken; returns what was sent.</summary>
    internal byte[] SendUntilBlocked()
    {
        const int most = 200_000_000;
        byte[] pattern = Pattern(1_004_000);
        var sent = new MemoryStream();
        Socket.Blocking = false;
        while (Socket.Poll(TimeSpan.FromSeconds(0.5), SelectMode.SelectWrite))
        {
            int from = (int)(sent.Length % 251), took = Socket.Send(pattern.AsSpan(from), SocketFlags.None, out SocketError error);
            Assert.True(error is SocketError.Success or SocketError.WouldBlock);
            sent.Write(pattern, from, took);
            Assert.True(sent.Length < most, "The server takes in without end what nobody reads.");
        }

        Socket.Blocking = true;
        return sent.ToArray();
    }

    internal void AssertSilent() => Assert.False(Socket.Poll(TimeSpan.FromSeconds(0.1), SelectMode.SelectRead));

    internal async Task AssertResetAsync() =>
        Assert.Equal(SocketError.ConnectionReset, (await Assert.ThrowsAsync<SocketException>(ReceiveAsync)).SocketErrorCode);

    public void Dispose() => Socket.Dispose();
}
