using System.Collections.Immutable;
using System.Net;
using LbTest.Clusters.Lab;
using LbTest.Clusters.Lab.Dataplanes;
using LbTest.Clusters.Lab.Disturbances;
using LbTest.Engine;
using LbTest.Engine.Disturbances;
using LbTest.Engine.Traffic;

namespace LbTest.Clusters.Tests.Lab.Disturbances;

/// <summary>What disturbances will do to a lab, worked out before any of it happens. No lab is needed for that.</summary>
public class PlannerTests
{
    private static Disturbance A(DisturbanceKind kind, double at, params string[] names) => new() { Kind = kind, At = Seconds(at), Name = [.. names] };

    private static TimeSpan Seconds(double seconds) => TimeSpan.FromSeconds(seconds);

    private static ImmutableArray<LabStep> Plan(LabSpec spec, params Disturbance[] disturbances) => Whole(spec, disturbances).Steps;

    private static (ImmutableArray<LabStep> Steps, ImmutableArray<LabEndpoint> Extra) Whole(LabSpec spec, params Disturbance[] disturbances)
    {
        spec.Validate();
        foreach (Disturbance disturbance in disturbances) disturbance.Validate(Seconds(20));
        var plan = new TrafficPlan { Target = new IPEndPoint(IPAddress.Any, 0), Duration = Seconds(20), Seed = 1 };
        return DisturbancePlanner.Plan(new LabState(new LabTopology(spec)) { Traffic = true }, plan, [.. disturbances]);
    }

    // Four nodes with two endpoints each: tserver-001 and -002 on node-1, and so on.
    private static LabSpec Eight => new() { Name = "plan", NodeCount = 4, EndpointCount = 8, Ecmp = true };

    private static string Tell(LabStep step) => FormattableString.Invariant(
        $"{step.Event.Planned.TotalSeconds} {step.Event.Index}.{step.Event.Step}{(step.Event.Undo ? "u" : "")} -{string.Join(',', step.Event.Removed)} +{string.Join(',', step.Event.Added)} x{string.Join(',', step.Event.Broken)} ={step.Event.EndpointsAfter}");

    [Fact]
    public void An_endpoint_that_drains_leaves_the_rules_first()
    {
        ImmutableArray<LabStep> steps = Plan(Eight, A(DisturbanceKind.EndpointDown, 1, "tserver-003") with { DrainTime = Seconds(2), Duration = Seconds(5) });
        Assert.Equal(["1 0.1 -tserver-003 + x =7", "3 0.2 - + xtserver-003 =7", "6 0.0u - +tserver-003 x =8"], steps.Select(Tell));
        Assert.Empty(steps[0].State!.Refusing);
        Assert.Equal(ConnectionEnd.Close, steps[1].State!.Refusing["tserver-003"]);
        Assert.Empty(steps[2].State!.Refusing);
        Assert.Equal("endpoint tserver-003 leaves the rules", steps[0].Event.Description);
    }

    [Fact]
    public void Without_any_wait_it_is_one_step()
    {
        ImmutableArray<LabStep> steps = Plan(
            Eight, A(DisturbanceKind.EndpointDown, 1, "tserver-001"), A(DisturbanceKind.EndpointDown, 2, "tserver-002") with { Mode = EndpointDownMode.Reset },
            A(DisturbanceKind.EndpointDown, 3, "TSERVER-00[34]") with { Mode = EndpointDownMode.Drop }, A(DisturbanceKind.EndpointUp, 4));
        Assert.Equal(
            [
                "1 0.0 -tserver-001 + xtserver-001 =7", "2 1.0 -tserver-002 + xtserver-002 =6", "3 2.0 -tserver-003,tserver-004 + xtserver-003,tserver-004 =4",
                "4 3.0u - +tserver-001,tserver-002,tserver-003,tserver-004 x =8",
            ], steps.Select(Tell));
        Assert.Equal(["tserver-003", "tserver-004"], steps[2].State!.Silent.Order());
        Assert.Equal("endpoints tserver-001, tserver-002, tserver-003 and 1 more are back", steps[3].Event.Description);
    }

    [Fact]
    public void One_that_is_back_before_anybody_noticed_never_leaves_the_rules()
    {
        ImmutableArray<LabStep> steps = Plan(Eight, A(DisturbanceKind.EndpointDown, 1, "tserver-001") with { Mode = EndpointDownMode.Drop, DetectAfter = Seconds(5), Duration = Seconds(2) });
        Assert.Equal(["1 0.0 - + xtserver-001 =8", "3 0.0u - + x =8"], steps.Select(Tell));
        steps = Plan(Eight, A(DisturbanceKind.EndpointDown, 1, "tserver-001") with { DrainTime = Seconds(5) }, A(DisturbanceKind.EndpointUp, 2));
        Assert.Equal(["1 0.0 -tserver-001 + x =7", "2 1.0u - +tserver-001 x =8"], steps.Select(Tell));
    }

    [Fact]
    public void A_node_takes_its_endpoints_along_and_leaves_the_router()
    {
        ImmutableArray<LabStep> steps = Plan(Eight, A(DisturbanceKind.NodeDown, 1, "node-2") with { DetectAfter = Seconds(1) }, A(DisturbanceKind.NodeUp, 5));
        Assert.Equal(["1 0.1 - + xtserver-003,tserver-004 =8", "2 0.2 -tserver-003,tserver-004 + x =6", "5 1.0u - +tserver-003,tserver-004 x =8"], steps.Select(Tell));
        Assert.Equal([(null, null), (4, 3), (3, 4)], steps.Select(s => (s.Event.EcmpTargetsBefore, s.Event.EcmpTargetsAfter)));
        // Without ECMP nobody leaves the router: what entered by that node is lost.
        steps = Plan(Eight with { Ecmp = false }, A(DisturbanceKind.NodeDown, 1, "node-1"));
        Assert.Equal(((int?)null, "node-1"), (steps[0].Event.EcmpTargetsAfter, steps[0].State!.EcmpTargets.Single().Name));
    }

    [Fact]
    public void Chance_follows_the_seed_and_chooses_among_those_that_are_up()
    {
        Disturbance[] some = [A(DisturbanceKind.EndpointDown, 1) with { Count = 3 }, A(DisturbanceKind.EndpointDown, 2) with { Share = 0.5 }];
        ImmutableArray<LabStep> steps = Plan(Eight, some);
        Assert.Equal(steps.Select(Tell), Plan(Eight, some).Select(Tell));
        Assert.Equal((3, 4), (steps[0].Event.Removed.Length, steps[1].Event.Removed.Length));
        Assert.Empty(steps[0].Event.Removed.Intersect(steps[1].Event.Removed));
        // A share of the many that is less than half of one is still one.
        Assert.Single(Plan(Eight, A(DisturbanceKind.EndpointDown, 1) with { Share = 0.01 })[0].Event.Removed);
    }

    [Fact]
    public void A_rolling_update_has_a_step_for_each_instant_and_its_own_endpoints()
    {
        LabSpec four = Eight with { NodeCount = 2, EndpointCount = 4 };
        (ImmutableArray<LabStep> steps, ImmutableArray<LabEndpoint> extra) =
            Whole(four, A(DisturbanceKind.RollingUpdate, 1) with { MaxSurge = "0", MaxUnavailable = "25%", ReadinessDelay = Seconds(2), DrainTime = Seconds(1) });
        Assert.Equal(
            [
                "1 0.1 -tserver-001 + x =3", "2 0.2 - + xtserver-001 =3", "3 0.3 -tserver-002 +tserver-005 x =3", "4 0.4 - + xtserver-002 =3", "5 0.5 -tserver-003 +tserver-006 x =3",
                "6 0.6 - + xtserver-003 =3", "7 0.7 -tserver-004 +tserver-007 x =3", "8 0.8 - + xtserver-004 =3", "9 0.9 - +tserver-008 x =4",
            ], steps.Select(Tell));
        // Each on the node of the one that it replaces, with the next free address.
        Assert.Equal(["tserver-005 node-1 11.0.1.4", "tserver-006 node-1 11.0.1.5", "tserver-007 node-2 11.0.2.4", "tserver-008 node-2 11.0.2.5"], extra.Select(e => $"{e.Name} {e.Node} {e.Address}"));
        Assert.Equal(extra.AsEnumerable(), steps[^1].State!.InRules);
    }

    [Fact]
    public void A_change_in_scale_is_undone_with_further_endpoints()
    {
        (ImmutableArray<LabStep> steps, ImmutableArray<LabEndpoint> extra) = Whole(Eight, A(DisturbanceKind.ScaleTo, 1) with { Replicas = 6, Duration = Seconds(4) });
        Assert.Equal(["1 0.0 -tserver-007,tserver-008 + xtserver-008,tserver-007 =6", "5 0.0u - +tserver-009,tserver-010 x =8"], steps.Select(Tell));
        (steps, extra) = Whole(Eight, A(DisturbanceKind.ScaleTo, 1) with { Replicas = 10, ReadinessDelay = Seconds(1), Duration = Seconds(4) });
        Assert.Equal(["2 0.0 - +tserver-009,tserver-010 x =10", "5 0.0u -tserver-009,tserver-010 + xtserver-010,tserver-009 =8"], steps.Select(Tell));
        Assert.Equal(["node-1", "node-2"], extra.Select(e => e.Node));
    }

    [Fact]
    public void Hops_have_two_ways_and_kinds_do_not_disturb_each_other()
    {
        ImmutableArray<LabStep> steps = Plan(
            Eight, A(DisturbanceKind.PacketLoss, 1) with { Percent = 5, Duration = Seconds(5) }, A(DisturbanceKind.RateLimit, 2, "tester") with { BytesPerSecond = 1e6, Direction = HopDirection.From },
            A(DisturbanceKind.PacketLoss, 3, "tserver-003") with { Percent = 1, Direction = HopDirection.To });
        HopTrouble from = steps[1].Hops!.Sides.Single(s => s.Key.Place == "tester" && s.Key.Direction == HopDirection.From).Value;
        Assert.Equal((5, 1e6), (from.Loss, from.BytesPerSecond));
        HopSide endpoint = steps[2].Hops!.Sides.Keys.Single(s => s.Place == "tserver-003");
        Assert.Equal((("tserver-003", "eth0"), ("node-2", "pod1")), (endpoint.Receiver, endpoint.Sender));
        Assert.True(steps[3].Event.Undo);
        Assert.Equal(2, steps[3].Hops!.Sides.Count);
        Assert.All(steps[3].Hops!.Sides.Values.Where(t => t.BytesPerSecond is not null), t => Assert.Null(t.Loss));
    }

    public static TheoryData<string, Disturbance[], string, string> Refused => new()
    {
        { "a name that is none", [A(DisturbanceKind.EndpointDown, 1, "tserver-009")], "Name", "Use tserver-001 to tserver-008" },
        { "a pattern that matches none", [A(DisturbanceKind.NodeDown, 1, "tserver-*")], "Name", "Use node-1 to node-4" },
        { "down already", [A(DisturbanceKind.EndpointDown, 1, "tserver-001"), A(DisturbanceKind.EndpointDown, 2, "tserver-001")], "Name", "is no endpoint that is up at 2 s" },
        { "too many", [A(DisturbanceKind.EndpointDown, 1) with { Count = 9 }], "Count", "more than the 8 endpoints" },
        { "nothing is down", [A(DisturbanceKind.EndpointUp, 1)], "Kind", "finds no endpoint that is down" },
        { "not down", [A(DisturbanceKind.EndpointUp, 1, "tserver-001")], "Name", "is no endpoint that is down" },
        { "the last target", [A(DisturbanceKind.EcmpTargetRemove, 1, "node-*")], "Kind", "no target" },
        { "the last target, in two steps", [A(DisturbanceKind.EcmpTargetRemove, 1) with { Count = 3 }, A(DisturbanceKind.EcmpTargetRemove, 2) with { Count = 1 }], "Kind", "no target" },
        { "no target was removed", [A(DisturbanceKind.EcmpTargetAdd, 1, "node-1")], "Name", "not a target" },
        { "a place that is none", [A(DisturbanceKind.PacketLoss, 1, "router") with { Percent = 1 }], "Name", "Use tester, node-1 to node-4, tserver-001 to tserver-008" },
        {
            "the same on the same way", [A(DisturbanceKind.PacketLoss, 1) with { Percent = 1 }, A(DisturbanceKind.PacketLoss, 2, "tester") with { Percent = 2, Direction = HopDirection.To }],
            "Name", "has another PacketLoss"
        },
        { "the mode in force", [A(DisturbanceKind.ProxyModeSwitch, 1) with { ProxyMode = "nftables" }], "ProxyMode", "in force at 1 s already" },
        { "a mode that is none", [A(DisturbanceKind.ProxyModeSwitch, 1) with { ProxyMode = "ebpf" }], "ProxyMode", "Use one of Iptables, Nftables, Ipvs" },
        { "a mode by its number", [A(DisturbanceKind.ProxyModeSwitch, 1) with { ProxyMode = "0" }], "ProxyMode", "is not a proxy mode" },
        { "a scheduler that is none", [A(DisturbanceKind.ProxyModeSwitch, 1) with { ProxyMode = "Ipvs", IpvsScheduler = "wfq" }], "IpvsScheduler", "Use one of Rr, Wrr, Lc" },
        { "a scheduler for a mode without", [A(DisturbanceKind.ProxyModeSwitch, 1) with { IpvsScheduler = "lc" }], "IpvsScheduler", "means nothing in mode Nftables" },
        {
            "the scheduler in force", [A(DisturbanceKind.ProxyModeSwitch, 1) with { ProxyMode = "Ipvs" }, A(DisturbanceKind.ProxyModeSwitch, 2) with { IpvsScheduler = "rr" }],
            "IpvsScheduler", "in force at 2 s already"
        },
        { "the scale there is", [A(DisturbanceKind.ScaleTo, 1) with { Replicas = 8 }], "Replicas", "already" },
        { "more than names can tell apart", [A(DisturbanceKind.ScaleTo, 1) with { Replicas = 1000 }], "Kind", "tell apart" },
        { "a rollout that does not end in time", [A(DisturbanceKind.RollingUpdate, 1) with { ReadinessDelay = Seconds(10), MaxSurge = "0" }], "At", "it goes on until" },
        { "a surge that is none", [A(DisturbanceKind.RollingUpdate, 1) with { MaxSurge = "some" }], "MaxSurge", "percentage" },
        {
            "two rollouts at once", [A(DisturbanceKind.RollingUpdate, 1) with { ReadinessDelay = Seconds(2) }, A(DisturbanceKind.ScaleTo, 2) with { Replicas = 2 }],
            "At", "before the rollout under way ends"
        },
        { "a scale undone before it is done", [A(DisturbanceKind.ScaleTo, 1) with { Replicas = 9, ReadinessDelay = Seconds(3), Duration = Seconds(1) }], "Duration", "ends before the change in scale" },
        { "a script", [A(DisturbanceKind.Script, 1)], "Kind", "by itself" },
    };

    [Theory]
    [MemberData(nameof(Refused))]
    public void What_cannot_be_is_refused_beforehand(string why, Disturbance[] disturbances, string parameter, string says)
    {
        PlanException exception = Assert.Throws<PlanException>(() => Plan(Eight, disturbances));
        Assert.True(exception.Parameter == parameter, $"{why}: {exception.Message}");
        Assert.Contains(says, exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_lab_without_what_it_takes_says_so()
    {
        Assert.Contains("with ECMP", Assert.Throws<PlanException>(() => Plan(Eight with { Ecmp = false }, A(DisturbanceKind.EcmpTargetRemove, 1, "node-1"))).Message, StringComparison.Ordinal);
        Assert.Contains("no endpoint to replace", Assert.Throws<PlanException>(() => Plan(Eight with { EndpointCount = 0 }, A(DisturbanceKind.RollingUpdate, 1))).Message, StringComparison.Ordinal);
        LabSpec full = Eight with { NodeCount = 1, EndpointCount = 250 };
        Assert.Contains("250 addresses", Assert.Throws<PlanException>(() => Plan(full, A(DisturbanceKind.ScaleTo, 1) with { Replicas = 251 })).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_planned_for_after_the_end_never_happens()
    {
        ImmutableArray<LabStep> steps = Plan(Eight, A(DisturbanceKind.EndpointDown, 19, "tserver-001") with { Mode = EndpointDownMode.Reset, DetectAfter = Seconds(1), Duration = Seconds(1) });
        Assert.Equal(["19 0.0 - + xtserver-001 =8"], steps.Select(Tell));
    }

    [Fact]
    public void Modes_change_back()
    {
        ImmutableArray<LabStep> steps = Plan(Eight, A(DisturbanceKind.ProxyModeSwitch, 1) with { ProxyMode = "iptables", Duration = Seconds(1) }, A(DisturbanceKind.ConntrackFlush, 1, "node-[13]"));
        Assert.Equal([ProxyMode.Iptables, null, ProxyMode.Nftables], steps.Select(s => s.State?.Mode));
        Assert.Equal(["node-1", "node-3"], steps[1].Flush.AsEnumerable());
        Assert.Equal("node-1, node-3 forget the connections tracked", steps[1].Event.Description);
    }

    [Fact]
    public void Schedulers_change_alone_or_with_the_mode()
    {
        ImmutableArray<LabStep> steps = Plan(
            Eight, A(DisturbanceKind.ProxyModeSwitch, 1) with { ProxyMode = "ipvs", Duration = Seconds(8) }, A(DisturbanceKind.ProxyModeSwitch, 2) with { IpvsScheduler = "lc", Duration = Seconds(1) },
            A(DisturbanceKind.ProxyModeSwitch, 4) with { ProxyMode = "Iptables", Duration = Seconds(1) });
        Assert.Equal(["Ipvs (rr)", "Ipvs (lc)", "Ipvs (rr)", "Iptables", "Ipvs (rr)", "Nftables"], steps.Select(s => s.State!.Balancing.ToString()));
        Assert.Equal([false, false, true, false, true, true], steps.Select(s => s.Event.Undo));
        Assert.Equal("all nodes change over from Ipvs (rr) to Ipvs (lc)", steps[1].Event.Description);
        // Rules of different schedulers are different rules.
        Assert.Equal(6, steps.Select((s, i) => i == 0 ? "" : steps[i - 1].State!.RulesKey).Zip(steps, (before, step) => before != step.State!.RulesKey).Count(changed => changed));
    }

    [Fact]
    public void Hops_reorder_beside_all_else()
    {
        ImmutableArray<LabStep> steps = Plan(
            Eight, A(DisturbanceKind.Delay, 1) with { Latency = Seconds(0.02), Direction = HopDirection.To }, A(DisturbanceKind.Reorder, 2) with { Percent = 25, Direction = HopDirection.To, Duration = Seconds(1) });
        HopTrouble both = Assert.Single(steps[1].Hops!.Sides).Value;
        Assert.Equal((Seconds(0.02), 25, Seconds(0.01)), (both.Latency, both.Overtaking, both.HeldBack));
        Assert.Equal("25 % of packets overtake the others, held back by 10 ms, to tester", steps[1].Event.Description);
        HopTrouble rest = Assert.Single(steps[2].Hops!.Sides).Value;
        Assert.Equal((Seconds(0.02), null, TimeSpan.Zero), (rest.Latency, rest.Overtaking, rest.HeldBack));
    }
}
