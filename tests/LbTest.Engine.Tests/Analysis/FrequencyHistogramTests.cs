using LbTest.Engine.Analysis;
using MathNet.Numerics.Distributions;

namespace LbTest.Engine.Tests.Analysis;

public sealed class FrequencyHistogramTests
{
    [Fact]
    public void Ranges_are_without_gaps_and_count_every_endpoint()
    {
        foreach (long[] counts in new long[][] { [0], [5, 5, 5], [1, 100, 10_000], [.. Enumerable.Range(0, 100).Select(i => 900L + (i * 7 % 200))], [0, 0, 0, 0, 10_000] })
        {
            FrequencyBin[] bins = [.. FrequencyHistogram.Of(counts, null, 20)];
            Assert.Equal(counts.Length, bins.Sum(b => b.Endpoints));
            Assert.Equal(counts.Length, bins.Sum(b => b.Expected), 1e-3);
            Assert.InRange(bins.Length, 1, 22);
            Assert.All(bins.Zip(bins.Skip(1)), pair => Assert.Equal(pair.First.Last + 1, pair.Second.First));
        }
    }

    [Fact]
    public void Expectations_are_those_of_the_binomial_distribution()
    {
        long[] counts = [3, 4, 5, 4, 4];
        var chance = new Binomial(0.2, 20);

        FrequencyBin[] bins = [.. FrequencyHistogram.Of(counts)];

        Assert.All(bins, bin => Assert.Equal(bin.First, bin.Last));
        Assert.All(bins, bin => Assert.Equal(5 * chance.Probability((int)bin.First), bin.Expected, 1e-9));
        Assert.Equal([(3L, 1), (4L, 3), (5L, 1)], bins.Where(b => b.Endpoints > 0).Select(b => (b.First, b.Endpoints)));
    }

    [Fact]
    public void Unequal_shares_are_expected_apart_from_each_other()
    {
        double[] shares = [0.1, 0.1, 0.8];
        long[] counts = [100, 100, 800];

        FrequencyBin[] bins = [.. FrequencyHistogram.Of(counts, shares)];

        // Around 100 two endpoints are expected, around 800 one, and none in between.
        Assert.Equal(2, bins.Where(b => b.Last < 200).Sum(b => b.Expected), 1e-3);
        Assert.Equal(0, bins.Where(b => b.First >= 200 && b.Last < 700).Sum(b => b.Expected), 1e-3);
        Assert.Equal(1, bins.Where(b => b.First >= 700).Sum(b => b.Expected), 1e-3);
    }

    [Fact]
    public void An_outlier_goes_into_an_open_range_and_flattens_nothing()
    {
        long[] counts = [.. Enumerable.Repeat(100L, 99), 20_000];

        FrequencyBin[] bins = [.. FrequencyHistogram.Of(counts)];

        // By chance 299 with a standard deviation of 17.2: five of them reach to 386.
        Assert.Equal(("≥ 390", 1), (bins[^1].Name, bins[^1].Endpoints));
        Assert.StartsWith("≤ ", bins[0].Name, StringComparison.Ordinal);
        Assert.Equal(99, bins[0].Endpoints);
        Assert.True(bins.Length > 10);
    }

    [Fact]
    public void An_endpoint_that_should_get_nothing_is_expected_at_nothing()
    {
        FrequencyBin[] bins = [.. FrequencyHistogram.Of([10, 10, 0], [0.5, 0.5, 0])];

        Assert.Equal((0L, 1), (bins[0].First, bins[0].Endpoints));
        Assert.Equal(1, bins[0].Expected, 1e-4);
    }

    [Fact]
    public void No_endpoints_have_no_ranges() => Assert.Empty(FrequencyHistogram.Of([]));

    [Fact]
    public void Many_connections_are_no_trouble()
    {
        FrequencyBin[] bins = [.. FrequencyHistogram.Of([.. Enumerable.Repeat(10_000_000L, 100)])];

        Assert.Equal(100, bins.Sum(b => b.Expected), 1e-3);
        Assert.Equal(100, bins.Single(b => b.Endpoints > 0).Endpoints);
    }

    [Fact]
    public void Too_few_ranges_are_refused() => Assert.Throws<ArgumentOutOfRangeException>(() => FrequencyHistogram.Of([1], null, 3));
}
