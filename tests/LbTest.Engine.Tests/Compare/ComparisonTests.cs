using System.Collections.Immutable;
using System.Text.Json;
using LbTest.Engine.Analysis;
using LbTest.Engine.Compare;
using LbTest.Engine.Connect;
using LbTest.Engine.Disturbances;
using LbTest.Engine.Results;
using LbTest.Engine.Sockets;
using LbTest.Engine.Tests.Analysis;
using LbTest.Engine.Tests.Disturbances;
using LbTest.Engine.Traffic;
using static LbTest.Engine.Analysis.ComparisonVerdict;

namespace LbTest.Engine.Tests.Compare;

public sealed class ComparisonTests
{
    private static readonly TestContext Lab = new("lab", "Ipvs", "External", "LoadBalancer");

    [Fact]
    public void From_round_robin_to_chance_the_spread_changes_and_the_busiest_endpoint_gets_more()
    {
        ResultComparison c = ComparisonAnalysis.Compare(Connect("ipvs", Enumerable.Repeat(100L, 100)), Connect("nftables", Spreads.Draw(new Random(79), 10_000, 100)));

        Assert.Equal((DifferentSpread, "ipvs", "nftables"), (c.Verdict, c.Reference, c.Label));
        Assert.Equal((Verdict.EvenerThanRandom, Verdict.ConsistentWithRandom), (c.Spread!.ReferenceBalance.Verdict, c.Spread.Balance.Verdict));
        Assert.Equal((100, false, true), (c.Spread.Matched, c.Spread.SharesDiffer, c.Spread.WidthDiffers));
        Assert.All(
            ["nftables spreads connections less evenly than ipvs", "ipvs is more even than chance, nftables looks like chance", "100 per endpoint with ipvs", "No endpoint's share differs", "times the mean instead of 1.00"],
            words => Assert.Contains(words, c.Explanation, StringComparison.Ordinal));
        MeasureComparison most = Measure(c, "Most on an endpoint");
        Assert.Equal((100, c.Spread.Balance.Maximum, c.Spread.Balance.Maximum - 100), (most.Reference, most.Result, most.Change));
    }

    [Fact]
    public void Two_spreads_by_chance_are_the_same_and_what_would_have_been_found_is_said()
    {
        var random = new Random(80);

        ResultComparison c = ComparisonAnalysis.Compare(Connect("a", Spreads.Draw(random, 10_000, 100)), Connect("a", Spreads.Draw(random, 20_000, 100)));

        Assert.Equal((SameSpread, "a", "a (2)"), (c.Verdict, c.Reference, c.Label));
        Assert.Contains("Nothing tells the spreads of a and a (2) apart: both look like chance", c.Explanation, StringComparison.Ordinal);
        Assert.Contains("shares of 10 of 100 endpoints that differ by", c.Explanation, StringComparison.Ordinal);
        Assert.Empty(c.Warnings);
    }

    [Fact]
    public void An_endpoint_that_one_lacks_is_left_out_and_named()
    {
        ConnectResult one = Connect("one", [100, 100, 100, 100]), other = Connect("other", [100, 101, 99]) with { Context = Lab };
        other = other with { Endpoints = [.. other.Endpoints, new EndpointResult { Name = "new", Connections = 100 }] };

        ResultComparison c = ComparisonAnalysis.Compare(one, other);

        Assert.Equal((3, SameSpread), (c.Spread!.Matched, c.Verdict));
        Assert.Equal(["e3"], c.Spread.ReferenceOnly.ToArray());
        Assert.Equal(["new"], c.Spread.ResultOnly.ToArray());
        Assert.Contains("Only one has e3; left out where shares were compared. Only other has new;", c.Explanation, StringComparison.Ordinal);
    }

    [Fact]
    public void Where_nobody_listed_the_endpoints_one_that_does_not_answer_got_nothing()
    {
        // As imported from mconnect, whose result has those that answered and no others.
        ConnectResult all = Connect("all", [100, 100, 100, 100]) with { Context = null }, dead = Connect("dead", [130, 130, 140]) with { Context = null };

        Assert.All([ComparisonAnalysis.Compare(all, dead), ComparisonAnalysis.Compare(dead, all)], c =>
        {
            Assert.Equal((4, true, DifferentSpread), (c.Spread!.Matched, c.Spread.SharesDiffer, c.Verdict));
            Assert.Empty(c.Spread.ReferenceOnly.Concat(c.Spread.ResultOnly));
        });
    }

    [Fact]
    public void With_other_names_only_the_widths_are_compared()
    {
        ConnectResult one = Connect("one", Enumerable.Repeat(100L, 50)), other = Connect("other", Spreads.Draw(new Random(81), 5_000, 50));
        other = other with { Endpoints = [.. other.Endpoints.Select(e => e with { Name = $"pod-{e.Name}" })] };

        ResultComparison c = ComparisonAnalysis.Compare(one, other);

        Assert.Equal((0, null, true, DifferentSpread), (c.Spread!.Matched, c.Spread.SharesDiffer, c.Spread.WidthDiffers, c.Verdict));
        Assert.Null(c.Spread.DetectableOverweight);
        Assert.Contains("only the widths were compared", c.Explanation, StringComparison.Ordinal);
    }

    [Fact]
    public void Under_session_affinity_sources_are_compared()
    {
        ConnectResult Sticky(string label, int seed) => Connect(label, Enumerable.Repeat(0L, 20)) with
        {
            Context = Lab with { Affinity = true }, Affinity = new AffinityResult(400, 0),
            Endpoints = [.. Spreads.Draw(new Random(seed), 400, 20).Select((sources, i) => new EndpointResult { Name = $"e{i}", Sources = sources, Connections = 50 * sources })],
        };

        ResultComparison c = ComparisonAnalysis.Compare(Sticky("a", 82), Sticky("b", 83));

        Assert.Equal((SameSpread, 400), (c.Verdict, c.Spread!.Balance.Connections));
    }

    [Fact]
    public void Results_that_do_not_tell_are_undetermined()
    {
        ConnectResult good = Connect("good", [10, 10]), none = Connect("none", []), idle = Connect("idle", [0, 0]), alone = Connect("alone", [5]);

        Assert.Equal((Undetermined, null), (ComparisonAnalysis.Compare(good, none).Verdict, ComparisonAnalysis.Compare(good, none).Spread));
        Assert.Equal([Undetermined, Undetermined], new[] { ComparisonAnalysis.Compare(good, idle).Verdict, ComparisonAnalysis.Compare(alone, good).Verdict });
        Assert.Contains("cannot be compared", ComparisonAnalysis.Compare(idle, good).Explanation, StringComparison.Ordinal);
    }

    public static TheoryData<ConnectResult, string> UnlikeOnes => new()
    {
        { Connect("b", [9, 11]) with { Completed = false, Reason = "stopped by the user" }, "b is not complete: stopped by the user." },
        { Connect("b", [9, 11]) with { Protocol = TransportProtocol.Udp }, "a went over TCP, b went over UDP." },
        { Connect("b", [9, 11]) with { Context = Lab with { From = "Pod" } }, "a started from External, b started from Pod." },
        { Connect("b", [9, 11]) with { Context = Lab with { To = "ClusterIP" } }, "a went to LoadBalancer, b went to ClusterIP." },
        { Connect("b", [9, 11]) with { Target = "[fd00::1]:5001" }, "a went over IPv4, b went over IPv6." },
        { Connect("b", [9, 11]) with { Context = Lab with { Ecmp = true } }, "a did not go through ECMP, b went through ECMP." },
        { Connect("b", [9, 11]) with { Context = Lab with { Affinity = true } }, "a had no session affinity, b had session affinity." },
        { Connect("b", [9, 11]) with { Context = null, Target = "10.0.0.9:5001" }, "a went to 10.0.0.1:5001, b went to 10.0.0.9:5001." },
        { Connect("b", [9, 11, 10]), "a had 2 endpoints, b had 3 endpoints." },
    };

    [Theory, MemberData(nameof(UnlikeOnes))]
    public void What_is_unlike_is_said(ConnectResult other, string warning) => Assert.Equal([warning], ComparisonAnalysis.Compare(Connect("a", [10, 10]), other).Warnings.ToArray());

    [Fact]
    public void Another_proxy_mode_or_address_of_another_lab_is_what_one_compares_and_no_warning() => Assert.Empty(
        ComparisonAnalysis.Compare(Connect("a", [10, 10]), Connect("b", [9, 11]) with { Target = "10.0.1.1:5001", Context = Lab with { Cluster = "lab-2", ProxyMode = "Nftables" } }).Warnings);

    [Fact]
    public void Traffic_is_compared_by_each_clients_first_connection_and_by_what_disturbances_cost()
    {
        TrafficResult quick = Crash("quick", back: 5.1), slow = Crash("slow", back: 6.5);

        ResultComparison c = ComparisonAnalysis.Compare(quick, slow);

        // Four clients on each of three endpoints; those of a came to b after its crash, which is not their first connection.
        Assert.Equal((12, 4, 4), (c.Spread!.Balance.Connections, c.Spread.Balance.Minimum, c.Spread.Balance.Maximum));
        Assert.Equal((4, 4), (c.ReferenceDisruption!.LostConnections, c.Disruption!.LostConnections));
        StepComparison step = Assert.Single(c.Steps);
        Assert.Equal((DisturbanceKind.EndpointDown, 4, 4, 4d), (step.Kind, step.ReferenceLost, step.Lost, step.Least));
        Assert.Equal((0.1, 1.5), (step.ReferenceRecovery!.Value.TotalSeconds, step.Recovery!.Value.TotalSeconds));
        Assert.Equal(1.4, Measure(c, "Recovery").Change!.Value, 9);
        Assert.Contains("Disturbed alike, slow lost 4 connections (1.00 times the least), quick 4 connections (1.00 times the least). Recovery: 1.50 s against 0.10 s", c.Explanation, StringComparison.Ordinal);
        Assert.Empty(c.Warnings);
    }

    [Fact]
    public void Traffic_that_was_disturbed_otherwise_is_not_set_side_by_side_step_by_step()
    {
        TrafficResult crash = Crash("crash", back: 5.1), calm = new Story(10, ["a", "b", "c"], Places()).Result() with { Label = "calm" };

        ResultComparison c = ComparisonAnalysis.Compare(crash, calm);

        Assert.Equal(["crash and calm were not disturbed alike, so what that cost cannot be compared."], c.Warnings.ToArray());
        Assert.Empty(c.Steps);
        Assert.DoesNotContain("Disturbed alike", c.Explanation, StringComparison.Ordinal);
        Assert.Equal((4d, 0d), (Measure(c, "Connections lost").Reference, Measure(c, "Connections lost").Result));
    }

    [Fact]
    public void A_connect_and_a_traffic_test_share_their_spreads_only()
    {
        ResultComparison c = ComparisonAnalysis.Compare(Connect("connect", [4, 4, 4]), new Story(10, ["e0", "e1", "e2"], [.. Enumerable.Range(0, 12).Select(i => $"e{i % 3}")]).Result());

        Assert.Equal((3, SameSpread, null), (c.Spread!.Matched, c.Verdict, c.Disruption));
        Assert.Contains("connect is a connect test, story is a traffic test.", c.Warnings);
    }

    [Fact]
    public void The_text_has_a_row_for_each_number_and_keeps_to_its_width()
    {
        ResultComparison c = ComparisonAnalysis.Compare(Crash("quick", back: 5.1), Crash("a label that is longer than any column", back: 6.5));

        Assert.All([60, 80, 100], width => Assert.All(c.ToText(width).Split('\n'), line => Assert.InRange(line.Length, 0, width)));
        Assert.All(c.Measures, measure => Assert.Contains(measure.Name, c.ToText(), StringComparison.Ordinal));
        Assert.Matches("(?m)^Recovery, s +0.100 +1.500 +[+]1.400$", c.ToText());
        Assert.Contains("EndpointDown at 5: 4 (least 4) lost in quick", c.ToText().Replace("\n  ", " ", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    [Fact]
    public void The_json_keeps_everything_also_of_a_spread_without_any_deviation()
    {
        ResultComparison c = ComparisonAnalysis.Compare(Connect("ipvs", Enumerable.Repeat(100L, 10)), Connect("nftables", Spreads.Draw(new Random(84), 1_000, 10)));

        ResultComparison copy = JsonSerializer.Deserialize(JsonSerializer.Serialize(c, ResultJsonContext.Default.ResultComparison), ResultJsonContext.Default.ResultComparison)!;

        Assert.Equal(c.ToText(), copy.ToText());
        Assert.Equal((c.Verdict, c.Spread!.PWider, c.Spread.ReferenceDispersion), (copy.Verdict, copy.Spread!.PWider, 0));
    }

    [Theory]
    [InlineData("", 10_000, "10,000")]
    [InlineData("", 0.999986, "0.99999")]
    [InlineData("", -0.000014, "-0.000014")]
    [InlineData("", 9.213034, "9.213")]
    [InlineData("ms", 0.25, "0.250")]
    [InlineData("1/s", 32154.4, "32,154")]
    public void Numbers_have_the_digits_that_matter(string unit, double value, string text) => Assert.Equal(text, new MeasureComparison("m", unit, value, null).Text(value));

    private static MeasureComparison Measure(ResultComparison c, string name) => Assert.Single(c.Measures, measure => measure.Name == name);

    private static IEnumerable<string> Places() => Enumerable.Range(0, 12).Select(i => "abc"[i % 3].ToString());

    // Endpoint a resets its connections after 5 s; they go to b.
    private static TrafficResult Crash(string label, double back)
    {
        var story = new Story(10, ["a", "b", "c"], Places());
        int[] lost = story.On("a");
        story.Happens(5, DisturbanceKind.EndpointDown, removed: ["a"], broken: ["a"]);
        foreach (int client in lost) story.Move(client, 5.01, back, "b");
        return story.Result() with { Label = label, Target = "10.0.0.1:5003", Context = Lab };
    }

    private static ConnectResult Connect(string label, IEnumerable<long> counts)
    {
        ImmutableArray<EndpointResult> endpoints = [.. counts.Select((count, i) => new EndpointResult { Name = $"e{i}", Connections = count })];
        return new ConnectResult
        {
            Label = label, Completed = true, Target = "10.0.0.1:5001", Requested = endpoints.Sum(e => e.Connections), Connections = endpoints.Sum(e => e.Connections),
            Duration = TimeSpan.FromSeconds(1), Endpoints = endpoints, Context = Lab,
        };
    }
}
