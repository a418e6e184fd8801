namespace LbTest.Engine.Disturbances;

/// <summary>What a rollout must cost, worked out from its plan alone.</summary>
public static class RolloutExpectation
{
    /// <summary>The number of connections to expect to be lost at each <see cref="RolloutAction.Close"/> step, in the order of the steps.</summary>
    /// <remarks>
    /// Connections are spread evenly over the endpoints that are in the rules when they are made; one that is lost is made anew at once,
    /// over those in the rules at that moment. While none is, they wait for the next that is ready.
    /// </remarks>
    /// <param name="steps">The rollout.</param>
    /// <param name="replicas">How many endpoints there are at its start.</param>
    /// <param name="connections">How many connections are held all the time, 0 or more.</param>
    public static ImmutableArray<double> Lost(ImmutableArray<RolloutStep> steps, int replicas, double connections)
    {
        var spread = new EvenSpread<(bool New, int Index)>(Enumerable.Range(0, replicas).Select(i => (false, i)), connections);
        var lost = ImmutableArray.CreateBuilder<double>();
        foreach (RolloutStep step in steps)
        {
            (bool New, int Index) endpoint = (step.New, step.Index);
            switch (step.Action)
            {
                case RolloutAction.Ready:
                    spread.Add(endpoint);
                    break;
                case RolloutAction.Remove:
                    spread.Remove(endpoint);
                    break;
                case RolloutAction.Close:
                    lost.Add(spread.Break([endpoint]));
                    spread.Reconnect(lost[^1]);
                    break;
            }
        }

        return lost.ToImmutable();
    }
}
