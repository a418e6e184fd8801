using System.Net;
using LbTest.Engine.Analysis;
using LbTest.Engine.Sockets;

namespace LbTest.Engine.Tests.Sockets;

public sealed class SourceRangeTests
{
    [Theory]
    [InlineData("20.0.0.0/16", 65534, "20.0.0.1", "20.0.255.254")]
    [InlineData("20.0.5.9/16", 65534, "20.0.0.1", "20.0.255.254")] // bits behind the prefix don't count
    [InlineData("192.0.2.0/30", 2, "192.0.2.1", "192.0.2.2")]
    [InlineData("192.0.2.0/31", 2, "192.0.2.0", "192.0.2.1")] // RFC 3021: no broadcast address
    [InlineData("192.0.2.7/32", 1, "192.0.2.7", "192.0.2.7")]
    [InlineData("192.0.2.7", 1, "192.0.2.7", "192.0.2.7")]
    [InlineData("0.0.0.0/0", (1L << 32) - 2, "0.0.0.1", "255.255.255.254")]
    [InlineData("fd00::/112", 65535, "fd00::1", "fd00::ffff")]
    [InlineData("fd00::/127", 2, "fd00::", "fd00::1")]
    [InlineData("fd00::/128", 1, "fd00::", "fd00::")]
    [InlineData("fd00::7", 1, "fd00::7", "fd00::7")]
    [InlineData("fd00::/64", 1L << 32, "fd00::1", "fd00::1:0:0")] // 2^32 are enough
    [InlineData("::/0", 1L << 32, "::1", "::1:0:0")]
    public void A_range_has_the_addresses_that_hosts_may_have(string text, long size, string first, string last)
    {
        SourceRange range = SourceRange.Parse(text, seed: 1);

        Assert.Equal(size, range.Size);
        Assert.Equal(IPAddress.Parse(first), range.At(0));
        Assert.Equal(IPAddress.Parse(last), range.At(size - 1));
    }

    [Theory]
    [InlineData(""), InlineData("20.0.0.0/"), InlineData("20.0.0.0/33"), InlineData("20.0.0.0/-1"), InlineData("20.0.0.0/16/8"), InlineData("fd00::/129")]
    [InlineData("host/16"), InlineData("/16"), InlineData("20.0.0.0-20.0.0.9")]
    public void Anything_else_is_refused_with_an_example(string text)
    {
        PlanException exception = Assert.Throws<PlanException>(() => SourceRange.Parse(text, 1, "--source"));

        Assert.Equal($"--source '{text}' is not an address or a CIDR. Write it as address/prefix, e.g. 20.0.0.0/16 or fd00::/112.", exception.Message);
    }

    [Fact]
    public void The_choice_depends_on_seed_and_index_alone()
    {
        SourceRange one = SourceRange.Parse("20.0.0.0/16", 5), same = SourceRange.Parse("20.0.0.0/16", 5), other = SourceRange.Parse("20.0.0.0/16", 6);

        Assert.Equal(Choices(one, 100, false), Choices(same, 100, false));
        Assert.NotEqual(Choices(one, 100, false), Choices(other, 100, false));
    }

    [Theory, InlineData(0), InlineData(1), InlineData(-1), InlineData(int.MaxValue)]
    public void Random_choices_spread_over_the_range_as_chance_does(int seed)
    {
        SourceRange range = SourceRange.Parse("20.0.0.0/25", seed);
        long[] counts = new long[range.Size];
        foreach (long offset in Choices(range, 20_000, false)) counts[offset]++;

        Assert.Equal(Verdict.ConsistentWithRandom, BalanceAnalysis.Measure(counts, null, new BalanceOptions { Alpha = 0.0001 }).Verdict);
    }

    [Theory, InlineData("20.0.0.0/24"), InlineData("fd00::/120"), InlineData("192.0.2.1")]
    public void Sequential_choices_take_each_address_once_before_any_again(string text)
    {
        SourceRange range = SourceRange.Parse(text, seed: 99);

        Assert.Equal(range.Size, Choices(range, range.Size, true).Distinct().Count());
        Assert.Equal(range.OffsetFor(0, true), range.OffsetFor(range.Size, true));
    }

    private static long[] Choices(SourceRange range, long count, bool sequential) => [.. Enumerable.Range(0, (int)count).Select(i => range.OffsetFor(i, sequential))];
}
