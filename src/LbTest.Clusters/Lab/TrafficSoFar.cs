using LbTest.Engine.Connect;
using LbTest.Engine.Disturbances;
using LbTest.Engine.Traffic;

namespace LbTest.Clusters.Lab;

/// <summary>What a running traffic test has reported until now: the result, should the agent be lost.</summary>
internal sealed class TrafficSoFar(TrafficPlan plan, IProgress<TrafficProgress>? next) : IProgress<TrafficProgress>
{
    private readonly Lock _lock = new();
    private readonly List<TrafficSample> _samples = [];
    private readonly List<TrafficConnection> _ended = [];
    private readonly List<DisturbanceEvent> _disturbances = [];
    private DateTimeOffset? _started;

    public void Report(TrafficProgress value)
    {
        lock (_lock)
        {
            _started ??= value.Started;
            if (value.Sample is { } sample) _samples.Add(sample);
            if (!value.Ended.IsDefaultOrEmpty) _ended.AddRange(value.Ended);
            if (value.Disturbance is { } disturbance) _disturbances.Add(disturbance);
        }

        next?.Report(value);
    }

    /// <summary>The result as far as it is known; null when traffic had not even started.</summary>
    internal TrafficResult? Partial(string reason)
    {
        lock (_lock)
        {
            if (_started is not { } started) return null;
            // Connections of the last second, and those that were still there, were never reported.
            return new TrafficResult
            {
                Label = plan.Label, Started = started, Duration = _samples.Count > 0 ? _samples[^1].Time : TimeSpan.Zero, PlannedDuration = plan.Duration, Completed = false, Reason = reason,
                Target = plan.Target.ToString(), Protocol = plan.Protocol, Clients = plan.Connections, PacketsPerSecond = plan.EffectivePacketsPerSecond, PacketSize = plan.PacketSize,
                Reconnect = plan.Reconnect, Sent = _samples.Sum(s => s.Sent), Received = _samples.Sum(s => s.Received), Dropped = _samples.Sum(s => s.Dropped), Late = _samples.Sum(s => s.Late),
                Lost = _ended.Sum(c => c.Sent - c.Received), Reordered = _ended.Sum(c => c.Reordered), Duplicated = _ended.Sum(c => c.Duplicated), Retransmits = _samples.Sum(s => s.Retransmits),
                LostConnections = _samples.Sum(s => (long)s.Failed), FailedConnects = _samples.Sum(s => (long)s.FailedConnects),
                Failures = [.. _ended.Where(c => c.Failure is not null).GroupBy(c => c.Failure!.Value).OrderBy(g => g.Key).Select(g => new FailureCount(g.Key, g.Count(), g.First().Error ?? ""))],
                Samples = [.. _samples], Connections = [.. _ended.OrderBy(c => c.Started)], Disturbances = [.. _disturbances.OrderBy(d => d.Applied)], Endpoints = plan.Endpoints,
                Seed = plan.Seed ?? 0, Source = plan.Source, Context = plan.Context,
                Warnings = ["The agent was lost: this is what it had reported until then. Connections that had not ended are missing, and so is the latency over the whole test."],
            };
        }
    }
}
