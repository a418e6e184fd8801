using LbTest.Clusters.Kubernetes.Api;
using LbTest.Clusters.Lab;
using LbTest.Clusters.Protocol;
using LbTest.Engine.Connect;
using LbTest.Engine.Traffic;

namespace LbTest.Clusters.Kubernetes.Vantage;

/// <summary>Runs plans at a place: in this process, or by the agent in a pod.</summary>
/// <param name="api">The server.</param>
/// <param name="ns">The pod's namespace.</param>
/// <param name="pod">The pod; null for this machine.</param>
internal sealed class PlaceRun(IKubernetesApi api, string ns, string? pod)
{
    // After Ctrl+C an agent has this long to hand over what it has; then its line is cut, and its last word counts.
    private static readonly TimeSpan Grace = TimeSpan.FromMilliseconds(800);

    /// <summary>Runs a connect test. A lost agent's is partial.</summary>
    internal async Task<ConnectResult> ConnectAsync(ConnectPlan plan, KubernetesWay way, IProgress<ConnectProgress>? progress, CancellationToken cancel)
    {
        plan.Validate();
        if (pod is null) return await ConnectRun.RunAsync(plan, progress: progress, cancel: cancel).ConfigureAwait(false);
        ConnectProgress? last = null;
        using PodAgent agent = await PodAgent.StartAsync(api, ns, pod, cancel).ConfigureAwait(false);
        using CancellationTokenRegistration cut = CutAfterGrace(agent, cancel);
        try
        {
            AgentResponse response = await agent.AskAsync(new AgentRequest { Verb = AgentVerb.Connect, Plan = plan, Name = way.Name, EachLookup = way.EachLookup }, Hear, cancel).ConfigureAwait(false);
            return response.Result!;
        }
        catch (AgentLostException exception) when (last is not null)
        {
            return PartialResult.Of(plan, last, cancel.IsCancellationRequested ? "the test was stopped" : exception.Message);
        }

        void Hear(AgentResponse response)
        {
            last = response.Progress!;
            progress?.Report(last);
        }
    }

    /// <summary>Runs a traffic test. A lost agent's is partial.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="way">Where it goes.</param>
    /// <param name="progress">Hears of it.</param>
    /// <param name="cancel">Ends it.</param>
    internal async Task<TrafficResult> TrafficAsync(TrafficPlan plan, KubernetesWay way, IProgress<TrafficProgress>? progress, CancellationToken cancel)
    {
        plan.Validate();
        if (pod is null) return await TrafficRun.RunAsync(plan, null, progress, cancel: cancel).ConfigureAwait(false);

        var soFar = new TrafficSoFar(plan, progress);
        using PodAgent agent = await PodAgent.StartAsync(api, ns, pod, cancel).ConfigureAwait(false);
        using CancellationTokenRegistration cut = CutAfterGrace(agent, cancel);
        try
        {
            AgentResponse response = await agent.AskAsync(new AgentRequest { Verb = AgentVerb.Traffic, Traffic = plan, Name = way.Name }, Hear, cancel).ConfigureAwait(false);
            TrafficResult result = response.TrafficResult!;
            // Told by our clock, as all else that happens to the cluster is.
            return result with { Started = result.Started - agent.ClockAhead };
        }
        catch (AgentLostException exception)
        {
            if (soFar.Partial(cancel.IsCancellationRequested ? "the test was stopped" : exception.Message) is { } partial) return partial;
            throw;
        }

        void Hear(AgentResponse response)
        {
            TrafficProgress report = response.TrafficProgress!;
            if (report.Started is { } time) report = report with { Started = time - agent.ClockAhead };
            soFar.Report(report);
        }
    }

    private static CancellationTokenRegistration CutAfterGrace(PodAgent agent, CancellationToken cancel) =>
        cancel.Register(() => _ = Task.Delay(Grace, CancellationToken.None).ContinueWith(_ => agent.Dispose(), TaskScheduler.Default));
}
