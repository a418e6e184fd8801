using LbTest.Clusters.Lab.Disturbances;
using LbTest.Engine;
using LbTest.Engine.Disturbances;
using LbTest.Engine.Traffic;

namespace LbTest.Clusters.Lab;

/// <summary>Runs traffic tests in a lab, with what is to happen to it meanwhile.</summary>
internal sealed class LabTraffic(LabTopology topology, LabNetwork network, LabControl control, LabServers servers)
{
    private readonly Lock _starting = new();
    private int _disturbed;

    /// <summary>Runs a test to its end, or until it is cancelled. However it ends, all disturbances are undone then.</summary>
    /// <exception cref="PlanException">The plan or a disturbance cannot be carried out. Nothing has been started.</exception>
    internal async Task<TrafficResult> RunAsync(
        TrafficPlan plan, string from, ImmutableArray<Disturbance> disturbances, IProgress<TrafficProgress> progress, CancellationToken cancel)
    {
        plan.Validate();
        if (disturbances.IsEmpty)
        {
            Open();
            return await Run(plan, from, null, progress, cancel).ConfigureAwait(false);
        }

        Reserve("Disturbance", string.Join(", ", disturbances.Select(d => d.Kind).Distinct()));

        try
        {
            Open();
            DisturbanceRun run = DisturbanceRun.Prepare(control, network, servers, plan, disturbances, progress);
            TrafficResult? result = null;
            ImmutableArray<string> left = [];
            try
            {
                result = await Run(plan, from, run, progress, cancel).ConfigureAwait(false);
            }
            finally
            {
                left = run.Undo();
            }

            return DisturbedResult.Of(result, run.Events, left.Select(error => $"A disturbance could not be undone, do not use this lab any more: {error}"));
        }
        finally
        {
            _ = Interlocked.Exchange(ref _disturbed, 0);
        }
    }

    /// <summary>Changes all nodes over to another mode or scheduler, for good.</summary>
    /// <exception cref="PlanException">The lab cannot do that, or is being disturbed. Nothing has been touched.</exception>
    /// <exception cref="InvalidOperationException">It failed; the message says whether the lab is what it was before.</exception>
    internal void SetMode(LabMode mode)
    {
        Reserve(nameof(LabSpec.ProxyMode), mode);
        try
        {
            // Nobody else may put a state in force meanwhile.
            lock (_starting)
            {
                LabState before = control.State;
                if (mode == before.Balancing) return;
                mode.Require(topology.Spec);
                ImmutableArray<string> errors = control.Enforce(before with { Balancing = mode });
                if (errors.IsEmpty) return;
                ImmutableArray<string> left = control.Enforce(before);
                throw new InvalidOperationException($"The nodes could not change over from {before.Balancing} to {mode}: {errors[0].TrimEnd('.')}. "
                    + (left.IsEmpty ? $"They are back in {before.Balancing}." : $"Nor could they change back, do not use this lab any more: {left[0]}"));
            }
        }
        finally
        {
            _ = Interlocked.Exchange(ref _disturbed, 0);
        }
    }

    // Two that change a lab at once would undo each other's changes.
    private void Reserve(string parameter, object value)
    {
        if (Interlocked.Exchange(ref _disturbed, 1) == 0) return;
        throw new PlanException(parameter, value, "cannot be: another traffic test with disturbances runs in this lab, or its mode is being changed", "Wait until that has ended, or start another lab");
    }

    private async Task<TrafficResult> Run(TrafficPlan plan, string from, DisturbanceRun? disturbances, IProgress<TrafficProgress> progress, CancellationToken cancel)
    {
        var conntrack = new LabConntrack(topology);
        ImmutableArray<string> room = conntrack.Room(plan.Connections);
        TrafficResult result = await TrafficRun.RunAsync(plan, LabNetwork.Namespace(from), progress, disturbances is null ? null : disturbances.Start, cancel).ConfigureAwait(false);
        return result with { Warnings = [.. result.Warnings, .. room, .. conntrack.Full()] };
    }

    // A lab starts without the ports for traffic tests: they double the rules, and most labs never need them.
    private void Open()
    {
        lock (_starting)
        {
            if (control.State.Traffic) return;
            servers.StartTraffic();
            LabState closed = control.State;
            ImmutableArray<string> errors = control.Enforce(closed with { Traffic = true });
            if (errors.IsEmpty) return;
            _ = control.Enforce(closed);
            throw new InvalidOperationException($"The service could not get its ports for traffic tests: {errors[0]}");
        }
    }
}
