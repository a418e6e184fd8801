using System.Numerics;

namespace LbTest.Engine.Latency;

/// <summary>A mergeable, log-bucketed histogram of durations with a bounded relative error.</summary>
/// <remarks>
/// Values are nanoseconds. Each power of two is split into 64 equal buckets, so a reported value is at most 1/64 (1.6 %) above
/// the true one; the range is 0 to 2^63 ns. The scheme is that of HdrHistogram. Not thread-safe: one per thread, merged at the end.
/// </remarks>
public sealed class Histogram
{
    private const int SubBits = 6, SubBuckets = 1 << SubBits;
    private readonly long[] _counts = new long[(64 - SubBits) * SubBuckets];

    /// <summary>How many values were recorded.</summary>
    public long Count { get; private set; }

    /// <summary>The largest value, exact; zero when there is none.</summary>
    public TimeSpan Maximum => FromNanoseconds(_maximum);

    /// <summary>The mean, exact to the nanosecond sum; zero when there is no value.</summary>
    public TimeSpan Mean => Count == 0 ? TimeSpan.Zero : FromNanoseconds((long)(_sum / Count));

    private long _maximum;
    private double _sum;

    /// <summary>Records one duration in nanoseconds; negative values count as 0.</summary>
    public void Record(long nanoseconds)
    {
        nanoseconds = Math.Max(0, nanoseconds);
        _counts[Index(nanoseconds)]++;
        Count++;
        _sum += nanoseconds;
        _maximum = Math.Max(_maximum, nanoseconds);
    }

    /// <summary>Adds another histogram's values to this one; exact.</summary>
    public void Merge(Histogram other)
    {
        ArgumentNullException.ThrowIfNull(other);
        for (int i = 0; i < _counts.Length; i++) _counts[i] += other._counts[i];
        Count += other.Count;
        _sum += other._sum;
        _maximum = Math.Max(_maximum, other._maximum);
    }

    /// <summary>Forgets everything.</summary>
    internal void Clear()
    {
        Array.Clear(_counts);
        (Count, _maximum, _sum) = (0, 0, 0);
    }

    /// <summary>The value that <paramref name="percent"/> per cent of the recorded values do not exceed; zero when there is none.</summary>
    /// <param name="percent">0 to 100.</param>
    public TimeSpan Percentile(double percent)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(percent);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(percent, 100);
        long rank = Math.Max(1, (long)Math.Ceiling(Count * percent / 100));
        for (int i = 0; i < _counts.Length && Count > 0; i++)
        {
            rank -= _counts[i];
            if (rank <= 0) return FromNanoseconds(Math.Min(UpperBound(i), _maximum));
        }

        return TimeSpan.Zero;
    }

    /// <summary>The filled buckets, ascending: upper bound in nanoseconds (inclusive) and count.</summary>
    public ImmutableArray<HistogramBucket> Buckets =>
        [.. _counts.Select((count, i) => new HistogramBucket(UpperBound(i), count)).Where(bucket => bucket.Count > 0)];

    /// <summary>Rebuilds a histogram from its buckets and its exact sum and maximum, as a result file holds them.</summary>
    public static Histogram FromBuckets(IEnumerable<HistogramBucket> buckets, TimeSpan maximum, TimeSpan mean)
    {
        ArgumentNullException.ThrowIfNull(buckets);
        var histogram = new Histogram { _maximum = maximum.Ticks * 100 };
        foreach (HistogramBucket bucket in buckets)
        {
            histogram._counts[Index(bucket.UpperNanoseconds)] += bucket.Count;
            histogram.Count += bucket.Count;
        }

        histogram._sum = mean.Ticks * 100.0 * histogram.Count;
        return histogram;
    }

    private static int Index(long value)
    {
        int exponent = Math.Max(0, 63 - BitOperations.LeadingZeroCount((ulong)value) - SubBits);
        return (exponent << SubBits) + (int)(value >> exponent);
    }

    private static long UpperBound(int index)
    {
        int exponent = Math.Max(0, (index >> SubBits) - 1);
        long sub = index - ((long)exponent << SubBits);
        return ((sub + 1) << exponent) - 1;
    }

    private static TimeSpan FromNanoseconds(long nanoseconds) => TimeSpan.FromTicks(nanoseconds / 100);
}

/// <summary>One filled bucket of a <see cref="Histogram"/>.</summary>
/// <param name="UpperNanoseconds">The largest value of the bucket, nanoseconds.</param>
/// <param name="Count">How many values it holds.</param>
public readonly record struct HistogramBucket(long UpperNanoseconds, long Count);
