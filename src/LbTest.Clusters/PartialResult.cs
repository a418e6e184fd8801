using LbTest.Engine.Connect;

namespace LbTest.Clusters;

/// <summary>Nothing is lost: what the last line before the end of an agent said is the result.</summary>
internal static class PartialResult
{
    /// <summary>The result of a test whose agent was lost.</summary>
    /// <param name="plan">What was to be done.</param>
    /// <param name="last">What the last line said.</param>
    /// <param name="reason">Why it ended.</param>
    internal static ConnectResult Of(ConnectPlan plan, ConnectProgress last, string reason) => new()
    {
        Label = plan.Label, Started = DateTimeOffset.UtcNow - last.Elapsed, Duration = last.Elapsed, Completed = false, Reason = reason, Target = plan.Target.ToString(),
        Protocol = plan.Protocol, Requested = plan.Count, Connections = last.Endpoints.Sum(e => e.Connections), Failed = last.Failed,
        Unfinished = plan.Count - last.Endpoints.Sum(e => e.Connections) - last.Failed,
        Failures = last.Failed == 0 ? [] : [new FailureCount(FailureClass.Unclassified, last.Failed, "the agent was lost before it could say")],
        Endpoints = last.Endpoints, Source = plan.Source, Seed = plan.Seed ?? 0, Concurrency = plan.Concurrency, Context = plan.Context,
        Warnings = ["The agent was lost: this is what it had reported until a moment before. Latency is unknown."],
    };
}
