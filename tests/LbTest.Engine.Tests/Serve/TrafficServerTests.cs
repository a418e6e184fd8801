using System.Net;
using System.Net.Sockets;
using System.Text;
using LbTest.Engine.Serve;
using LbTest.Engine.Tests.Connect;

namespace LbTest.Engine.Tests.Serve;

/// <summary>The echo: what is sent comes back, with the name at the beginning, however it is cut and however slowly it is read.</summary>
public sealed class TrafficServerTests
{
    [SkippableTheory, InlineData(new[] { 64 }), InlineData(new[] { 1, 62, 1 }), InlineData(new[] { 63, 5000 }), InlineData(new[] { 30, 30, 30 }), InlineData(new[] { 70_000 })]
    public async Task The_first_64_bytes_come_back_with_the_name_however_they_were_cut(int[] pieces)
    {
        using Server server = EchoClient.Serve("endpoint");
        using EchoClient client = await EchoClient.ConnectAsync(server.Addresses[0]);
        byte[] sent = EchoClient.Pattern(pieces.Sum()), expected = [.. sent];
        "endpoint"u8.CopyTo(expected);

        int from = 0;
        foreach (int piece in pieces)
        {
            await client.SendAsync(sent.AsMemory(from, piece));
            from += piece;
            if (from < 64) client.AssertSilent();
        }

        Assert.Equal(expected, await client.ReadAsync(sent.Length));
        Assert.Equal(sent, await client.EchoAsync(sent));
        Assert.Equal(1, server.Accepted[0]);
    }

    [SkippableTheory]
    [InlineData(63, "", 63), InlineData(64, "", 63), InlineData(200, "", 63), InlineData(61, "é", 63), InlineData(61, "éz", 63), InlineData(62, "é", 62), InlineData(60, "\U0001F600", 60)]
    public async Task A_long_name_is_cut_between_characters_and_leaves_room_for_a_NUL(int plain, string end, int length)
    {
        string name = new string('x', plain) + end;
        using Server server = EchoClient.Serve(name);
        using EchoClient client = await EchoClient.ConnectAsync(server.Addresses[0]);

        byte[] first = await client.EchoAsync(new byte[64]);

        Assert.Equal(Encoding.UTF8.GetBytes(name)[..length], first[..first.IndexOf((byte)0)]);
    }

    [SkippableFact]
    public async Task Much_data_comes_back_byte_for_byte()
    {
        using Server server = EchoClient.Serve("endpoint", threads: 2);
        EchoClient[] clients = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => EchoClient.ConnectAsync(server.Addresses[0])));
        byte[] sent = EchoClient.Pattern(5_000_000), expected = [.. sent];
        "endpoint"u8.CopyTo(expected);

        byte[][] echoes = await Task.WhenAll(clients.Select(client => Task.Run(() => client.EchoAsync(sent))));

        Assert.All(echoes, echo => Assert.True(expected.AsSpan().SequenceEqual(echo)));
        foreach (EchoClient client in clients) client.Dispose();
    }

    [SkippableFact]
    public async Task A_client_that_does_not_read_is_stopped_and_finds_everything_later()
    {
        using Server server = EchoClient.Serve("endpoint");
        using EchoClient slow = await EchoClient.ConnectAsync(server.Addresses[0]), other = await EchoClient.ConnectAsync(server.Addresses[0]);

        byte[] sent = slow.SendUntilBlocked(), expected = [.. sent];

        _ = await other.EchoAsync(new byte[1000]);
        "endpoint"u8.CopyTo(expected);
        byte[] read = await slow.ReadAsync(sent.Length);
        Assert.True(expected.AsSpan().SequenceEqual(read));
        byte[] more = EchoClient.Pattern(1000);
        Assert.Equal(more, await slow.EchoAsync(more));
    }

    [SkippableFact]
    public async Task A_client_that_closes_its_side_gets_all_echoes_and_then_the_end()
    {
        using Server server = EchoClient.Serve("endpoint");
        using EchoClient client = await EchoClient.ConnectAsync(server.Addresses[0]), brief = await EchoClient.ConnectAsync(server.Addresses[0]);
        byte[] sent = client.SendUntilBlocked();
        client.Socket.Shutdown(SocketShutdown.Send);
        await brief.SendAsync(new byte[63]);
        brief.Socket.Shutdown(SocketShutdown.Send);

        _ = await client.ReadAsync(sent.Length);

        Assert.Equal(0, await client.ReceiveAsync());
        Assert.Equal(0, await brief.ReceiveAsync());
    }

    [SkippableFact]
    public async Task Thousands_of_connections_are_held_by_several_workers()
    {
        using Server server = EchoClient.Serve("endpoint", threads: 4);
        var clients = new List<EchoClient>();
        try
        {
            for (int i = 0; i < 4000; i++) clients.Add(await EchoClient.ConnectAsync(server.Addresses[0]));
            byte[] sent = EchoClient.Pattern(1000);
            foreach (EchoClient client in clients) await client.SendAsync(sent);

            foreach (EchoClient client in clients) Assert.Equal("endpoint", Encoding.UTF8.GetString(await client.ReadAsync(sent.Length), 0, 8));

            Assert.Equal(4000, server.Accepted[0]);
            server.Disconnect(0, reset: true);
            foreach (EchoClient client in clients) await client.AssertResetAsync();
        }
        finally
        {
            foreach (EchoClient client in clients) client.Dispose();
        }
    }

    [SkippableTheory, InlineData("127.0.0.1", "127.0.0.1"), InlineData("0.0.0.0", "127.0.0.5"), InlineData("::", "127.0.0.5"), InlineData("::", "::1"), InlineData("::1", "::1")]
    public async Task Datagrams_come_back_with_the_name_from_the_address_that_they_were_sent_to(string listen, string to)
    {
        using Server server = EchoClient.Serve("endpoint", address: listen);
        IPEndPoint target = new(IPAddress.Parse(to), server.Addresses[0].Port);
        using var client = new Socket(target.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        byte[] buffer = new byte[65536];
        foreach (int size in new[] { 72, 4, 1400, 65507 })
        {
            byte[] sent = EchoClient.Pattern(size), expected = [.. sent];
            Encoding.UTF8.GetBytes("endpoint").AsSpan(0, Math.Min(8, size)).CopyTo(expected);

            await client.SendToAsync(sent, target);
            SocketReceiveFromResult received = await client.ReceiveFromAsync(buffer, target).WaitAsync(Loopback.Guard);

            Assert.Equal(target, received.RemoteEndPoint);
            Assert.Equal(expected, buffer[..received.ReceivedBytes]);
        }

        Assert.Equal(4, server.Accepted[0]);
    }

    [SkippableFact]
    public async Task A_connect_endpoint_on_all_addresses_answers_from_the_one_that_was_asked_too()
    {
        using Server server = Loopback.Serve("endpoint", address: "0.0.0.0");
        IPEndPoint target = new(IPAddress.Parse("127.0.0.5"), server.Addresses[0].Port);

        Assert.Equal(10, (await Loopback.RunAsync(new() { Target = target, Count = 10, Protocol = Engine.Sockets.TransportProtocol.Udp })).Count("endpoint"));
    }

    [Fact]
    public void The_portable_server_says_that_it_has_no_traffic() => Assert.Throws<PlatformNotSupportedException>(
        () => Server.Start([new("endpoint", Loopback.At("127.0.0.1")) { Service = ServedService.Traffic }], portable: true));
}
