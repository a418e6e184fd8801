using LbTest.Clusters.Protocol;
using LbTest.Engine;
using LbTest.Engine.Connect;
using LbTest.Engine.Disturbances;
using LbTest.Engine.Traffic;

namespace LbTest.Clusters.Lab;

// Runs tests in it.
public sealed partial class LabCluster
{
    /// <inheritdoc/>
    public override async Task<ConnectResult> ConnectAsync(ConnectRequest request, IProgress<ConnectProgress>? progress, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(request);
        await RefreshAsync().ConfigureAwait(false);
        (ConnectPlan plan, string from) = new LabRoute(_topology, request).Resolve(request.Plan);
        plan.Validate();
        ConnectProgress? last = null;
        try
        {
            AgentResponse response = await _agent.AskAsync(new AgentRequest { Verb = AgentVerb.Connect, Plan = plan, From = from }, Hear, cancel).ConfigureAwait(false);
            return response.Result!;
        }
        catch (AgentLostException exception) when (last is not null)
        {
            return PartialResult.Of(plan, last, exception.Message);
        }

        void Hear(AgentResponse response)
        {
            last = response.Progress!;
            progress?.Report(last);
        }
    }

    /// <inheritdoc/>
    public override async Task<TrafficResult> TrafficAsync(TrafficRequest request, IProgress<TrafficProgress>? progress, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(request);
        await RefreshAsync().ConfigureAwait(false);
        (TrafficPlan plan, string from) = new LabRoute(_topology, request).Resolve(request.Plan);
        // Who knows the seed can tell which endpoints were chosen, even when the agent is lost.
        plan = plan with { Seed = plan.Seed ?? Random.Shared.Next() };
        plan.Validate();
        foreach (Disturbance disturbance in request.Disturbances)
        {
            disturbance.Validate(plan.Duration);
            PlanException.Require(disturbance.Kind != DisturbanceKind.Script, nameof(disturbance.Kind), disturbance.Kind, "is nothing that a lab can do by itself", "Leave it to the one who runs the test");
        }

        var soFar = new TrafficSoFar(plan, progress);
        var ask = new AgentRequest { Verb = AgentVerb.Traffic, Traffic = plan, From = from, Disturbances = request.Disturbances.IsEmpty ? null : request.Disturbances };
        try
        {
            AgentResponse response = await _agent.AskAsync(ask, line => soFar.Report(line.TrafficProgress!), cancel).ConfigureAwait(false);
            return response.TrafficResult!;
        }
        catch (AgentLostException exception)
        {
            if (soFar.Partial(exception.Message) is { } partial) return partial;
            throw;
        }
    }
}
