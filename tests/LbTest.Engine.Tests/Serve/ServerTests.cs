using System.Net;
using System.Net.Sockets;
using LbTest.Engine.Connect;
using LbTest.Engine.Serve;
using LbTest.Engine.Sockets;
using LbTest.Engine.Tests.Connect;

namespace LbTest.Engine.Tests.Serve;

/// <summary>Faults on demand come and go on a live server, and a server that cannot start leaves nothing.</summary>
public sealed class ServerTests
{
    private static readonly TimeSpan Short = TimeSpan.FromSeconds(0.3);

    [SkippableTheory]
    [InlineData(EndpointBehavior.Refuse, FailureClass.Refused)]
    [InlineData(EndpointBehavior.Drop, FailureClass.TimedOut)]
    [InlineData(EndpointBehavior.Hang, FailureClass.ReadFailed)]
    [InlineData(EndpointBehavior.Reset, FailureClass.Reset)]
    [InlineData(EndpointBehavior.Partial, FailureClass.ReadFailed)]
    public async Task A_fault_comes_and_goes_and_leaves_the_other_endpoint_alone(EndpointBehavior fault, FailureClass failure)
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "Not every fault exists elsewhere.");
        using var server = Server.Start([new("faulty", Loopback.At("127.0.0.1")), new("sound", Loopback.At("127.0.0.2"))], threads: 2);

        for (int round = 0; round < 2; round++)
        {
            await AssertServes(server, 0, "faulty");

            server.SetBehavior(0, fault);
            ConnectResult result = await Loopback.RunAsync(new ConnectPlan { Target = server.Addresses[0], Count = 20, ConnectTimeout = Short });
            Loopback.AssertAllFailedAs(failure, result);
            await AssertServes(server, 1, "sound");

            server.SetBehavior(0, EndpointBehavior.Serve);
        }

        await AssertServes(server, 0, "faulty");
    }

    [SkippableTheory]
    [InlineData(EndpointBehavior.Refuse), InlineData(EndpointBehavior.Drop), InlineData(EndpointBehavior.Hang), InlineData(EndpointBehavior.Reset)]
    public async Task Datagrams_get_no_answer_while_there_is_a_fault(EndpointBehavior fault)
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "Not every fault exists elsewhere.");
        using Server server = Loopback.Serve("endpoint", fault);
        var plan = new ConnectPlan { Target = server.Addresses[0], Count = 20, Protocol = TransportProtocol.Udp, ConnectTimeout = Short };

        Loopback.AssertAllFailedAs(FailureClass.TimedOut, await Loopback.RunAsync(plan));
        server.SetBehavior(0, EndpointBehavior.Serve);
        Assert.Equal(20, (await Loopback.RunAsync(plan with { ConnectTimeout = Loopback.Guard })).Count("endpoint"));
    }

    [SkippableFact]
    public async Task A_fault_may_change_into_any_other()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "Not every fault exists elsewhere.");
        using Server server = Loopback.Serve("endpoint");
        foreach (EndpointBehavior first in Enum.GetValues<EndpointBehavior>())
        {
            foreach (EndpointBehavior second in Enum.GetValues<EndpointBehavior>())
            {
                server.SetBehavior(0, first);
                server.SetBehavior(0, second);
            }
        }

        server.SetBehavior(0, EndpointBehavior.Serve);
        await AssertServes(server, 0, "endpoint");
    }

    [Theory, InlineData(EndpointBehavior.Drop), InlineData(EndpointBehavior.Refuse)]
    public void The_portable_server_says_which_faults_it_cannot_make(EndpointBehavior fault)
    {
        using Server server = Loopback.Serve("endpoint", portable: true);

        Assert.Throws<PlatformNotSupportedException>(() => server.SetBehavior(0, fault));
    }

    [Theory]
    [InlineData(false, SocketType.Stream), InlineData(false, SocketType.Dgram), InlineData(true, SocketType.Stream), InlineData(true, SocketType.Dgram)]
    public void An_address_in_use_is_named_and_nothing_is_left_open(bool portable, SocketType type)
    {
        using var holder = new Socket(AddressFamily.InterNetwork, type, type == SocketType.Stream ? ProtocolType.Tcp : ProtocolType.Udp);
        holder.Bind(Loopback.At("127.0.0.61"));
        if (type == SocketType.Stream) holder.Listen();
        IPEndPoint taken = (IPEndPoint)holder.LocalEndPoint!, free = new(IPAddress.Parse("127.0.0.62"), taken.Port);

        PlanException exception = Assert.Throws<PlanException>(() => Server.Start([new("first", free), new("second", taken)], portable: portable));

        Assert.StartsWith($"Address '{taken}' cannot be listened on: ", exception.Message, StringComparison.Ordinal);
        using var server = Server.Start([new ServedEndpoint("first", free)], portable: portable);
        Assert.Equal(free, Assert.Single(server.Addresses));
    }

    [SkippableFact]
    public void A_refusing_endpoint_whose_port_was_taken_meanwhile_says_so()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "There is no refusing elsewhere.");
        using Server server = Server.Start([new ServedEndpoint("endpoint", Loopback.At("127.0.0.63"), null, ServedProtocols.Tcp)]);
        server.SetBehavior(0, EndpointBehavior.Refuse);
        using var thief = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        thief.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
        thief.Bind(server.Addresses[0]);
        thief.Listen();

        Assert.Throws<PlanException>(() => server.SetBehavior(0, EndpointBehavior.Serve));
    }

    [Theory, InlineData(false), InlineData(true)]
    public void A_name_that_is_empty_or_too_long_is_refused(bool portable)
    {
        foreach (string name in new[] { "", new string('x', 256), string.Concat(Enumerable.Repeat("é", 128)) })
            Assert.Equal("Name", Assert.Throws<PlanException>(() => Loopback.Serve(name, portable: portable)).Parameter);
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task A_stopped_server_closes_its_connections_and_its_ports(bool portable)
    {
        Server server = Loopback.Serve("endpoint", portable: portable);
        IPEndPoint address = server.Addresses[0];
        using var connection = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await connection.ConnectAsync(address);
        byte[] buffer = new byte[100];
        Assert.Equal(8, await connection.ReceiveAsync(buffer));

        server.Dispose();

        Assert.Equal(0, await connection.ReceiveAsync(buffer).WaitAsync(Loopback.Guard));
        Loopback.AssertAllFailedAs(FailureClass.Refused, await Loopback.RunAsync(new ConnectPlan { Target = address, Count = 5 }));
    }

    [SkippableFact]
    public async Task Thousands_of_idle_connections_do_not_keep_others_waiting()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "Only the native server promises it.");
        using Server server = Loopback.Serve("endpoint");
        var idle = new List<Socket>();
        try
        {
            for (int i = 0; i < 3000; i++)
            {
                idle.Add(new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
                await idle[i].ConnectAsync(server.Addresses[0]);
            }

            await AssertServes(server, 0, "endpoint");

            Assert.Equal(3020, server.Accepted[0]);
        }
        finally
        {
            foreach (Socket socket in idle) socket.Dispose();
        }
    }

    private static async Task AssertServes(Server server, int index, string name) =>
        Assert.Equal(20, (await Loopback.RunAsync(new ConnectPlan { Target = server.Addresses[index], Count = 20 })).Count(name));
}
