using System.Collections.Concurrent;
using System.Diagnostics;
using System.Threading.Channels;
using LbTest.Engine.Connect;
using LbTest.Engine.Latency;
using LbTest.Engine.Results;
using LbTest.Engine.Sockets;

namespace LbTest.Engine.Traffic;

/// <summary>One run of a <see cref="TrafficPlan"/>: what its workers share, and the result made of what they counted.</summary>
public sealed class TrafficRun
{
    /// <summary>The resolution of the longest silence, ns.</summary>
    internal const long Tick = 10_000_000;

    // Between saying when traffic starts and starting it: time for the threads to be there.
    private static readonly TimeSpan Ahead = TimeSpan.FromMilliseconds(50);

    private readonly CancellationToken _cancel;
    private readonly Channel<TrafficBucket> _published = Channel.CreateUnbounded<TrafficBucket>(new UnboundedChannelOptions { SingleReader = true });
    private readonly ConcurrentBag<TrafficBucket> _free = [];
    private readonly SourceRange? _range;
    private readonly IPEndPoint[] _sources;
    private readonly Histogram _latency = new();
    private readonly ImmutableArray<TrafficSample>.Builder _samples = ImmutableArray.CreateBuilder<TrafficSample>();
    private long _nextSource;
    private volatile bool _failed;

    private TrafficRun(TrafficPlan plan, CancellationToken cancel)
    {
        Plan = plan with { Seed = plan.Seed ?? Random.Shared.Next() };
        Target = plan.Target.ToString();
        _range = plan.Source is null ? null : SourceRange.Parse(plan.Source, Plan.Seed.Value);
        _sources = plan.Sources.IsDefaultOrEmpty ? [] : [.. plan.Sources.Select(SourceList.ParseOne)];
        _cancel = cancel;
    }

    internal TrafficPlan Plan { get; }

    internal string Target { get; }

    internal bool Stopped => _failed || _cancel.IsCancellationRequested;

    /// <summary>Runs the plan to its end or until it is cancelled. What was measured is returned in either case.</summary>
    /// <param name="plan">What to do.</param>
    /// <param name="from">The network namespace to start connections from; null for the one this process is in.</param>
    /// <param name="progress">Told when traffic starts and after every second, from another thread, one report at a time; null for nobody.</param>
    /// <param name="started">Called once, shortly before traffic starts, with the <see cref="Stopwatch"/> timestamp that offsets count from.</param>
    /// <param name="cancel">Stops the run within a tenth of a second; the result is marked as not complete then.</param>
    /// <exception cref="PlanException">The plan cannot be carried out.</exception>
    /// <exception cref="PlatformNotSupportedException">Not on Linux.</exception>
    public static async Task<TrafficResult> RunAsync(
        TrafficPlan plan, NetworkNamespace? from = null, IProgress<TrafficProgress>? progress = null, Action<long>? started = null, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(plan);
        plan.Validate();
        if (!OperatingSystem.IsLinux()) throw new PlatformNotSupportedException("Traffic tests are made of Linux system calls. Run them on Linux (WSL 2 will do).");
        ImmutableArray<string> warnings = from is null ? Check(plan) : await from.RunAsync(() => Check(plan)).ConfigureAwait(false);
        return await new TrafficRun(plan, cancel).RunAsync(from, progress, started, warnings).ConfigureAwait(false);
    }

    internal TrafficBucket TakeBucket(int index)
    {
        if (!_free.TryTake(out TrafficBucket? bucket)) bucket = new TrafficBucket();
        bucket.Index = index;
        return bucket;
    }

    internal void Publish(TrafficBucket bucket) => _ = _published.Writer.TryWrite(bucket);

    /// <summary>Writes the address that a client's current connection comes from; length 0 where the kernel chooses. False when the list has run out.</summary>
    internal unsafe bool SourceOf(ref TrafficClient client, byte* address, out int length)
    {
        length = 0;
        if (_range is null && _sources.Length == 0) return true;
        // Every attempt of one connection has the same address; of a list each is used by one connection, whichever comes first.
        if (client.Source < 0) client.Source = _range is null ? Interlocked.Increment(ref _nextSource) - 1 : client.Number + ((long)client.Reconnects * Plan.Connections);
        if (_range is null && client.Source >= _sources.Length) return false;
        IPEndPoint source = _range is null ? _sources[client.Source] : new IPEndPoint(_range.At(_range.OffsetFor(client.Source, sequential: false)), 0);
        length = NativeAddress.Write(address, source.Address, source.Port);
        return true;
    }

    private static ImmutableArray<string> Check(TrafficPlan plan)
    {
        // To this machine, traffic is so many connections that are kept open.
        var held = new ConnectPlan { Target = plan.Target, Count = plan.Connections, KeepOpen = true, Protocol = plan.Protocol, Source = plan.Source, Seed = plan.Seed, Concurrency = 1 };
        if (plan.Sources.IsDefaultOrEmpty) return Preflight.Check(held, nameof(TrafficPlan.Connections));
        foreach (string source in plan.Sources) Preflight.CanBind(SourceList.ParseOne(source).Address, "SourceFile", source);
        var warnings = ImmutableArray.CreateBuilder<string>();
        Preflight.Descriptors(held, nameof(TrafficPlan.Connections), warnings);
        return warnings.ToImmutable();
    }

    private async Task<TrafficResult> RunAsync(NetworkNamespace? from, IProgress<TrafficProgress>? progress, Action<long>? told, ImmutableArray<string> warnings)
    {
        int count = Math.Min(WorkerThreads.Count(Plan.Threads, Plan.Target, from), Plan.Connections);
        TrafficWorker[] workers = [.. Enumerable.Range(0, count).Select(Worker)];
        try
        {
            long start = Stopwatch.GetTimestamp() + (Ahead.Ticks * 100);
            DateTimeOffset started = DateTimeOffset.UtcNow + Ahead;
            progress?.Report(new TrafficProgress { Started = started });
            told?.Invoke(start);
            Task collected = Task.Run(() => CollectAsync(count, progress));
            await Task.WhenAll(workers.Select(worker => WorkerThreads.RunAsync(() => Work(worker, start), from))).ConfigureAwait(false);
            TimeSpan duration = TimeSpan.FromTicks(Math.Clamp((Stopwatch.GetTimestamp() - start) / 100, 0, Plan.Duration.Ticks));
            _published.Writer.Complete();
            await collected.ConfigureAwait(false);
            return Result(workers, started, duration, warnings);
        }
        finally
        {
            foreach (TrafficWorker worker in workers) worker.Dispose();
        }

        TrafficWorker Worker(int number) => Plan.Protocol == TransportProtocol.Tcp ? new TcpTraffic(this, number, count) : new UdpTraffic(this, number, count);
    }

    private void Work(TrafficWorker worker, long start)
    {
        try
        {
            worker.Work(start);
        }
        catch
        {
            // Without it the result would be half of one: the others need not go on.
            _failed = true;
            throw;
        }
    }

    // A second is told when all workers have handed it over.
    private async Task CollectAsync(int workers, IProgress<TrafficProgress>? progress)
    {
        var open = new SortedDictionary<int, (TrafficBucket Sum, int Parts)>();
        await foreach (TrafficBucket bucket in _published.Reader.ReadAllAsync().ConfigureAwait(false))
        {
            (TrafficBucket sum, int parts) = open.TryGetValue(bucket.Index, out (TrafficBucket Sum, int Parts) before) ? before : (bucket, 0);
            if (sum != bucket)
            {
                sum.Merge(bucket);
                Recycle(bucket);
            }

            open[sum.Index] = (sum, parts + 1);
            if (parts + 1 == workers) Tell(open, sum, progress);
        }

        // Stopped, the workers may have ended in different seconds.
        while (open.Count > 0) Tell(open, open.First().Value.Sum, progress);
    }

    private void Tell(SortedDictionary<int, (TrafficBucket Sum, int Parts)> open, TrafficBucket bucket, IProgress<TrafficProgress>? progress)
    {
        _ = open.Remove(bucket.Index);
        TimeSpan end = TimeSpan.FromSeconds(bucket.Index + 1);
        TrafficSample sample = bucket.ToSample(end < Plan.Duration ? end : Plan.Duration, Plan.PacketSize);
        _latency.Merge(bucket.Latency);
        _samples.Add(sample);
        progress?.Report(new TrafficProgress { Sample = sample, Ended = [.. bucket.Ended] });
        Recycle(bucket);
    }

    private void Recycle(TrafficBucket bucket)
    {
        bucket.Clear();
        _free.Add(bucket);
    }

    private TrafficResult Result(TrafficWorker[] workers, DateTimeOffset started, TimeSpan duration, ImmutableArray<string> warnings)
    {
        ImmutableArray<TrafficConnection> connections = [.. workers.SelectMany(worker => worker.Ended).OrderBy(c => c.Started).ThenBy(c => c.Client)];
        bool completed = !_cancel.IsCancellationRequested || duration >= Plan.Duration;
        if (_samples.Count > 0) _samples[^1] = _samples[^1] with { Time = duration };
        (TimeSpan silence, TimeSpan silentFrom) = LongestSilence(workers, duration);
        long sent = connections.Sum(c => c.Sent), received = connections.Sum(c => c.Received), late = _samples.Sum(s => s.Late);
        return new TrafficResult
        {
            Label = Plan.Label, Started = started, Duration = duration, PlannedDuration = Plan.Duration, Completed = completed, Reason = completed ? null : "stopped by the user",
            Target = Target, Protocol = Plan.Protocol, Clients = Plan.Connections, PacketsPerSecond = Plan.EffectivePacketsPerSecond, PacketSize = Plan.PacketSize,
            Reconnect = Plan.Reconnect, Sent = sent, Received = received, Dropped = connections.Sum(c => c.Dropped), Late = late, Lost = sent - received,
            Reordered = connections.Sum(c => c.Reordered), Duplicated = connections.Sum(c => c.Duplicated), Retransmits = _samples.Sum(s => s.Retransmits),
            LostConnections = connections.Count(c => c.WasLost), FailedConnects = _samples.Sum(s => (long)s.FailedConnects),
            Failures = FailureTally.Merge([.. workers.Select(worker => worker.Failures)]), Latency = LatencySummary.From(_latency),
            LongestSilence = silence, LongestSilenceAt = silentFrom, Samples = _samples.ToImmutable(), Connections = connections, Endpoints = Plan.Endpoints,
            Seed = Plan.Seed!.Value, Source = Plan.Source, Context = Plan.Context, Warnings = [.. warnings, .. Notes(late, connections)], Generator = Generator.Name,
        };
    }

    private static IEnumerable<string> Notes(long late, ImmutableArray<TrafficConnection> connections)
    {
        if (late > 0) yield return Text($"{late:N0} of the dropped sends were due while this machine was busy with others: the rate is more than the generator can make here, so they say nothing about the load balancer.");
        int dry = connections.Count(c => c is { Connected: null, Failure: FailureClass.ClientExhausted, FailedConnects: 0 });
        if (dry > 0) yield return Text($"The list of source addresses ran out: {dry:N0} clients were left without a connection. Give more addresses than connections, since each one is used once.");
    }

    // Between the first echo and the end, of all workers together.
    private static (TimeSpan Length, TimeSpan From) LongestSilence(TrafficWorker[] workers, TimeSpan duration)
    {
        long end = duration.Ticks * 100 / Tick, last = -1, longest = 0, from = 0;
        for (long tick = 0; tick < end; tick++)
        {
            if (!workers.Any(worker => tick >> 6 < worker.Alive.Count && (worker.Alive[(int)(tick >> 6)] & (1UL << (int)(tick & 63))) != 0)) continue;
            if (last >= 0 && tick - last - 1 > longest) (longest, from) = (tick - last - 1, last + 1);
            last = tick;
        }

        if (last >= 0 && end - last - 1 > longest) (longest, from) = (end - last - 1, last + 1);
        return (TimeSpan.FromTicks(longest * Tick / 100), TimeSpan.FromTicks(from * Tick / 100));
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
