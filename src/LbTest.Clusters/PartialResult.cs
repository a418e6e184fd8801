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

    /// <summary>The results of tests that run at the same time. One that fails takes nothing of the others with it: it has made no connection.</summary>
    /// <exception cref="Exception">All of them failed; that of the first.</exception>
    internal static async Task<ConnectResult[]> TogetherAsync(IReadOnlyList<(ConnectPlan Plan, Task<ConnectResult> Run)> tests)
    {
        try
        {
            return await Task.WhenAll(tests.Select(test => test.Run)).ConfigureAwait(false);
        }
        catch (Exception) when (tests.Any(test => test.Run.IsCompletedSuccessfully))
        {
            return [.. await Task.WhenAll(tests.Select(test => test.Run.IsCompletedSuccessfully ? test.Run : Task.FromResult(None(test.Plan, test.Run.Exception?.InnerException?.Message ?? "the test was stopped")))).ConfigureAwait(false)];
        }
    }

    private static ConnectResult None(ConnectPlan plan, string reason) =>
        Of(plan, new ConnectProgress(0, 0, plan.Count, TimeSpan.Zero, [.. plan.Endpoints.Select(one => new EndpointResult { Name = one.Name, ExpectedShare = one.Share, Node = one.Node })]), reason);
}
