namespace LbTest.Engine.Disturbances;

/// <summary>What a step of a rolling update does.</summary>
public enum RolloutAction
{
    /// <summary>A new endpoint is created; it is not ready yet.</summary>
    Create,

    /// <summary>A new endpoint is ready: it comes into the rules.</summary>
    Ready,

    /// <summary>An endpoint is deleted: it leaves the rules and drains.</summary>
    Remove,

    /// <summary>A drained endpoint closes the connections that it still has and is gone.</summary>
    Close,
}

/// <summary>One step of a rollout.</summary>
/// <param name="At">When, from the rollout's start.</param>
/// <param name="Action">What happens.</param>
/// <param name="New">True for a new endpoint, false for an old one.</param>
/// <param name="Index">Which one, from 0.</param>
public sealed record RolloutStep(TimeSpan At, RolloutAction Action, bool New, int Index);

/// <summary>The steps of a rolling update or of a change in scale, with the semantics of a Kubernetes Deployment.</summary>
/// <remarks>
/// Steps of one instant are in this order: endpoints that are ready, those removed because of it, those created in their place, and once
/// the controller has nothing more to do at that instant, those that close. So the rules are those of the instant already when
/// connections are closed, and nobody reconnects to an endpoint that has just left.
/// </remarks>
public static class Rollout
{
    /// <summary>The steps of replacing <paramref name="replicas"/> endpoints, ascending in time; old ones leave in the order of their index.</summary>
    /// <remarks>
    /// Kubernetes' <c>pkg/controller/deployment/rolling.go</c>: new endpoints are created while there are fewer than replicas + surge in
    /// all, old ones removed while at least replicas − unavailable stay available. A removed endpoint counts no more, however long it
    /// drains; a new one is available when it is ready (<c>minReadySeconds</c> 0).
    /// </remarks>
    /// <exception cref="PlanException">maxSurge or maxUnavailable is neither a number nor a percentage, or a number or time is negative.</exception>
    public static ImmutableArray<RolloutStep> Update(int replicas, string maxSurge, string maxUnavailable, TimeSpan readinessDelay, TimeSpan drainTime)
    {
        (int surge, int unavailable) = Resolve(maxSurge, maxUnavailable, replicas);
        Validate(readinessDelay, drainTime);
        var steps = ImmutableArray.CreateBuilder<RolloutStep>();
        var becomeReady = new Queue<(TimeSpan At, int Index)>();
        var close = new Queue<(TimeSpan At, int Index)>();
        int removed = 0, created = 0, ready = 0;
        for (TimeSpan? next = TimeSpan.Zero; next is { } now; next = Earliest(becomeReady, close))
        {
            int before;
            do
            {
                before = steps.Count;
                for (; IsDue(becomeReady, now); ready++) steps.Add(new(now, RolloutAction.Ready, New: true, becomeReady.Dequeue().Index));
                for (; removed < replicas && replicas - removed - 1 + ready >= replicas - unavailable; removed++)
                {
                    steps.Add(new(now, RolloutAction.Remove, New: false, removed));
                    close.Enqueue((now + drainTime, removed));
                }

                for (; created < replicas && created - removed < surge; created++)
                {
                    steps.Add(new(now, RolloutAction.Create, New: true, created));
                    becomeReady.Enqueue((now + readinessDelay, created));
                }
            }
            while (steps.Count > before);
            while (IsDue(close, now)) steps.Add(new(now, RolloutAction.Close, New: false, close.Dequeue().Index));
        }

        return steps.ToImmutable();
    }

    /// <summary>The steps of going from <paramref name="replicas"/> endpoints to <paramref name="wanted"/>, ascending in time; the last ones leave first.</summary>
    /// <remarks>Without any limit on how many come or go at a time, as a Deployment's scale has none.</remarks>
    /// <exception cref="PlanException">A number or time is negative.</exception>
    public static ImmutableArray<RolloutStep> Scale(int replicas, int wanted, TimeSpan readinessDelay, TimeSpan drainTime)
    {
        RequireReplicas(replicas);
        RequireReplicas(wanted);
        Validate(readinessDelay, drainTime);
        int[] added = [.. Enumerable.Range(0, Math.Max(0, wanted - replicas))], leaving = [.. Enumerable.Range(0, replicas).Skip(wanted).Reverse()];
        return
        [
            .. added.Select(i => new RolloutStep(TimeSpan.Zero, RolloutAction.Create, New: true, i)), .. added.Select(i => new RolloutStep(readinessDelay, RolloutAction.Ready, New: true, i)),
            .. leaving.Select(i => new RolloutStep(TimeSpan.Zero, RolloutAction.Remove, New: false, i)), .. leaving.Select(i => new RolloutStep(drainTime, RolloutAction.Close, New: false, i)),
        ];
    }

    /// <summary>What the two limits of a rolling update mean for a number of endpoints.</summary>
    /// <remarks>
    /// As Kubernetes' <c>ResolveFenceposts</c>: per cent of surge round up, of unavailable ones down; where both come to 0, one may be
    /// unavailable, or nothing could ever happen. No more than all can be unavailable.
    /// </remarks>
    /// <param name="maxSurge">Endpoints beyond the wanted number, absolute (<c>1</c>) or in per cent (<c>25%</c>).</param>
    /// <param name="maxUnavailable">Endpoints that may be missing, absolute or in per cent.</param>
    /// <param name="replicas">The wanted number, 0 or more.</param>
    /// <exception cref="PlanException">One of the two is neither a number nor a percentage, or a number is negative.</exception>
    public static (int Surge, int Unavailable) Resolve(string maxSurge, string maxUnavailable, int replicas)
    {
        RequireReplicas(replicas);
        int surge = Resolve("MaxSurge", maxSurge, replicas, roundUp: true), unavailable = Resolve("MaxUnavailable", maxUnavailable, replicas, roundUp: false);
        return (surge, Math.Min(replicas, surge == 0 && unavailable == 0 ? 1 : unavailable));
    }

    private static int Resolve(string parameter, string value, int replicas, bool roundUp)
    {
        bool perCent = value?.EndsWith('%') == true;
        // Digits only, as Kubernetes validates it.
        if (!int.TryParse(perCent ? value.AsSpan(0, value!.Length - 1) : value, NumberStyles.None, CultureInfo.InvariantCulture, out int number))
        {
            throw new PlanException(parameter, value, "is neither a number of endpoints nor a percentage", "Give a whole number, 0 or more, such as 1, or per cent, such as 25%");
        }

        return perCent ? (int)Math.Min(int.MaxValue, (((long)number * replicas) + (roundUp ? 99 : 0)) / 100) : number;
    }

    private static TimeSpan? Earliest(Queue<(TimeSpan At, int Index)> one, Queue<(TimeSpan At, int Index)> other) =>
        !one.TryPeek(out var first) ? other.TryPeek(out var only) ? only.At : null
        : other.TryPeek(out var second) && second.At < first.At ? second.At
        : first.At;

    private static bool IsDue(Queue<(TimeSpan At, int Index)> queue, TimeSpan now) => queue.TryPeek(out var first) && first.At <= now;

    private static void RequireReplicas(int replicas) => PlanException.Require(replicas >= 0, "Replicas", replicas, "is not a number of endpoints", "Give 0 or more");

    private static void Validate(TimeSpan readinessDelay, TimeSpan drainTime)
    {
        PlanException.Require(readinessDelay >= TimeSpan.Zero, "ReadinessDelay", readinessDelay, "is negative", "Give 0 or more");
        PlanException.Require(drainTime >= TimeSpan.Zero, "DrainTime", drainTime, "is negative", "Give 0 or more");
    }
}
