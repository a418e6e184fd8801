using System.Net.Sockets;
using System.Text;
using LbTest.Engine.Serve;
using LbTest.Engine.Sockets;
using LbTest.Engine.Tests.Connect;

namespace LbTest.Engine.Tests.Serve;

/// <summary>Faults on demand of traffic endpoints: what they do to new connections, what to established ones, and that they pass.</summary>
public sealed class TrafficFaultTests
{
    private static readonly byte[] Packet = EchoClient.Pattern(1000);

    [SkippableFact]
    public async Task An_endpoint_that_refuses_keeps_its_connections_until_it_is_told_otherwise()
    {
        using Server server = EchoClient.Serve("endpoint");
        using EchoClient established = await EstablishAsync(server);

        server.SetBehavior(0, EndpointBehavior.Refuse);

        Assert.Equal(Packet, await established.EchoAsync(Packet));
        Assert.Equal(SocketError.ConnectionRefused, (await Assert.ThrowsAsync<SocketException>(() => EchoClient.ConnectAsync(server.Addresses[0]))).SocketErrorCode);
        server.Disconnect(0, reset: true);
        await established.AssertResetAsync();
        server.SetBehavior(0, EndpointBehavior.Serve);
        using EchoClient later = await EstablishAsync(server);
    }

    [SkippableFact]
    public async Task An_endpoint_that_resets_keeps_its_connections()
    {
        using Server server = EchoClient.Serve("endpoint", threads: 2);
        using EchoClient established = await EstablishAsync(server);

        server.SetBehavior(0, EndpointBehavior.Reset);
        SocketException reset = await Assert.ThrowsAsync<SocketException>(async () =>
        {
            // The reset may come before the client knows that it is connected.
            using EchoClient client = await EchoClient.ConnectAsync(server.Addresses[0]);
            _ = await client.ReceiveAsync();
        });

        Assert.Equal(SocketError.ConnectionReset, reset.SocketErrorCode);
        Assert.Equal(Packet, await established.EchoAsync(Packet));
    }

    [SkippableTheory, InlineData("127.0.0.1"), InlineData("::1")]
    public async Task An_endpoint_that_drops_falls_silent_on_its_connections_and_goes_on_later(string address)
    {
        using Server server = EchoClient.Serve("endpoint", address: address, threads: 2);
        using EchoClient established = await EstablishAsync(server);
        using EchoClient slow = await EchoClient.ConnectAsync(server.Addresses[0]);
        byte[] unread = slow.SendUntilBlocked();

        for (int round = 0; round < 2; round++)
        {
            server.SetBehavior(0, EndpointBehavior.Drop);
            await established.SendAsync(Packet);
            established.AssertSilent();
            // Not even the kernel has taken it.
            Assert.NotEqual(0, Unacknowledged(established));
            server.SetBehavior(0, EndpointBehavior.Serve);
            Assert.Equal(Packet, await established.ReadAsync(Packet.Length));
        }

        _ = await slow.ReadAsync(unread.Length);
        using EchoClient later = await EstablishAsync(server);
        Assert.Equal(0, Unacknowledged(later));
    }

    [SkippableFact]
    public async Task An_endpoint_that_hangs_accepts_says_nothing_and_goes_on_later()
    {
        using Server server = EchoClient.Serve("endpoint");
        using EchoClient established = await EstablishAsync(server);
        using EchoClient slow = await EchoClient.ConnectAsync(server.Addresses[0]);
        byte[] unread = slow.SendUntilBlocked();

        for (int round = 0; round < 2; round++)
        {
            server.SetBehavior(0, EndpointBehavior.Hang);
            using EchoClient fresh = await EchoClient.ConnectAsync(server.Addresses[0]);
            await fresh.SendAsync(Packet);
            await established.SendAsync(Packet);
            established.AssertSilent();
            fresh.AssertSilent();
            server.SetBehavior(0, EndpointBehavior.Serve);
            Assert.Equal(Packet, await established.ReadAsync(Packet.Length));
            Assert.Equal("endpoint", Encoding.UTF8.GetString(await fresh.ReadAsync(Packet.Length), 0, 8));
        }

        _ = await slow.ReadAsync(unread.Length);
        Assert.Equal(Packet, await slow.EchoAsync(Packet));
    }

    [SkippableFact]
    public async Task A_client_that_leaves_a_hanging_endpoint_is_let_go()
    {
        using Server server = EchoClient.Serve("endpoint", EndpointBehavior.Hang);
        using EchoClient client = await EchoClient.ConnectAsync(server.Addresses[0]);

        client.Socket.Shutdown(SocketShutdown.Send);

        Assert.Equal(0, await client.ReceiveAsync());
    }

    [SkippableTheory, InlineData(EndpointBehavior.Refuse), InlineData(EndpointBehavior.Drop), InlineData(EndpointBehavior.Hang), InlineData(EndpointBehavior.Reset)]
    public async Task Datagrams_are_lost_while_there_is_a_fault(EndpointBehavior fault)
    {
        using Server server = EchoClient.Serve("endpoint", fault);
        using var client = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        await client.ConnectAsync(server.Addresses[0]);
        byte[] answer = new byte[100];

        _ = await client.SendAsync("lost"u8.ToArray());
        Assert.False(client.Poll(TimeSpan.FromSeconds(0.1), SelectMode.SelectRead));
        server.SetBehavior(0, EndpointBehavior.Serve);
        _ = await client.SendAsync("answered"u8.ToArray());

        Assert.Equal(8, await client.ReceiveAsync(answer).WaitAsync(Loopback.Guard));
    }

    [SkippableFact]
    public void A_partial_answer_is_refused()
    {
        Assert.Contains("is not a behaviour of a traffic endpoint", Assert.Throws<PlanException>(() => EchoClient.Serve("endpoint", EndpointBehavior.Partial)).Message, StringComparison.Ordinal);
        using Server server = EchoClient.Serve("endpoint");
        Assert.Equal("Behavior", Assert.Throws<PlanException>(() => server.SetBehavior(0, EndpointBehavior.Partial)).Parameter);
    }

    [SkippableTheory, InlineData(ServedService.Traffic), InlineData(ServedService.Connect)]
    public async Task Disconnecting_ends_the_connections_of_one_endpoint_and_no_other(ServedService service)
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "Traffic endpoints need Linux.");
        using Server server = Server.Start([new("one", Loopback.At("127.0.0.1")) { Service = service }, new("other", Loopback.At("127.0.0.2")) { Service = ServedService.Traffic }], threads: 3);
        using EchoClient other = await EstablishAsync(server, 1);
        foreach (bool reset in new[] { true, false, true })
        {
            EchoClient[] clients = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => EstablishAsync(server, 0, service)));

            server.Disconnect(0, reset);

            foreach (EchoClient client in clients)
            {
                if (reset) await client.AssertResetAsync();
                else Assert.Equal(0, await client.ReceiveAsync());
                client.Dispose();
            }
        }

        Assert.Equal(Packet, await other.EchoAsync(Packet));
    }

    [SkippableFact]
    public async Task An_orderly_end_stays_orderly_when_the_server_has_not_read_everything()
    {
        using Server server = EchoClient.Serve("endpoint");
        using EchoClient slow = await EchoClient.ConnectAsync(server.Addresses[0]);
        byte[] sent = slow.SendUntilBlocked();

        server.Disconnect(0, reset: false);

        int read = 0, last;
        while ((last = await slow.ReceiveAsync()) > 0) read += last;
        Assert.InRange(read, 1, sent.Length - 1);
    }

    [SkippableTheory, InlineData(EndpointBehavior.Drop), InlineData(EndpointBehavior.Hang)]
    public async Task Silent_connections_can_be_reset(EndpointBehavior fault)
    {
        using Server server = EchoClient.Serve("endpoint");
        using EchoClient client = await EstablishAsync(server);
        server.SetBehavior(0, fault);

        server.Disconnect(0, reset: true);

        await client.AssertResetAsync();
    }

    [SkippableFact]
    public async Task Any_thread_may_change_anything_while_clients_come_and_go()
    {
        using Server server = EchoClient.Serve("endpoint", threads: 3);
        EndpointBehavior[] behaviors = [EndpointBehavior.Serve, EndpointBehavior.Refuse, EndpointBehavior.Hang, EndpointBehavior.Reset, EndpointBehavior.Serve];
        IEnumerable<Task> changers = Enumerable.Range(0, 3).Select(thread => Task.Run(() =>
        {
            for (int i = 0; i < 500; i++)
            {
                server.SetBehavior(0, behaviors[(i + thread) % behaviors.Length]);
                server.Disconnect(0, i % 2 == 0);
            }
        }));
        IEnumerable<Task> clients = Enumerable.Range(0, 3).Select(_ => Task.Run(async () =>
        {
            for (int i = 0; i < 500; i++)
            {
                try
                {
                    using EchoClient client = await EchoClient.ConnectAsync(server.Addresses[0]);
                    await client.SendAsync(Packet);
                }
                catch (SocketException)
                {
                    // Refused or reset, as it should be now and then.
                }
            }
        }));

        await Task.WhenAll(changers.Concat(clients)).WaitAsync(Loopback.Guard);

        server.SetBehavior(0, EndpointBehavior.Serve);
        using EchoClient last = await EstablishAsync(server);
    }

    [SkippableFact]
    public async Task Connections_outlive_the_server_by_nothing()
    {
        Server server = EchoClient.Serve("endpoint");
        using EchoClient client = await EstablishAsync(server);

        server.Dispose();
        server.Dispose();
        server.Disconnect(0, reset: true);

        Assert.Equal(0, await client.ReceiveAsync());
        Assert.Throws<ObjectDisposedException>(() => server.SetBehavior(0, EndpointBehavior.Hang));
    }

    private static async Task<EchoClient> EstablishAsync(Server server, int index = 0, ServedService service = ServedService.Traffic)
    {
        EchoClient client = await EchoClient.ConnectAsync(server.Addresses[index]);
        if (service == ServedService.Traffic) _ = await client.EchoAsync(Packet);
        else _ = await client.ReceiveAsync();
        return client;
    }

    /// <summary>Packets on their way or lost: <c>tcpi_unacked</c>, at byte 24 of struct tcp_info (linux/tcp.h).</summary>
    private static unsafe int Unacknowledged(EchoClient client)
    {
        byte* info = stackalloc byte[104];
        int length = 104;
        Assert.Equal(0, Linux.GetSockOpt((int)client.Socket.Handle, Linux.IpprotoTcp, Linux.TcpInfo, info, &length));
        return *(int*)(info + 24);
    }
}
