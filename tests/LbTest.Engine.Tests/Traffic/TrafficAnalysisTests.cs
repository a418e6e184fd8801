using System.Diagnostics;
using System.Globalization;
using LbTest.Engine.Connect;
using LbTest.Engine.Results;
using LbTest.Engine.Tests.Results;
using LbTest.Engine.Traffic;

namespace LbTest.Engine.Tests.Traffic;

/// <summary>The analyses give the numbers of ctraffic on its results, and what their documentation says on ours.</summary>
public sealed class TrafficAnalysisTests
{
    // Client 0 lasts; client 1 is lost at 1.2 s and back at 1.3 s; client 2 is lost in the second in which it was started; client 3 never gets a connection.
    private static readonly TrafficResult Ours = new()
    {
        Label = "ours", Completed = true, Duration = Seconds(3), PlannedDuration = Seconds(3), Clients = 4, Generator = "LbTest",
        Samples =
        [
            new() { Time = Seconds(1), Active = 2, New = 2, Connecting = 2, BytesReceived = 1000 }, new() { Time = Seconds(2), Active = 2, New = 2, Failed = 2, Connecting = 2, BytesReceived = 500 },
            new() { Time = Seconds(2.5), Active = 2, Connecting = 2, BytesReceived = 500 },
        ],
        Connections =
        [
            new() { Client = 0, Endpoint = "b", Connected = Seconds(0.1), Ended = Seconds(3) },
            new() { Client = 1, Endpoint = "b", Connected = Seconds(0.1), Ended = Seconds(1.2), Failure = FailureClass.Reset },
            new() { Client = 3, Ended = Seconds(3), Failure = FailureClass.Refused },
            new() { Client = 1, Reconnects = 1, Endpoint = "a", Started = Seconds(1.2), Connected = Seconds(1.3), Ended = Seconds(3) },
            new() { Client = 2, Endpoint = "c", Started = Seconds(1.4), Connected = Seconds(1.5), Ended = Seconds(1.9), Failure = FailureClass.TimedOut },
        ],
    };

    [SkippableFact]
    public void Connections_of_the_recorded_run_are_those_of_ctraffic() => AssertRows(
        "connections", TrafficAnalysis.Connections(CtrafficJsonTests.Recorded()).Select(r => new double[] { r.Time, r.Active, r.New, r.Failed, r.Connecting }));

    [SkippableFact]
    public void Throughput_of_the_recorded_run_is_that_of_ctraffic_in_units_of_1024_bytes() => AssertRows(
        "throughput", TrafficAnalysis.Throughput(CtrafficJsonTests.Recorded()).Select(r => new[] { r.Time, r.BytesPerSecond / 1024 }));

    [SkippableFact]
    public void Hosts_of_the_recorded_run_are_those_of_ctraffic() =>
        Assert.Equal([new HostsRow("vm", 40, 40)], TrafficAnalysis.Hosts(CtrafficJsonTests.Recorded()).ToArray());

    [Fact]
    public void Connections_are_counted_second_by_second_up_to_the_end() => Assert.Equal(
        [new(0.5, 2, 3, 0, 1), new(1.5, 2, 1, 2, 1), new(2.5, 2, 0, 0, 1)], TrafficAnalysis.Connections(Ours).ToArray());

    [Fact]
    public void Throughput_of_ours_begins_with_the_first_interval() => Assert.Equal(
        [new(0.5, 1000), new(1.5, 500), new(2.25, 1000)], TrafficAnalysis.Throughput(Ours).ToArray());

    [Fact]
    public void Hosts_are_in_the_order_of_names_and_have_lost_or_lasting_connections() => Assert.Equal(
        [new("a", 0, 1), new("b", 1, 1), new("c", 1, 0)], TrafficAnalysis.Hosts(Ours).ToArray());

    [Theory, InlineData(true), InlineData(false)]
    public void Samples_stand_in_where_the_agent_was_lost_and_connections_are_missing(bool someEnded)
    {
        TrafficResult partial = Ours with { Completed = false, Reason = "the agent was lost", Connections = someEnded ? [Ours.Connections[1]] : [] };

        Assert.Equal([new(0.5, 2, 2, 0, 2), new(1.5, 2, 2, 2, 2), new(2.25, 2, 0, 0, 2)], TrafficAnalysis.Connections(partial).ToArray());
    }

    [Fact]
    public void A_result_stopped_by_the_user_has_all_its_connections() =>
        Assert.Equal(TrafficAnalysis.Connections(Ours).ToArray(), TrafficAnalysis.Connections(Ours with { Completed = false, Reason = "stopped" }).ToArray());

    [Fact]
    public void What_is_missing_is_named_with_the_remedy()
    {
        var empty = new TrafficResult { Label = "summary" };

        Assert.StartsWith("Result 'summary' has no samples", Assert.Throws<PlanException>(() => TrafficAnalysis.Connections(empty)).Message, StringComparison.Ordinal);
        Assert.StartsWith("Result 'summary' has no samples", Assert.Throws<PlanException>(() => TrafficAnalysis.Throughput(empty)).Message, StringComparison.Ordinal);
        Assert.StartsWith("Result 'summary' has no connection records", Assert.Throws<PlanException>(() => TrafficAnalysis.Hosts(empty)).Message, StringComparison.Ordinal);
        Assert.Contains("-stats all", Assert.Throws<PlanException>(() => TrafficAnalysis.Connections(Ours with { Generator = CtrafficJson.Generator, Connections = [] })).Message, StringComparison.Ordinal);
    }

    [SkippableTheory, InlineData("connections"), InlineData("throughput"), InlineData("hosts")]
    public async Task A_result_of_ours_is_analysed_alike_by_ctraffic_itself(string analysis)
    {
        // Off the whole second, and in packets of 1,024 bytes: where ctraffic cuts off, ours does not.
        TrafficResult result = Ours with
        {
            Duration = Seconds(3.001), PacketSize = 1024, PacketsPerSecond = 4, Connections = [.. Ours.Connections.Select(c => c with { Started = c.Started + Seconds(0.001) })],
            Samples = [.. Ours.Samples.Select((sample, i) => sample with { Received = 10 + i, BytesReceived = 1024 * (10 + i) })],
        };
        using Process ctraffic = PublicTool.Start("ctraffic", "-stat_file", "-", "-analyze", analysis);
        await ctraffic.StandardInput.WriteAsync(CtrafficJson.Write(result));
        ctraffic.StandardInput.Close();
        string[] theirs = (await ctraffic.StandardOutput.ReadToEndAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries);

        if (analysis == "hosts") Assert.Equal(["Lost connections: 2", "  b 1", "  c 1", "Lasting connections: 2", "  a 1", "  b 1"], theirs);
        else if (analysis == "connections") AssertRows(theirs, TrafficAnalysis.Connections(result).Select(r => new double[] { r.Time, r.Active, r.New, r.Failed, r.Connecting }));
        else AssertRows(theirs, TrafficAnalysis.Throughput(result).Skip(1).Select(r => new[] { r.Time, r.BytesPerSecond / 1024 }));
    }

    private static void AssertRows(string analysis, IEnumerable<double[]> rows)
    {
        string? path = Golden.Find($"ctraffic/restart-40.{analysis}.txt");
        Skip.If(path is null, "There are no recorded runs beside the checkout.");
        AssertRows(File.ReadAllLines(path), rows);
    }

    // Ours are whole ticks of 100 ns.
    private static void AssertRows(string[] theirs, IEnumerable<double[]> rows)
    {
        double[][] expected = [.. theirs.Skip(1).Select(line => line.Split(' ').Select(number => double.Parse(number, CultureInfo.InvariantCulture)).ToArray())], actual = [.. rows];
        Assert.NotEmpty(expected);
        Assert.Equal(expected.Length, actual.Length);
        foreach ((double[] their, double[] our) in expected.Zip(actual)) Assert.All(their.Zip(our), pair => Assert.Equal(pair.First, pair.Second, 1e-5));
    }

    private static TimeSpan Seconds(double seconds) => TimeSpan.FromSeconds(seconds);
}
