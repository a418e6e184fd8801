using LbTest.Clusters.Kubernetes.Api;
using LbTest.Clusters.Protocol;

namespace LbTest.Clusters.Kubernetes.Vantage;

/// <summary>The agent in a pod, asked by <c>kubectl exec</c>: JSON lines over its stdin and stdout. It ends with the line.</summary>
internal sealed class PodAgent : IDisposable
{
    private readonly KubeStreams _streams;
    private readonly AgentClient _agent;

    private PodAgent(string pod, KubeStreams streams)
    {
        (Pod, _streams) = (pod, streams);
        _agent = new AgentClient(streams.Output, streams.Input, WhyLost);
    }

    /// <summary>The pod's name.</summary>
    internal string Pod { get; }

    /// <summary>How far the agent's clock is ahead of ours.</summary>
    internal TimeSpan ClockAhead { get; private set; }

    /// <summary>Starts the agent in a pod, and sees that it answers.</summary>
    /// <exception cref="AgentLostException">It does not; the message says why.</exception>
    internal static async Task<PodAgent> StartAsync(IKubernetesApi api, string ns, string pod, CancellationToken cancel)
    {
        var agent = new PodAgent(pod, api.Exec(ns, pod, null, ["/lbtest", "agent"]));
        try
        {
            using CancellationTokenRegistration stop = cancel.Register(agent.Dispose);
            // Of a few answers the quickest tells the time best.
            TimeSpan best = TimeSpan.MaxValue;
            for (int i = 0; i < 3; i++)
            {
                DateTimeOffset before = DateTimeOffset.UtcNow;
                AgentResponse answer = await agent._agent.AskAsync(new AgentRequest { Verb = AgentVerb.Clock }, cancel: CancellationToken.None).ConfigureAwait(false);
                TimeSpan way = DateTimeOffset.UtcNow - before;
                if (way < best) (best, agent.ClockAhead) = (way, answer.Clock!.Value - before - (way / 2));
            }

            return agent;
        }
        catch (Exception)
        {
            agent.Dispose();
            cancel.ThrowIfCancellationRequested();
            throw;
        }
    }

    /// <summary>Asks the agent, see <see cref="AgentClient.AskAsync"/>.</summary>
    internal Task<AgentResponse> AskAsync(AgentRequest request, Action<AgentResponse>? progress, CancellationToken cancel) => _agent.AskAsync(request, progress, cancel);

    public void Dispose()
    {
        _agent.Dispose();
        _streams.Dispose();
    }

    private string WhyLost()
    {
        string said = string.Join(" / ", _streams.Said().Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Take(3));
        return said.Length == 0 ? $"The agent in pod {Pod} is gone: the pod was deleted, or the connection to it was cut." : $"The agent in pod {Pod} is gone: {said}";
    }
}
