using LbTest.Engine.Connect;
using LbTest.Engine.Results;
using LbTest.Engine.Sockets;
using LbTest.Engine.Traffic;

namespace LbTest.Engine.Tests.Results;

/// <summary>The JSON of the public ctraffic tool is read and written.</summary>
public sealed class CtrafficJsonTests
{
    private const string Totals = "\"Started\":\"2026-11-21T00:04:12.265879527Z\",\"Duration\":9998000000,\"Rate\":30,\"Connections\":3,\"PacketSize\":512,"
        + "\"FailedConnections\":3,\"Sent\":430,\"Received\":390,\"Dropped\":2,\"Retransmits\":5,\"FailedConnects\":221";

    [SkippableFact]
    public void The_recorded_run_is_read()
    {
        TrafficResult result = Recorded();

        Assert.Equal(("restart-40", "ctraffic", TransportProtocol.Tcp, true, true), (result.Label, result.Generator, result.Protocol, result.Completed, result.Reconnect));
        Assert.Equal((40, 40, 1024), (result.Clients, result.PacketsPerSecond, result.PacketSize));
        Assert.Equal((430, 390, 0, 40, 40, 221), (result.Sent, result.Received, result.Dropped, result.Lost, result.LostConnections, result.FailedConnects));
        Assert.Equal((TimeSpan.FromTicks(119_977_433), TimeSpan.FromSeconds(12)), (result.Duration, result.PlannedDuration));
        Assert.Equal([(FailureClass.ReadFailed, 40), (FailureClass.Unclassified, 221)], result.Failures.Select(f => (f.Class, f.Count)));
        // Each client lost one connection and got another; its second one began when the first had ended.
        Assert.All(result.Connections.GroupBy(c => c.Client), client =>
        {
            Assert.Equal([0, 1], client.Select(c => c.Reconnects));
            Assert.InRange(client.Last().Started - client.First().Ended, TimeSpan.Zero, TimeSpan.FromMilliseconds(1));
        });
        Assert.Equal(Enumerable.Range(0, 40), result.Connections.Take(40).Select(c => c.Client));
    }

    [SkippableFact]
    public void The_recorded_run_has_samples_of_a_second_each_with_the_states_of_the_monitor()
    {
        TrafficResult result = Recorded();

        // Conn act/fail/connecting: 40/0/0 five times, 0/40/40 twice, 40/40/0 four times; cumulative there.
        Assert.Equal([40, 40, 40, 40, 40, 0, 0, 40, 40, 40, 40], result.Samples.Select(s => s.Active));
        Assert.Equal([0, 0, 0, 0, 0, 40, 0, 0, 0, 0, 0], result.Samples.Select(s => s.Failed));
        Assert.Equal([0, 0, 0, 0, 0, 40, 40, 0, 0, 0, 0], result.Samples.Select(s => s.Connecting));
        Assert.Equal([40, 0, 0, 0, 0, 0, 0, 40, 0, 0, 0], result.Samples.Select(s => s.New));
        Assert.Equal([40, 40, 40, 40, 40, 40, 0, 30, 41, 40, 40], result.Samples.Select(s => s.Sent));
        Assert.Equal([40, 40, 40, 40, 40, 0, 0, 30, 41, 40, 40], result.Samples.Select(s => s.Received));
        Assert.All(result.Samples, s => Assert.Equal((s.Sent * 1024, s.Received * 1024), (s.BytesSent, s.BytesReceived)));
    }

    [SkippableFact]
    public void The_recorded_run_survives_being_written_and_read()
    {
        TrafficResult result = Recorded();

        Assert.Equivalent(result, ResultJson.ReadAny(CtrafficJson.Write(result), "restart-40"), strict: true);
    }

    [Fact]
    public void A_summary_has_neither_connections_nor_samples()
    {
        var result = (TrafficResult)ResultJson.ReadAny($$"""{{{Totals}}}""");

        Assert.Empty(result.Connections);
        Assert.Empty(result.Samples);
        Assert.Equal((3, 60, 3, 221, 40, 5, true), (result.Clients, result.PacketsPerSecond, result.LostConnections, result.FailedConnects, result.Lost, result.Retransmits, result.Completed));
        Assert.Equal([(FailureClass.Unclassified, 224)], result.Failures.Select(f => (f.Class, f.Count)));
    }

    [Theory]
    [InlineData("EOF", FailureClass.ReadFailed), InlineData("unexpected EOF", FailureClass.ReadFailed)]
    [InlineData("read tcp 127.0.0.1:1->127.0.0.1:2: read: connection reset by peer", FailureClass.Reset)]
    [InlineData("write tcp 127.0.0.1:1->127.0.0.1:2: write: broken pipe", FailureClass.Reset)]
    [InlineData("read tcp 127.0.0.1:1->127.0.0.1:2: i/o timeout", FailureClass.TimedOut)]
    [InlineData("dial tcp 127.0.0.1:1: connect: connection refused", FailureClass.Refused)]
    [InlineData("read tcp 10.0.0.1:1->10.0.0.2:2: read: no route to host", FailureClass.Unreachable)]
    [InlineData("dial tcp 127.0.0.1:1: socket: too many open files", FailureClass.ClientExhausted)]
    [InlineData("something else", FailureClass.Unclassified)]
    public void The_text_of_an_error_tells_its_class(string error, FailureClass expected)
    {
        TrafficResult result = WithConnections($$"""{"Started":1,"Connect":2000,"Ended":5000000000,"Err":"{{error}}","Host":"a"}""");

        Assert.Equal((expected, error, true), (result.Connections[0].Failure, result.Connections[0].Error, result.Connections[0].WasLost));
        Assert.Contains(result.Failures, f => f.Class == expected);
        Assert.Equal(224, result.Failures.Sum(f => f.Count));
    }

    [Fact]
    public void A_connection_that_was_never_established_did_not_last()
    {
        TrafficConnection never = WithConnections("""{"Started":1000,"Connect":0,"Ended":10000000000,"Err":"","Local":"","Remote":""}""").Connections[0];

        Assert.Equal((null, null, FailureClass.Unclassified, false), (never.Connected, never.Local, never.Failure, never.WasLost));
    }

    [Fact]
    public void Each_reconnect_follows_the_latest_loss_before_it()
    {
        // Clients 0 to 2. Client 1 is lost first and tried again at once, then 0, then the new connection of 1; client 2 lasts.
        TrafficResult result = WithConnections(
            """{"Started":1000,"Connect":2000,"Ended":4000000000,"Err":"EOF","Host":"a"}""",
            """{"Started":1100,"Connect":2000,"Ended":3000000000,"Err":"EOF","Host":"b"}""",
            """{"Started":1200,"Connect":2000,"Ended":10000000000,"Err":"","Host":"c"}""",
            """{"Started":3000001000,"Connect":3000002000,"Ended":4500000000,"Err":"EOF","Host":"a"}""",
            """{"Started":4000001000,"Connect":4000002000,"Ended":10000000000,"Err":"","Host":"a"}""",
            """{"Started":4500001000,"Connect":0,"Ended":10000000000,"Err":""}""");

        Assert.Equal([(0, 0), (1, 0), (2, 0), (1, 1), (0, 1), (1, 2)], result.Connections.Select(c => (c.Client, c.Reconnects)));
    }

    [Fact]
    public void Datagrams_that_got_lost_without_an_error_tell_UDP()
    {
        Assert.Equal(TransportProtocol.Udp, WithConnections("""{"Started":1,"Connect":2000,"Ended":10000000000,"Err":"","Sent":10,"Received":8}""").Protocol);
        Assert.Equal(TransportProtocol.Udp, WithConnections("""{"Started":1,"Connect":2000,"Ended":5000000000,"Err":"write udp 127.0.0.1:1->127.0.0.1:2: write: connection refused"}""").Protocol);
        Assert.Equal(TransportProtocol.Tcp, WithConnections("""{"Started":1,"Connect":2000,"Ended":10000000000,"Err":"","Sent":10,"Received":9}""").Protocol);
    }

    [Fact]
    public void A_run_that_was_stopped_early_is_not_complete()
    {
        TrafficResult result = WithConnections("""{"Started":1,"Connect":2000,"Ended":60000000000,"Err":""}""");

        Assert.Equal((false, TimeSpan.FromSeconds(60)), (result.Completed, result.PlannedDuration));
        Assert.NotNull(result.Reason);
    }

    [Fact]
    public void Empty_records_are_left_out_and_running_ones_end_with_the_run()
    {
        // As when ctraffic gives up after too many reconnects: in Go, the zero time is 2,025 years before the start, cut to the least number.
        TrafficResult result = WithConnections("""{"Started":1000,"Connect":2000,"Ended":-9223372036854775808,"Err":""}""", """{"Started":0,"Connect":0,"Ended":0,"Err":""}""");

        Assert.Equal(result.Duration, Assert.Single(result.Connections).Ended);
    }

    [Theory]
    [InlineData("\"PacketSize\":0,\"FailedConnections\":0")]
    [InlineData("\"PacketSize\":-1,\"FailedConnections\":0")]
    [InlineData("\"PacketSize\":\"1\",\"FailedConnections\":0")]
    [InlineData("\"PacketSize\":1024,\"FailedConnections\":0,\"Rate\":-1")]
    [InlineData("\"PacketSize\":1024,\"FailedConnections\":0,\"Started\":\"yesterday\"")]
    [InlineData("\"PacketSize\":1024,\"FailedConnections\":0,\"ConnStats\":{}")]
    [InlineData("\"PacketSize\":1024,\"FailedConnections\":0,\"ConnStats\":[7]")]
    [InlineData("\"PacketSize\":1024,\"FailedConnections\":0,\"ConnStats\":[{\"Started\":1,\"Err\":7}]")]
    [InlineData("\"PacketSize\":1024,\"FailedConnections\":0,\"ConnStats\":[{\"Started\":-1}]")]
    [InlineData("\"PacketSize\":1024,\"FailedConnections\":0,\"Samples\":[{\"Time\":2,\"Sent\":5},{\"Time\":1,\"Sent\":6}]")]
    [InlineData("\"PacketSize\":1024,\"FailedConnections\":0,\"Samples\":[{\"Time\":1000,\"Sent\":5},{\"Time\":2000,\"Sent\":4}]")]
    public void A_value_of_the_wrong_type_or_size_is_refused(string properties) => Assert.Contains(
        "a value of the wrong type", Assert.Throws<FormatException>(() => ResultJson.ReadAny("{" + properties + "}")).Message, StringComparison.Ordinal);

    private static TrafficResult WithConnections(params string[] connections) =>
        (TrafficResult)ResultJson.ReadAny("{" + Totals + ",\"ConnStats\":[" + string.Join(',', connections) + "]}");

    internal static TrafficResult Recorded()
    {
        string? path = Golden.Find("ctraffic/restart-40.json");
        Skip.If(path is null, "There are no recorded runs beside the checkout.");
        return (TrafficResult)ResultJson.ReadAny(File.ReadAllText(path), "restart-40");
    }
}
