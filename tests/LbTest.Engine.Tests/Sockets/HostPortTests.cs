using System.Net.Sockets;
using LbTest.Engine.Sockets;

namespace LbTest.Engine.Tests.Sockets;

public sealed class HostPortTests
{
    [Theory]
    [InlineData("10.0.0.1:5001", "10.0.0.1:5001")]
    [InlineData("127.0.0.1:1", "127.0.0.1:1")]
    [InlineData("[::1]:65535", "[::1]:65535")]
    [InlineData("[fd00::0:5]:80", "[fd00::5]:80")]
    public void An_address_with_a_port_is_read(string text, string expected) => Assert.Equal(expected, HostPort.Resolve(text).ToString());

    [Fact]
    public void A_name_is_resolved_to_the_wanted_family() =>
        Assert.Equal("127.0.0.1:5001", HostPort.Resolve("localhost:5001", family: AddressFamily.InterNetwork).ToString());

    [Theory]
    [InlineData("10.0.0.1", "has no port")]
    [InlineData("::1:5001", "has no port")]
    [InlineData("[::1]", "has no port")]
    [InlineData("[::1]5001", "has no port")]
    [InlineData("nohostport", "has no port")]
    [InlineData(":5001", "has no port")]
    [InlineData("", "has no port")]
    [InlineData("[]:5001", "has no host")]
    [InlineData("10.0.0.1:", "not a number from 1 to 65535")]
    [InlineData("10.0.0.1:0", "not a number from 1 to 65535")]
    [InlineData("10.0.0.1:65536", "not a number from 1 to 65535")]
    [InlineData("10.0.0.1:-1", "not a number from 1 to 65535")]
    [InlineData("10.0.0.1:http", "not a number from 1 to 65535")]
    [InlineData("no-such-host.invalid:5001", "does not resolve")]
    [InlineData("no such host:5001", "does not resolve")]
    public void Anything_else_is_refused_with_what_is_wrong(string text, string problem)
    {
        PlanException exception = Assert.Throws<PlanException>(() => HostPort.Resolve(text, "--address"));

        Assert.StartsWith($"--address '{text}' ", exception.Message, StringComparison.Ordinal);
        Assert.Contains(problem, exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("10.0.0.1:1", AddressFamily.InterNetworkV6, "is not an IPv6 address")]
    [InlineData("[::1]:1", AddressFamily.InterNetwork, "is not an IPv4 address")]
    public void An_address_of_the_other_family_is_refused(string text, AddressFamily family, string problem) =>
        Assert.Contains(problem, Assert.Throws<PlanException>(() => HostPort.Resolve(text, family: family)).Message, StringComparison.Ordinal);

    [Fact]
    public void Only_an_address_to_listen_on_may_leave_the_port_to_the_kernel() =>
        Assert.Equal(0, HostPort.Resolve("127.0.0.1:0", listen: true).Port);
}
