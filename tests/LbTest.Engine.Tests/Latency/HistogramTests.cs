using System.Collections.Immutable;
using LbTest.Engine.Latency;

namespace LbTest.Engine.Tests.Latency;

public sealed class HistogramTests
{
    // Values of all magnitudes from 10 µs to 3 h, in ns.
    private static readonly long[] Values = Draw(new Random(11), 20_000);

    [Theory, InlineData(1), InlineData(50), InlineData(90), InlineData(99), InlineData(99.9), InlineData(100)]
    public void A_percentile_is_at_most_a_64th_above_the_true_value_and_never_below(double percent)
    {
        long[] sorted = [.. Values.Order()];
        long exact = sorted[(int)Math.Ceiling(sorted.Length * percent / 100) - 1];

        long reported = Of(Values).Percentile(percent).Ticks * 100;

        Assert.InRange(reported, exact - 99, exact + (exact / 64)); // 100 ns is the unit of TimeSpan
    }

    [Fact]
    public void Every_single_value_is_within_the_bound()
    {
        foreach (long value in Values)
        {
            // The largest of the two hides the bucket's upper bound behind the exact maximum.
            Histogram histogram = Of([value, long.MaxValue / 2]);
            Assert.InRange(histogram.Percentile(50).Ticks * 100, value - 99, value + (value / 64));
        }
    }

    [Fact]
    public void Maximum_and_mean_are_exact()
    {
        Histogram histogram = Of([1_000_000, 2_000_000, 123_456_700]);

        Assert.Equal(TimeSpan.FromTicks(1_234_567), histogram.Maximum);
        Assert.Equal(TimeSpan.FromTicks((10_000 + 20_000 + 1_234_567) / 3), histogram.Mean);
    }

    [Fact]
    public void The_smallest_and_the_largest_values_fit()
    {
        Histogram histogram = Of([long.MinValue, -1, 0, long.MaxValue]);

        Assert.Equal(4, histogram.Count);
        Assert.Equal(TimeSpan.Zero, histogram.Percentile(75));
        Assert.Equal(TimeSpan.FromTicks(long.MaxValue / 100), histogram.Percentile(100));
    }

    [Fact]
    public void Without_values_everything_is_zero()
    {
        var empty = new Histogram();

        Assert.Equal((0, TimeSpan.Zero, TimeSpan.Zero, TimeSpan.Zero), (empty.Count, empty.Mean, empty.Maximum, empty.Percentile(99)));
        Assert.Empty(empty.Buckets);
    }

    [Fact]
    public void Merging_is_the_same_as_recording_everything_in_one()
    {
        Histogram merged = Of(Values.AsSpan(..5000));
        merged.Merge(Of(Values.AsSpan(5000..)));

        AssertSame(Of(Values), merged);
    }

    [Fact]
    public void Buckets_bring_the_histogram_back()
    {
        Histogram histogram = Of(Values);

        AssertSame(histogram, Histogram.FromBuckets(histogram.Buckets, histogram.Maximum, histogram.Mean));
    }

    [Fact]
    public void Buckets_ascend_and_hold_every_value_once()
    {
        ImmutableArray<HistogramBucket> buckets = Of(Values).Buckets;

        Assert.Equal(Values.Length, buckets.Sum(bucket => bucket.Count));
        Assert.Equal(buckets.Select(bucket => bucket.UpperNanoseconds).Distinct().Order(), buckets.Select(bucket => bucket.UpperNanoseconds));
    }

    [Theory, InlineData(-0.1), InlineData(100.1)]
    public void A_percentage_out_of_range_is_refused(double percent) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new Histogram().Percentile(percent));

    private static void AssertSame(Histogram expected, Histogram actual)
    {
        Assert.Equal(expected.Buckets.ToArray(), actual.Buckets.ToArray());
        Assert.Equal((expected.Count, expected.Maximum), (actual.Count, actual.Maximum));
        Assert.InRange((expected.Mean - actual.Mean).Ticks, -1, 1);
        foreach (double percent in new[] { 0, 50, 99, 99.9, 100 }) Assert.Equal(expected.Percentile(percent), actual.Percentile(percent));
    }

    private static Histogram Of(params ReadOnlySpan<long> values)
    {
        var histogram = new Histogram();
        foreach (long value in values) histogram.Record(value);
        return histogram;
    }

    private static long[] Draw(Random random, int count) => [.. Enumerable.Range(0, count).Select(_ => (long)Math.Pow(10, 4 + (9 * random.NextDouble())))];
}
