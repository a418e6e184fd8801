using System.Net;
using LbTest.Engine.Connect;

namespace LbTest.Engine.Tests.Connect;

/// <summary>A plan that cannot work is refused before anything happens; the message names the parameter, its value and the remedy.</summary>
public sealed class PlanTests
{
    private static readonly ConnectPlan Good = new() { Target = Loopback.Closed, Count = 1 };

    public static TheoryData<string, ConnectPlan> Bad => new()
    {
        { "Count '0'", Good with { Count = 0 } },
        { "Count '-5'", Good with { Count = -5 } },
        { "Count '9223372036854775807'", Good with { Count = long.MaxValue } },
        { "Concurrency '0'", Good with { Concurrency = 0 } },
        { "Concurrency '65536'", Good with { Concurrency = 65536 } },
        { "ConnectTimeout '00:00:00'", Good with { ConnectTimeout = TimeSpan.Zero } },
        { "ConnectTimeout '10675199.02:48:05.4775807'", Good with { ConnectTimeout = TimeSpan.MaxValue } },
        { "Timeout '-00:00:01'", Good with { Timeout = TimeSpan.FromSeconds(-1) } },
        { "Timeout '10675199.02:48:05.4775807'", Good with { Timeout = TimeSpan.MaxValue } },
        { "SourcePort '65536'", Good with { SourcePort = 65536 } },
        { "SourcePort '-1'", Good with { SourcePort = -1 } },
        { "Threads '-1'", Good with { Threads = -1 } },
        { "Threads '257'", Good with { Threads = 257 } },
        { "Source '20.0.0.0/33'", Good with { Source = "20.0.0.0/33" } },
        { "Source 'fd00::/64' is IPv6 but the target 127.0.0.1:1 is IPv4", Good with { Source = "fd00::/64" } },
        { "Source '127.0.0.1' is IPv4 but the target [::1]:1 is IPv6", Good with { Target = new(IPAddress.IPv6Loopback, 1), Source = "127.0.0.1" } },
    };

    [Theory, MemberData(nameof(Bad))]
    public async Task A_bad_value_is_named_with_what_to_do(string expected, ConnectPlan plan)
    {
        ArgumentNullException.ThrowIfNull(plan);
        PlanException exception = await Assert.ThrowsAsync<PlanException>(() => ConnectRun.RunAsync(plan));

        Assert.StartsWith(expected, exception.Message, StringComparison.Ordinal);
        Assert.EndsWith($" {exception.Remedy}.", exception.Message, StringComparison.Ordinal);
        Assert.Contains($"{exception.Parameter} '{FormattableString.Invariant($"{exception.Value}")}'", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_largest_values_are_accepted()
    {
        ConnectPlan plan = Good with { Count = 1_000_000_000, Concurrency = 65535, SourcePort = 65535, Threads = 256, ConnectTimeout = TimeSpan.FromDays(30), Timeout = TimeSpan.FromDays(30) };

        plan.Validate();

        Assert.Equal(TimeSpan.FromSeconds(1_000_030), (plan with { Timeout = null }).EffectiveTimeout);
    }

    [Fact]
    public async Task A_source_range_that_is_not_local_is_refused_with_the_command_that_makes_it_so()
    {
        // Documentation addresses (RFC 5737): no machine has them, and binding sends nothing.
        PlanException exception = await Assert.ThrowsAsync<PlanException>(() => ConnectRun.RunAsync(Good with { Source = "192.0.2.0/24" }));

        Assert.StartsWith("Source '192.0.2.0/24' has the address 192.0.2.1, which this machine cannot bind.", exception.Message, StringComparison.Ordinal);
        Assert.Contains("ip route add local 192.0.2.0/24 dev lo", exception.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_range_of_which_only_the_beginning_is_local_is_refused_too()
    {
        PlanException exception = await Assert.ThrowsAsync<PlanException>(() => ConnectRun.RunAsync(Good with { Source = "126.0.0.0/7" }));

        Assert.Contains("cannot bind", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_fixed_port_allows_no_more_connections_than_source_addresses()
    {
        PlanException exception = await Assert.ThrowsAsync<PlanException>(
            () => ConnectRun.RunAsync(Good with { Count = 255, Source = "127.0.0.0/24", SourcePort = 4000 }));

        Assert.StartsWith("SourcePort '4000' allows one connection per source address, 254 here, but 255 are planned.", exception.Message, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task Keeping_more_connections_open_than_there_are_descriptors_is_refused()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "Limits are checked on Linux only.");
        PlanException exception = await Assert.ThrowsAsync<PlanException>(
            () => ConnectRun.RunAsync(Good with { Count = 900_000_000, Source = "127.0.0.0/8", KeepOpen = true }));

        Assert.Equal("Count", exception.Parameter);
        Assert.Contains("ulimit -n", exception.Remedy, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task Keeping_more_connections_open_than_there_are_ports_is_refused()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "Ports are counted on Linux only.");
        PlanException exception = await Assert.ThrowsAsync<PlanException>(() => ConnectRun.RunAsync(Good with { Count = 70_000, KeepOpen = true }));

        Assert.Equal("Count", exception.Parameter);
        Assert.Contains("ports and source addresses", exception.Message, StringComparison.Ordinal);
    }
}
