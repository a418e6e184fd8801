using LbTest.Engine.Connect;
using LbTest.Engine.Disturbances;
using LbTest.Engine.Sockets;
using LbTest.Engine.Tests.Results;
using LbTest.Engine.Traffic;
using static LbTest.Engine.Tests.Disturbances.Story;

namespace LbTest.Engine.Tests.Disturbances;

/// <summary>What disturbances cost, worked out by hand.</summary>
public sealed class DisruptionTests
{
    private static readonly string[] Four = ["a", "b", "c", "d"];

    [Fact]
    public void An_endpoint_that_goes_costs_the_connections_that_were_on_it()
    {
        TrafficResult result = OneDown().Happens(20, DisturbanceKind.EndpointDown, added: ["a"], undo: true).Result();

        Disruption d = DisruptionAnalysis.Measure(result);

        Assert.Equal(("story", 8, 2L, 2.0, 1.0, true), (d.Label, d.Clients, d.LostConnections, d.LeastLost, d.Ratio, d.Recovered));
        Assert.Equal((Seconds(0.02), Seconds(0.35)), (d.FirstFailure, d.Recovery));
        Assert.Equal([new("a", 2, 0), new("b", 0, 3), new("c", 0, 3), new("d", 0, 2)], d.Endpoints.ToArray());
        Assert.Equal((0.25, 1), (d.ReconnectsPerClient, d.MostReconnects));
        Assert.Equal((Seconds(0.3), Seconds(0), Seconds(0.02)), (d.LongestGap, d.MedianGap, d.Outage));
        DisruptionStep step = Assert.Single(d.Steps);
        Assert.Equal((2, 2.0, 2.0, 2), (step.Lost, step.Least, step.Expected, step.Reconnected));
        Assert.Equal((Seconds(5), Seconds(0.02), Seconds(0.35)), (step.Time, step.FirstFailure, step.Recovery));
        // Before, two on each of four; from then to the end three endpoints are in the rules, with 3, 3 and 2.
        Assert.Equal((4, 8L, 2L, 2L), (d.Before!.Endpoints, d.Before.Connections, d.Before.Minimum, d.Before.Maximum));
        Assert.Equal((3, 8L, 2L, 3L), (d.During!.Endpoints, d.During.Connections, d.During.Minimum, d.During.Maximum));
        Assert.Equal((3, 8L, 2L, 3L), (d.After!.Endpoints, d.After.Connections, d.After.Minimum, d.After.Maximum));
        Assert.Equal(
            "2 of 8 connections were lost where at least 2 had to be (1.0 times the least). The first failed 0.02 s after the first disturbance; all clients were back after 0.35 s. "
            + "The longest silence of all was 0.02 s, of one client 0.30 s.", d.Explanation);
    }

    [Fact]
    public void Without_knowledge_of_endpoints_those_seen_count()
    {
        Disruption d = DisruptionAnalysis.Measure(OneDown().Result() with { Endpoints = [] });

        Assert.Equal((4, 3), (d.Before!.Endpoints, d.After!.Endpoints));
        Assert.Equal(2, d.Steps[0].Expected);
    }

    [Fact]
    public void An_endpoint_that_comes_back_costs_nothing_and_is_a_step_of_its_own()
    {
        Story story = OneDown().Happens(10, DisturbanceKind.EndpointDown, added: ["a"], undo: true).Move(7, 12, 12.1, "a");

        Disruption d = DisruptionAnalysis.Measure(story.Result());

        Assert.Equal([(2, 2.0, 2.0), (1, 0.0, (double?)null)], d.Steps.Select(s => (s.Lost, s.Least, s.Expected)));
        Assert.Equal((2.0, 1.5, 4), (d.LeastLost, d.Ratio, d.After!.Endpoints));
        Assert.Equal((2, 3), (d.Before!.Maximum, d.During!.Maximum));
        Assert.Equal(Seconds(7.1), d.Recovery);
        Assert.Contains("3 of 8 connections were lost where at least 2 had to be (1.5 times the least)", d.Explanation, StringComparison.Ordinal);
    }

    [Fact]
    public void Of_four_targets_one_takes_a_quarter_along_and_a_new_one_nothing()
    {
        var story = new Story(20, Four, Enumerable.Range(0, 400).Select(i => Four[i % 4]));
        story.Happens(5, DisturbanceKind.EcmpTargetRemove, before: 4, after: 3).Happens(10, DisturbanceKind.EcmpTargetRemove, before: 3, after: 4, undo: true);
        for (int client = 0; client < 312; client++) story.Move(client, 5.02, 5.35, Four[client % 4]);
        for (int client = 350; client < 400; client++) story.Move(client, 10.02, 10.05, Four[client % 4]);

        Disruption d = DisruptionAnalysis.Measure(story.Result());

        Assert.Equal([(312, 100.0, 100.0), (50, 0.0, (double?)null)], d.Steps.Select(s => (s.Lost, s.Least, s.Expected)));
        Assert.Equal((362L, 100.0, 3.62), (d.LostConnections, d.LeastLost, d.Ratio));
        Assert.StartsWith("362 of 400 connections were lost where about 100 had to be (3.6 times the least).", d.Explanation, StringComparison.Ordinal);
    }

    [Fact]
    public void A_rolling_update_costs_step_by_step_what_its_plan_lets_expect()
    {
        TimeSpan start = Seconds(5);
        var steps = Rollout.Update(4, "0", "25%", readinessDelay: Seconds(5), drainTime: Seconds(2));
        var rules = new List<string>(Four.Select((_, i) => Name(false, i)));
        var story = new Story(40, [.. rules], Enumerable.Range(0, 120).Select(i => rules[i % 4]));
        int number = 0, lost = 0;
        foreach (RolloutStep step in steps)
        {
            string endpoint = Name(step.New, step.Index);
            story.Happens(new DisturbanceEvent
            {
                Kind = DisturbanceKind.RollingUpdate, Description = $"{step.Action} {endpoint}", Step = ++number, Planned = start + step.At, Applied = start + step.At,
                Added = step.Action == RolloutAction.Ready ? [endpoint] : [], Removed = step.Action == RolloutAction.Remove ? [endpoint] : [], Broken = step.Action == RolloutAction.Close ? [endpoint] : [],
            });
            if (step.Action == RolloutAction.Ready) rules.Add(endpoint);
            if (step.Action == RolloutAction.Remove) rules.Remove(endpoint);
            if (step.Action != RolloutAction.Close) continue;
            // As even as can be: in turn over what is in the rules.
            double at = (start + step.At).TotalSeconds;
            foreach (int client in story.On(endpoint)) story.Move(client, at + 0.001, at + 0.002, rules[lost++ % rules.Count]);
        }

        Disruption d = DisruptionAnalysis.Measure(story.Result());

        DisruptionStep[] closing = [.. d.Steps.Where(s => s.Expected is not null)];
        double[] expected = [.. RolloutExpectation.Lost(steps, 4, 120)];
        Assert.Equal(expected, closing.Select(s => s.Expected!.Value), (a, b) => Math.Abs(a - b) < 1e-9);
        Assert.Equal(4, closing.Length);
        Assert.Equal(lost, d.LostConnections);
        foreach ((DisruptionStep step, double plan) in closing.Zip(expected))
        {
            Assert.InRange(step.Lost, plan - 3, plan + 3);
            Assert.Equal(((double?)step.Lost, step.Lost), (step.Least, step.Reconnected));
        }

        Assert.Equal(1, d.Ratio);
        Assert.All(d.Steps.Where(s => s.Expected is null), s => Assert.Equal((0, 0.0), (s.Lost, s.Least)));
        Assert.Contains($"{lost} connections of 120 clients were lost", d.Explanation, StringComparison.Ordinal);

        static string Name(bool isNew, int index) => $"{(isNew ? "new" : "old")}-{index}";
    }

    [Fact]
    public void A_loss_that_takes_long_to_show_belongs_to_the_event_that_caused_it()
    {
        // Endpoint a falls silent at 5 s, leaves the rules at 7 s; its connections time out at 10 s.
        Story story = new Story(20, Four, Four.Concat(Four)).Happens(5, DisturbanceKind.EndpointDown, broken: ["a"]).Happens(7, DisturbanceKind.EndpointDown, removed: ["a"]);
        story.Move(0, 10, 10.1, "b").Move(4, 10.2, 10.3, "c").Move(1, 8, 8.1, "d");

        Disruption d = DisruptionAnalysis.Measure(story.Result());

        Assert.Equal([(2, 2.0, 2.0), (1, 0.0, (double?)null)], d.Steps.Select(s => (s.Lost, s.Least, s.Expected)));
        Assert.Equal((Seconds(5), Seconds(5.3)), (d.Steps[0].FirstFailure, d.Steps[0].Recovery));
        Assert.Equal(Seconds(3), d.FirstFailure);
    }

    [Fact]
    public void What_hits_at_one_moment_is_counted_once()
    {
        // Endpoint a goes twice, alone and with its node, which has b too; three targets become two and two one.
        Story story = new Story(20, Four, Enumerable.Range(0, 12).Select(i => Four[i % 4]))
            .Happens(5, DisturbanceKind.EndpointDown, removed: ["a"], broken: ["a"]).Happens(5, DisturbanceKind.NodeDown, removed: ["a", "b"], broken: ["a", "b"], before: 3, after: 2, index: 1)
            .Happens(5, DisturbanceKind.EcmpTargetRemove, before: 2, after: 1, index: 2);
        foreach (int client in story.On("a").Concat(story.On("b"))) story.Move(client, 5.1, 5.2, "c");

        Disruption d = DisruptionAnalysis.Measure(story.Result());

        // 3 on a; 3 on b and a third of the other 6; half of the 4 that are left.
        Assert.Equal([3, 3 + 2, 2], d.Steps.Select(s => s.Least));
        Assert.Equal([3, 3 + 2, 2], d.Steps.Select(s => s.Expected));
        Assert.Equal([3, 3, 0], d.Steps.Select(s => s.Lost));
        Assert.Equal((10.0, 0.6), (d.LeastLost, d.Ratio));
    }

    [Fact]
    public void A_connection_whose_endpoint_came_back_in_time_may_have_to_be_lost_again()
    {
        Story story = new Story(20, Four, Four).Happens(5, DisturbanceKind.EndpointDown, removed: ["a"], broken: ["a"]).Happens(6, DisturbanceKind.EndpointUp, added: ["a"], index: 1)
            .Happens(10, DisturbanceKind.EndpointDown, removed: ["a"], broken: ["a"], index: 2).Move(0, 10.1, 10.2, "b");

        Disruption d = DisruptionAnalysis.Measure(story.Result());

        Assert.Equal([(0, 1.0), (0, 0.0), (1, 1.0)], d.Steps.Select(s => (s.Lost, s.Least)));
        Assert.Equal(Seconds(5.1), d.FirstFailure);
    }

    [Fact]
    public void Events_that_failed_or_came_when_the_test_was_over_are_no_steps()
    {
        Story story = OneDown().Happens(new DisturbanceEvent { Kind = DisturbanceKind.NodeDown, Description = "x", Applied = Seconds(3), Broken = ["b"], Error = "no such node" })
            .Happens(19.999, DisturbanceKind.Script).Happens(new DisturbanceEvent { Kind = DisturbanceKind.EndpointDown, Description = "undone", Undo = true, Planned = Seconds(20), Applied = Seconds(19.9999), Added = ["a"] })
            .Happens(20.001, DisturbanceKind.Script);

        Disruption d = DisruptionAnalysis.Measure(story.Result());

        Assert.Equal([DisturbanceKind.EndpointDown, DisturbanceKind.Script], d.Steps.Select(s => s.Kind));
        Assert.Equal(Seconds(0.02), d.FirstFailure);
        Assert.Equal(3, d.After!.Endpoints);
    }

    [Fact]
    public void Undoing_because_the_user_stopped_the_test_is_no_step()
    {
        TrafficResult result = OneDown().Happens(new DisturbanceEvent { Kind = DisturbanceKind.EndpointDown, Description = "undone", Undo = true, Planned = Seconds(60), Applied = Seconds(19.9), Added = ["a"] }).Result();

        Disruption d = DisruptionAnalysis.Measure(result with { Completed = false, Reason = "stopped by the user", PlannedDuration = Seconds(60) });

        Assert.Single(d.Steps);
        Assert.EndsWith("The test is not complete: stopped by the user.", d.Explanation, StringComparison.Ordinal);
    }

    [Fact]
    public void Packet_loss_shows_in_its_seconds_and_costs_no_connection()
    {
        var story = new Story(20, Four, Four.Concat(Four));
        story.Happens(5, DisturbanceKind.PacketLoss).Happens(15, DisturbanceKind.PacketLoss, undo: true);

        Disruption d = DisruptionAnalysis.Measure(story.Result((i, s) => i is >= 5 and < 15 ? s with { Dropped = 3, Retransmits = 2 } : s));

        Assert.Equal([(30L, 20L), (0L, 0L)], d.Steps.Select(s => (s.Dropped, s.Retransmits)));
        Assert.All(d.Steps, s => Assert.Equal((0, null, null), (s.Lost, s.Least, s.Expected)));
        Assert.Equal((0L, null, null, 30L), (d.LostConnections, d.LeastLost, d.Ratio, d.DroppedPackets));
        Assert.Equal((Seconds(1), Seconds(10), true), (d.FirstFailure, d.Recovery, d.Recovered));
        Assert.StartsWith(
            "No connection of 8 clients was lost; 30 packets could not go out in their slots. The first failure came at most 1.00 s after the first disturbance; all was well again after at most 10.00 s.",
            d.Explanation, StringComparison.Ordinal);
    }

    [Fact]
    public void Seconds_in_which_clients_had_no_connection_are_over_when_they_have_one()
    {
        Disruption d = DisruptionAnalysis.Measure(OneDown().Result((i, s) => i == 5 ? s with { Dropped = 3, FailedConnects = 4 } : s));

        Assert.Equal((Seconds(0.35), 4, 3), (d.Recovery, d.FailedConnects, d.DroppedPackets));
    }

    [Fact]
    public void What_drops_to_the_end_has_not_recovered()
    {
        Disruption d = DisruptionAnalysis.Measure(OneDown().Result((i, s) => i >= 5 ? s with { Dropped = 1 } : s));

        Assert.Equal((false, null), (d.Recovered, d.Recovery));
        Assert.Contains("at the end it had not recovered", d.Explanation, StringComparison.Ordinal);
    }

    [Fact]
    public void A_client_that_stays_without_a_connection_has_not_recovered()
    {
        Story story = new Story(20, Four, Four).Happens(5, DisturbanceKind.EndpointDown, removed: ["a"], broken: ["a"]).Lose(0, 5.5);

        Disruption d = DisruptionAnalysis.Measure(story.Result() with { Reconnect = false });

        Assert.Equal((1L, Seconds(0.5), null, false), (d.LostConnections, d.FirstFailure, d.Recovery, d.Recovered));
        Assert.Equal((1, null), (d.Steps[0].Lost, d.Steps[0].Recovery));
        Assert.Equal(Seconds(14.5), d.LongestGap);
        Assert.Equal(3, d.After!.Connections);
    }

    [Fact]
    public void Without_a_disturbance_there_are_totals_and_the_balance_at_the_end()
    {
        Disruption d = DisruptionAnalysis.Measure(new Story(20, Four, Four.Concat(Four)).Move(0, 5, 5.1, "b").Result());

        Assert.Equal((1L, null, null, null, null, true), (d.LostConnections, d.LeastLost, d.Ratio, d.FirstFailure, d.Recovery, d.Recovered));
        Assert.Empty(d.Steps);
        Assert.Null(d.Before);
        Assert.Null(d.During);
        Assert.Equal((4, 8L, 3L), (d.After!.Endpoints, d.After.Connections, d.After.Maximum));
        Assert.StartsWith("1 of 8 connections was lost. There was no disturbance.", d.Explanation, StringComparison.Ordinal);
    }

    [Fact]
    public void Nothing_failed_is_said_so()
    {
        Disruption d = DisruptionAnalysis.Measure(new Story(20, Four, Four).Happens(5, DisturbanceKind.EcmpTargetAdd, before: 3, after: 4).Result());

        Assert.Equal((null, null, true, null), (d.FirstFailure, d.Recovery, d.Recovered, d.LeastLost));
        Assert.StartsWith("No connection of 4 clients was lost. Nothing failed from the first disturbance on.", d.Explanation, StringComparison.Ordinal);
    }

    [Fact]
    public void A_test_that_never_got_a_connection_has_no_balance_and_has_not_recovered()
    {
        TrafficConnection never = new() { Started = Seconds(0), Ended = Seconds(20), Failure = FailureClass.Refused, FailedConnects = 30 };
        TrafficResult result = new Story(20, Four, []).Happens(5, DisturbanceKind.EndpointDown, removed: ["a"], broken: ["a"]).Result((_, s) => s with { FailedConnects = 3, Connecting = 2 })
            with { Clients = 2, Connections = [never, never with { Client = 1 }], LongestSilence = default };

        Disruption d = DisruptionAnalysis.Measure(result);

        Assert.Equal((0L, 0.0, null, false, null), (d.LostConnections, d.LeastLost, d.Ratio, d.Recovered, d.Recovery));
        Assert.Equal((Seconds(1), Seconds(20), Seconds(20)), (d.FirstFailure, d.LongestGap, d.Outage));
        Assert.True(d is { Before: null, During: null, After: null });
        Assert.Empty(d.Endpoints);
    }

    [Fact]
    public void Over_UDP_packets_are_lost_and_what_is_only_under_way_is_not()
    {
        // At the end of the third second a packet is under way; in the sixth and seventh, after the event at 5 s, two each get lost.
        var story = new Story(20, Four, Four);
        story.Happens(5, DisturbanceKind.EndpointDown, removed: ["a"], broken: ["a"]);
        TrafficResult result = story.Result((i, s) => i switch { 2 => s with { Received = 3 }, 3 => s with { Received = 5 }, 5 or 6 => s with { Received = 2 }, 9 => s with { Received = 3 }, 10 => s with { Received = 5 }, _ => s });

        Disruption d = DisruptionAnalysis.Measure(result with { Protocol = TransportProtocol.Udp });

        Assert.Equal((0L, 4L, null, null), (d.LostConnections, d.LostPackets, d.LeastLost, d.Steps[0].Least));
        Assert.Equal((Seconds(1), Seconds(2), true), (d.FirstFailure, d.Recovery, d.Recovered));
        Assert.StartsWith("4 of 80 packets were lost (5 %), and 0 could not go out in their slots.", d.Explanation, StringComparison.Ordinal);
    }

    [Fact]
    public void Packets_under_way_at_the_end_of_a_TCP_test_are_not_lost() =>
        Assert.True(DisruptionAnalysis.Measure(OneDown().Result((i, s) => i == 19 ? s with { Received = 1 } : s)).Recovered);

    [Fact]
    public void A_partial_result_after_a_lost_agent_says_what_is_known()
    {
        // Only the two lost connections were reported; the samples say that eight were active, and six while two were lost.
        TrafficResult whole = OneDown().Result((i, s) => i == 5 ? s with { Failed = 2, Active = 6 } : s);
        TrafficResult partial = whole with { Completed = false, Reason = "the agent was lost", PlannedDuration = Seconds(60), Connections = [.. whole.Connections.Where(c => c.WasLost)] };

        Disruption d = DisruptionAnalysis.Measure(partial);

        Assert.Equal((2L, 2.0, true, Seconds(0.02), Seconds(1)), (d.LostConnections, d.LeastLost, d.Recovered, d.FirstFailure, d.Recovery));
        Assert.Equal((2, 2.0, 2.0), (d.Steps[0].Lost, d.Steps[0].Least, d.Steps[0].Expected));
        Assert.True(d is { Before: null, During: null, After: null });
        Assert.False(DisruptionAnalysis.Measure(partial with { Samples = partial.Samples.SetItem(19, partial.Samples[19] with { Active = 6 }) }).Recovered);
        Assert.Contains("the agent was lost", d.Explanation, StringComparison.Ordinal);
    }

    [Fact]
    public void Samples_alone_give_the_least_of_a_removed_target()
    {
        TrafficResult result = new Story(20, Four, Four).Happens(5, DisturbanceKind.EcmpTargetRemove, before: 4, after: 3).Result() with { Connections = [], Completed = false };

        Disruption d = DisruptionAnalysis.Measure(result);

        Assert.Equal((1.0, 1.0), (d.Steps[0].Least, d.Steps[0].Expected));
    }

    [Fact]
    public void A_result_without_samples_and_connections_is_refused_with_the_remedy() => Assert.StartsWith(
        "Result 'x' has neither samples nor connection records", Assert.Throws<PlanException>(() => DisruptionAnalysis.Measure(new TrafficResult { Label = "x" })).Message, StringComparison.Ordinal);

    [SkippableFact]
    public void The_recorded_run_of_ctraffic_has_its_outage()
    {
        TrafficResult result = CtrafficJsonTests.Recorded() with { Disturbances = [new() { Kind = DisturbanceKind.EndpointDown, Description = "killed", Applied = Seconds(5.005), Planned = Seconds(5), Removed = ["vm"], Broken = ["vm"] }] };

        Disruption d = DisruptionAnalysis.Measure(result);

        Assert.Equal((40L, 40.0, 40.0, true, 1), (d.LostConnections, d.LeastLost, d.Steps[0].Expected, d.Recovered, d.MostReconnects));
        // The first connection ended at 5.010 s; the last client was back at 7.597 s; nothing was received from 5.004 s to 7.005 s.
        Assert.Equal(0.005, d.FirstFailure!.Value.TotalSeconds, 0.001);
        Assert.Equal(2.592, d.Recovery!.Value.TotalSeconds, 0.001);
        Assert.Equal(2.001, d.Outage.TotalSeconds, 0.001);
        Assert.Equal([new("vm", 40, 40)], d.Endpoints.ToArray());
    }

    // Eight clients on four endpoints; a goes at 5 s with the clients 0 and 4, which are back on b and c.
    private static Story OneDown() => new Story(20, Four, Four.Concat(Four)).Happens(5, DisturbanceKind.EndpointDown, removed: ["a"], broken: ["a"])
        .Move(0, 5.02, 5.1, "b").Move(4, 5.05, 5.35, "c");
}
