using System.Net;
using LbTest.Engine.Connect;
using LbTest.Engine.Sockets;
using LbTest.Engine.Traffic;

namespace LbTest.Engine.Tests.Traffic;

public class TrafficSourceTests
{
    private static TrafficPlan Plan(IPEndPoint target) => new() { Target = target, Connections = 6, PacketsPerSecond = 60, PacketSize = 64, Duration = TimeSpan.FromSeconds(0.6), Seed = 7 };

    [Fact]
    public async Task The_same_seed_gives_the_same_addresses_whatever_the_threads()
    {
        using EchoPeer peer = EchoPeer.Echo(64);
        string[][] addresses = await Task.WhenAll(new[] { 1, 3 }.Select(async threads =>
        {
            TrafficResult result = await TrafficRun.RunAsync(Plan(peer.Address) with { Source = "127.1.0.0/16", Threads = threads });
            return result.Connections.OrderBy(c => c.Client).Select(c => IPEndPoint.Parse(c.Local!).Address.ToString()).ToArray();
        }));
        Assert.Equal(addresses[0], addresses[1]);
        Assert.Equal(6, addresses[0].Distinct().Count());
    }

    [Fact]
    public async Task A_list_gives_each_connection_its_own_address_and_says_when_it_runs_out()
    {
        using EchoPeer peer = EchoPeer.Echo(64, packets: 3);
        string[] list = [.. Enumerable.Range(1, 8).Select(i => $"127.2.0.{i}")];
        TrafficResult result = await TrafficRun.RunAsync(Plan(peer.Address) with { Sources = [.. list], Duration = TimeSpan.FromSeconds(2) });
        TrafficRunTests.Consistent(result);
        Assert.Equal(list.Order(), result.Connections.Where(c => c.Local is not null).Select(c => IPEndPoint.Parse(c.Local!).Address.ToString()).Order());
        Assert.Equal(6, result.Connections.Count(c => c is { Connected: null, Failure: FailureClass.ClientExhausted }));
        Assert.Single(result.Warnings, w => w.Contains("ran out", StringComparison.Ordinal)); // A busy machine may add a warning of its own.
    }

    [Fact]
    public async Task A_failed_attempt_does_not_use_up_an_address()
    {
        int port;
        using (EchoPeer peer = EchoPeer.Echo(64)) port = peer.Address.Port;
        TrafficResult result = await TrafficRun.RunAsync(Plan(new IPEndPoint(IPAddress.Loopback, port)) with { Sources = [.. Enumerable.Range(1, 6).Select(i => $"127.2.0.{i}")] });
        Assert.True(result.FailedConnects > 6);
        Assert.DoesNotContain(result.Warnings, w => w.Contains("ran out", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("10.0.0.7\n\n# a comment\n 10.0.0.8:4000 \r\n", 2)]
    [InlineData("fd00::7\n[fd00::8]:4000\n[fd00::9]", 3)]
    public void A_file_has_an_address_a_line(string text, int count) => Assert.Equal(count, SourceList.Parse(text, "file").Length);

    [Theory]
    [InlineData("", "holds no address")]
    [InlineData("\n# nothing\n", "holds no address")]
    [InlineData("10.0.0.1\nhost-7\n", "'host-7' is not an address")]
    public void A_file_that_is_empty_or_odd_is_refused(string text, string says) =>
        Assert.Contains(says, Assert.Throws<PlanException>(() => SourceList.Parse(text, "file")).Message, StringComparison.Ordinal);

    public static TheoryData<string, TrafficPlan> Bad()
    {
        TrafficPlan good = Plan(new IPEndPoint(IPAddress.Loopback, 1));
        return new()
        {
            { "Connections", good with { Connections = 0 } },
            { "PacketsPerSecond", good with { PacketsPerSecond = 0 } },
            { "PacketsPerSecond", good with { PacketsPerSecond = double.NaN } },
            { "BytesPerSecond", good with { PacketsPerSecond = null, BytesPerSecond = 0 } },
            { "BytesPerSecond", good with { BytesPerSecond = 1 } },
            { "PacketSize", good with { PacketSize = 63 } },
            { "PacketSize", good with { PacketSize = 65537 } },
            { "PacketSize", good with { Protocol = TransportProtocol.Udp, PacketSize = 71 } },
            { "PacketSize", good with { Protocol = TransportProtocol.Udp, PacketSize = 65508 } },
            { "Duration", good with { Duration = TimeSpan.Zero } },
            { "RampUp", good with { RampUp = good.Duration } },
            { "BackOff", good with { BackOff = -TimeSpan.FromSeconds(1) } },
            { "ResponseTimeout", good with { ResponseTimeout = TimeSpan.Zero } },
            { "ConnectTimeout", good with { ConnectTimeout = TimeSpan.FromDays(31) } },
            { "Threads", good with { Threads = -1 } },
            { "Source", good with { Source = "fd00::/64" } },
            { "Source", good with { Source = "nonsense" } },
            { "Source", good with { Source = "127.0.0.0/8", Sources = ["127.0.0.1"] } },
            { "SourceFile", good with { Sources = ["127.0.0.1"] } },
            { "SourceFile", good with { Sources = [.. Enumerable.Repeat("fd00::1", 6)] } },
        };
    }

    [Theory]
    [MemberData(nameof(Bad))]
    public void Bad_input_names_the_parameter(string parameter, TrafficPlan plan) => Assert.Equal(parameter, Assert.Throws<PlanException>(plan.Validate).Parameter);

    [Fact]
    public async Task An_address_that_is_not_this_machines_is_found_before_anything_starts()
    {
        PlanException error = await Assert.ThrowsAsync<PlanException>(() => TrafficRun.RunAsync(
            Plan(new IPEndPoint(IPAddress.Loopback, 1)) with { Sources = [.. Enumerable.Repeat("192.0.2.1", 6)] }));
        Assert.Equal("SourceFile", error.Parameter);
    }
}
