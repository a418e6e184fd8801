using System.Globalization;

namespace LbTest.Clusters.Lab.Disturbances;

/// <summary>The queueing disciplines of a device that packets of a hop leave by: what delays is on top, below it what reorders, below that what limits the rate.</summary>
/// <remarks>
/// Delay and reordering are netem's (tc-netem(8)), each by one of its own: a packet that overtakes is delayed as much as the others. Loss is
/// the upper one's too, in user mode. Once there, they stay until everything is over, with a delay of 0: what a discipline holds is lost with
/// it, and a delay that ends loses nothing.
/// A rate limit is a token bucket (tc-tbf(8)) with a queue of 100 ms behind it; what does not fit is dropped.
/// </remarks>
internal sealed class HopQueue(string device)
{
    private const double QueueSeconds = 0.1, BurstSeconds = 0.01;

    // A queue must hold some packets at any rate; larger ones than the bucket are split by the kernel.
    private const long LeastQueue = 16 * 1024;

    private bool _delays, _reorders, _limits;

    /// <summary>The lines for <c>tc -batch</c> that make it what <paramref name="trouble"/> says.</summary>
    internal string Change(HopTrouble trouble)
    {
        var lines = new List<string>();
        // A discipline of another kind needs another handle than the one that it replaces; with the same handle "replace" changes the one that is there.
        string parent = "root";
        bool delays = _delays || trouble.Latency is not null || trouble.Loss is not null || trouble.Overtaking is not null, reorders = _reorders || trouble.Overtaking is not null;
        if (delays)
        {
            lines.Add($"qdisc replace dev {device} root handle 2: {Netem(trouble.Latency, trouble.Jitter)}{Percent("loss random", trouble.Loss)}");
            parent = "parent 2:1";
        }

        if (reorders)
        {
            lines.Add($"qdisc replace dev {device} parent 2:1 handle 4: {Netem(trouble.Overtaking is null ? null : trouble.HeldBack, default)}{Percent("reorder", trouble.Overtaking)}");
            parent = "parent 4:1";
        }

        // What is put in above a bucket takes its place.
        bool limited = _limits && delays == _delays && reorders == _reorders;
        if (trouble.BytesPerSecond is { } bytes) lines.Add($"qdisc replace dev {device} {parent} handle 3: {TokenBucket(bytes)}");
        else if (limited) lines.Add($"qdisc del dev {device} {parent} handle 3:");
        (_delays, _reorders, _limits) = (delays, reorders, trouble.BytesPerSecond is not null);
        return string.Concat(lines.Select(line => line + "\n"));
    }

    /// <summary>The lines that take all of it away; empty when nothing is there.</summary>
    internal string Clear()
    {
        bool any = _delays || _limits;
        (_delays, _reorders, _limits) = (false, false, false);
        return any ? $"qdisc del dev {device} root\n" : "";
    }

    private static string Netem(TimeSpan? delay, TimeSpan jitter) => $"netem limit 100000 delay {Microseconds(delay ?? TimeSpan.Zero)}{(jitter == default ? "" : $" {Microseconds(jitter)}")}";

    private static string Percent(string what, double? percent) => percent is null ? "" : string.Create(CultureInfo.InvariantCulture, $" {what} {percent:0.######}%");

    private static string TokenBucket(double bytesPerSecond)
    {
        long rate = (long)Math.Round(bytesPerSecond), burst = Math.Max(LeastQueue, (long)(rate * BurstSeconds)), queue = Math.Max(LeastQueue, (long)(rate * QueueSeconds));
        return $"tbf rate {rate}bps burst {Math.Min(burst, int.MaxValue)} limit {Math.Min(burst + queue, int.MaxValue)}";
    }

    private static string Microseconds(TimeSpan time) => string.Create(CultureInfo.InvariantCulture, $"{time.TotalMicroseconds:0}us");
}
