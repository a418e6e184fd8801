using System.Collections.Immutable;
using LbTest.Engine.Disturbances;

namespace LbTest.Engine.Tests.Disturbances;

/// <summary>A rollout goes as a Deployment's controller has it go.</summary>
public sealed class RolloutTests
{
    [Theory]
    // The cases of the comment on Kubernetes' ResolveFenceposts come first.
    [InlineData("0%", "1%", 2, 0, 1), InlineData("0%", "1%", 1, 0, 1), InlineData("1%", "25%", 2, 1, 0), InlineData("1%", "25%", 1, 1, 0), InlineData("1%", "0%", 2, 1, 0), InlineData("25%", "25%", 4, 1, 1), InlineData("25%", "25%", 10, 3, 2)]
    [InlineData("25%", "1%", 2, 1, 0), InlineData("0", "0", 7, 0, 1), InlineData("3", "2", 4, 3, 2)]
    [InlineData("0", "150%", 4, 0, 4), InlineData("0", "9", 4, 0, 4), InlineData("150%", "0", 4, 6, 0), InlineData("25%", "25%", 0, 0, 0), InlineData("2147483647%", "0", 2147483647, 2147483647, 0)]
    public void Percentages_of_surge_round_up_and_of_unavailable_down(string maxSurge, string maxUnavailable, int replicas, int surge, int unavailable) =>
        Assert.Equal((surge, unavailable), Rollout.Resolve(maxSurge, maxUnavailable, replicas));

    [Theory]
    [InlineData("-1", "0", "MaxSurge"), InlineData("abc", "0", "MaxSurge"), InlineData("", "0", "MaxSurge"), InlineData("%", "0", "MaxSurge"), InlineData("2.5%", "0", "MaxSurge"), InlineData(null, "0", "MaxSurge")]
    [InlineData("0", "-25%", "MaxUnavailable"), InlineData("0", "1 %", "MaxUnavailable"), InlineData("0", "99999999999", "MaxUnavailable")]
    public void What_is_neither_a_number_nor_a_percentage_is_refused(string? maxSurge, string maxUnavailable, string parameter)
    {
        PlanException exception = Assert.Throws<PlanException>(() => Rollout.Update(4, maxSurge!, maxUnavailable, TimeSpan.Zero, TimeSpan.Zero));

        Assert.Equal((parameter, parameter == "MaxSurge" ? maxSurge : maxUnavailable), (exception.Parameter, exception.Value));
    }

    [Fact]
    public void Negative_numbers_and_times_are_refused()
    {
        TimeSpan zero = TimeSpan.Zero, negative = TimeSpan.FromTicks(-1);

        Assert.Equal("Replicas", Assert.Throws<PlanException>(() => Rollout.Update(-1, "1", "1", zero, zero)).Parameter);
        Assert.Equal("ReadinessDelay", Assert.Throws<PlanException>(() => Rollout.Update(1, "1", "1", negative, zero)).Parameter);
        Assert.Equal("DrainTime", Assert.Throws<PlanException>(() => Rollout.Update(1, "1", "1", zero, negative)).Parameter);
        Assert.Equal("Replicas", Assert.Throws<PlanException>(() => Rollout.Scale(1, -1, zero, zero)).Parameter);
        Assert.Equal("DrainTime", Assert.Throws<PlanException>(() => Rollout.Scale(1, 2, zero, negative)).Parameter);
    }

    [Theory]
    // One may be missing and none too many: each new one waits for its place, and the next old one for it.
    [InlineData(3, "0", "1", 3, 1, "0 -o0 +n0, 1 xo0, 3 !n0 -o1 +n1, 4 xo1, 6 !n1 -o2 +n2, 7 xo2, 9 !n2")]
    // One too many and none missing: an old one goes when a new one is ready.
    [InlineData(2, "1", "0", 3, 1, "0 +n0, 3 !n0 -o0 +n1, 4 xo0, 6 !n1 -o1, 7 xo1")]
    // Both: one goes at once, so two are made at once.
    [InlineData(4, "25%", "25%", 3, 5, "0 -o0 +n0 +n1, 3 !n0 !n1 -o1 -o2 +n2 +n3, 5 xo0, 6 !n2 !n3 -o3, 8 xo1 xo2, 11 xo3")]
    // Draining ones do not count: they may all be there at once.
    [InlineData(2, "0", "1", 1, 9, "0 -o0 +n0, 1 !n0 -o1 +n1, 2 !n1, 9 xo0, 10 xo1")]
    // Ready and closing at once: the rules first.
    [InlineData(2, "0", "1", 2, 2, "0 -o0 +n0, 2 !n0 -o1 +n1 xo0, 4 !n1 xo1")]
    // No time at all: the controller is through before anything closes.
    [InlineData(2, "0", "1", 0, 0, "0 -o0 +n0 !n0 -o1 +n1 !n1 xo0 xo1")]
    // As many as one likes: like Recreate without the wait.
    [InlineData(2, "0", "100%", 1, 0, "0 -o0 -o1 +n0 +n1 xo0 xo1, 1 !n0 !n1")]
    [InlineData(2, "100%", "0", 1, 0, "0 +n0 +n1, 1 !n0 !n1 -o0 -o1 xo0 xo1")]
    [InlineData(1, "0", "0", 1, 0, "0 -o0 +n0 xo0, 1 !n0")]
    [InlineData(0, "25%", "25%", 1, 1, "")]
    public void An_update_has_the_steps_of_the_controller(int replicas, string maxSurge, string maxUnavailable, int readinessDelay, int drainTime, string expected) =>
        Assert.Equal(expected, Text(Rollout.Update(replicas, maxSurge, maxUnavailable, TimeSpan.FromSeconds(readinessDelay), TimeSpan.FromSeconds(drainTime))));

    [Theory]
    [InlineData(2, 4, 3, 1, "0 +n0 +n1, 3 !n0 !n1")]
    [InlineData(4, 2, 3, 1, "0 -o3 -o2, 1 xo3 xo2")]
    [InlineData(2, 0, 3, 0, "0 -o1 -o0 xo1 xo0")]
    [InlineData(3, 3, 3, 1, "")]
    public void A_change_in_scale_comes_or_goes_all_at_once(int replicas, int wanted, int readinessDelay, int drainTime, string expected) =>
        Assert.Equal(expected, Text(Rollout.Scale(replicas, wanted, TimeSpan.FromSeconds(readinessDelay), TimeSpan.FromSeconds(drainTime))));

    [Theory]
    [InlineData(10, "25%", "25%"), InlineData(7, "0", "30%"), InlineData(7, "3", "0"), InlineData(100, "10%", "1"), InlineData(5, "200%", "200%")]
    public void The_limits_hold_at_every_step_and_everything_is_replaced(int replicas, string maxSurge, string maxUnavailable)
    {
        (int surge, int unavailable) = Rollout.Resolve(maxSurge, maxUnavailable, replicas);
        int old = replicas, created = 0, ready = 0;
        var steps = Rollout.Update(replicas, maxSurge, maxUnavailable, TimeSpan.FromSeconds(3), TimeSpan.FromSeconds(7));

        foreach (RolloutStep step in steps)
        {
            if (step.Action == RolloutAction.Create) created++;
            else if (step.Action == RolloutAction.Ready) ready++;
            else if (step.Action == RolloutAction.Remove) old--;
            Assert.InRange(old + created, 0, replicas + surge);
            Assert.InRange(old + ready, replicas - unavailable, replicas + surge);
        }

        Assert.Equal((0, replicas, replicas), (old, created, ready));
        Assert.Equal(Enumerable.Range(0, replicas), steps.Where(s => s.Action == RolloutAction.Close).Select(s => s.Index));
        Assert.Equal(steps.Select(s => s.At).Order(), steps.Select(s => s.At));
    }

    [Fact]
    public void The_worked_example_loses_30_40_53_and_71_of_120()
    {
        var steps = Rollout.Update(4, "0", "25%", TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(2));

        var lost = RolloutExpectation.Lost(steps, 4, 120);

        Assert.Equal([30, 40, 40 + (40.0 / 3), 40 + (40.0 / 3) + ((40 + (40.0 / 3)) / 3)], lost.AsEnumerable(), (a, b) => Math.Abs(a - b) < 1e-9);
        Assert.Equal(194.4, lost.Sum(), 0.1);
    }

    [Fact]
    public void With_everything_new_ready_first_nothing_is_lost_twice() => Assert.Equal(
        [30, 30, 30, 30], RolloutExpectation.Lost(Rollout.Update(4, "100%", "0", TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1)), 4, 120).AsEnumerable(), (a, b) => Math.Abs(a - b) < 1e-9);

    [Fact]
    public void While_there_is_no_endpoint_connections_wait_for_the_next()
    {
        // Both old ones close at 0; the only new one is ready at 1, gets all that wait, and is closed itself.
        ImmutableArray<RolloutStep> steps =
        [
            .. Rollout.Scale(2, 0, TimeSpan.Zero, TimeSpan.Zero), new(TimeSpan.FromSeconds(1), RolloutAction.Ready, true, 0), new(TimeSpan.FromSeconds(2), RolloutAction.Close, true, 0),
        ];

        Assert.Equal([50, 50, 100], RolloutExpectation.Lost(steps, 2, 100).ToArray());
    }

    // "0 -o0 +n0, 3 !n0": at 0 s the old endpoint 0 leaves the rules and the new endpoint 0 is made; at 3 s that is ready.
    private static string Text(ImmutableArray<RolloutStep> steps) => string.Join(", ", steps.GroupBy(s => s.At).Select(g => $"{g.Key.TotalSeconds} "
        + string.Join(' ', g.Select(s => $"{(s.Action switch { RolloutAction.Create => '+', RolloutAction.Ready => '!', RolloutAction.Remove => '-', _ => 'x' })}{(s.New ? 'n' : 'o')}{s.Index}"))));
}
