using LbTest.Engine.Analysis;
using LbTest.Engine.Connect;
using LbTest.Engine.Latency;

namespace LbTest.Engine.Tests.Connect;

/// <summary>One result of what several places measured at the same time: nothing is lost, nothing counts twice, nothing is rounded.</summary>
public sealed class ConnectMergeTests
{
    private static readonly DateTimeOffset Noon = new(2026, 1, 2, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Counts_add_up_and_the_sum_still_holds()
    {
        ConnectResult merged = Merge(
            Entry("node-1", 100, ("a", 60), ("b", 30)) with { Failed = 6, Unfinished = 4, SynRetransmits = 3 },
            Entry("node-2", 50, ("a", 20), ("b", 28)) with { Failed = 2, SynRetransmits = 1 });

        Assert.Equal((150, 138, 8, 4, 4), (merged.Requested, merged.Connections, merged.Failed, merged.Unfinished, merged.SynRetransmits));
        Assert.Equal(merged.Requested, merged.Connections + merged.Failed + merged.Unfinished);
        Assert.Equal([("a", 80L), ("b", 58L)], merged.Endpoints.Select(one => (one.Name, one.Connections)));
        Assert.Equal(["node-1", "node-2"], merged.Entries.Select(one => one.Label!));
    }

    [Fact]
    public void An_endpoint_that_one_place_never_met_is_there_and_one_that_nobody_listed_comes_last()
    {
        ConnectResult first = Entry("node-1", 10, ("a", 10), ("b", 0)), second = Entry("node-2", 10, ("a", 9), ("b", 0));
        second = second with { Endpoints = [.. second.Endpoints, new EndpointResult { Name = "stranger", Connections = 1, Unexpected = true }] };

        Assert.Equal([("a", 19L, false), ("b", 0L, false), ("stranger", 1L, true)], Merge(second, first).Endpoints.Select(one => (one.Name, one.Connections, one.Unexpected)));
    }

    [Fact]
    public void Histograms_merge_exactly()
    {
        var random = new Random(7);
        long[] all = [.. Enumerable.Range(0, 3000).Select(_ => random.NextInt64(1_000, 50_000_000))];
        var whole = new Histogram();
        foreach (long one in all) whole.Record(one);

        LatencySummary merged = Merge([.. all.Chunk(1000).Select((part, i) => Entry($"node-{i}", 1000, ("a", 1000)) with { Latency = Latency(part) })]).Latency, direct = LatencySummary.From(whole);

        Assert.Equal(direct.Buckets.AsEnumerable(), merged.Buckets);
        Assert.Equal((direct.Count, direct.P50, direct.P99, direct.P999, direct.Maximum), (merged.Count, merged.P50, merged.P99, merged.P999, merged.Maximum));
        // The means of the parts are whole ticks.
        Assert.Equal(direct.Mean.Ticks, merged.Mean.Ticks, tolerance: 1.0);
    }

    [Fact]
    public void A_place_without_a_connection_changes_no_latency()
    {
        ConnectResult one = Entry("node-1", 3, ("a", 3)) with { Latency = Latency([10_000, 20_000, 30_000]) }, none = Entry("node-2", 3, ("a", 0)) with { Failed = 3 };

        Assert.Equal(one.Latency.Buckets.AsEnumerable(), Merge(none, one).Latency.Buckets);
        Assert.Equal(LatencySummary.Empty.Count, Merge(none, none).Latency.Count);
    }

    [Fact]
    public void Equal_shares_stay_equal() => Assert.All(Merge(Entry("node-1", 60, ("a", 30), ("b", 30)), Entry("node-2", 40, ("a", 20), ("b", 20))).Endpoints, one => Assert.Null(one.ExpectedShare));

    [Fact]
    public void The_shares_of_a_place_count_by_its_part_of_the_connections()
    {
        // Policy Local: node-1 keeps to a and b, node-2 to c; node-3 may choose among all.
        ConnectResult merged = Merge(
            Shared(Entry("node-1", 100, ("a", 50), ("b", 50), ("c", 0)), 0.5, 0.5, 0),
            Shared(Entry("node-2", 300, ("a", 0), ("b", 0), ("c", 300)), 0, 0, 1),
            Entry("node-3", 600, ("a", 200), ("b", 200), ("c", 200)));

        Assert.Equal([0.25, 0.25, 0.5], merged.Endpoints.Select(one => Math.Round(one.ExpectedShare!.Value, 12)));
        Assert.Equal(1.0, merged.Endpoints.Sum(one => one.ExpectedShare!.Value), 12);
        Assert.NotEqual(Verdict.Uneven, ConnectAnalysis.Measure(merged).Verdict);
        // Without the weights the same spread is far from even.
        Assert.Equal(Verdict.Uneven, BalanceAnalysis.Measure(ConnectAnalysis.Counts(merged)).Verdict);
    }

    [Fact]
    public void A_strangers_share_is_none_of_the_expected_ones()
    {
        ConnectResult entry = Shared(Entry("node-1", 10, ("a", 9)), 1);
        ConnectResult merged = Merge(entry with { Connections = 10, Endpoints = [.. entry.Endpoints, new EndpointResult { Name = "x", Connections = 1, Unexpected = true }] }, Entry("node-2", 10, ("a", 10)));

        Assert.Equal([1.0, 0.0], merged.Endpoints.Select(one => one.ExpectedShare!.Value));
    }

    [Fact]
    public void It_lasts_from_the_first_start_to_the_last_end()
    {
        ConnectResult merged = Merge(Entry("node-1", 1, ("a", 1)) with { Started = Noon.AddSeconds(1), Duration = TimeSpan.FromSeconds(5) }, Entry("node-2", 1, ("a", 1)) with { Started = Noon, Duration = TimeSpan.FromSeconds(2) });

        Assert.Equal((Noon, TimeSpan.FromSeconds(6)), (merged.Started, merged.Duration));
    }

    [Fact]
    public void It_is_complete_only_when_all_are_and_says_who_is_not()
    {
        ConnectResult done = Entry("node-1", 1, ("a", 1)), stopped = Entry("node-2", 2, ("a", 1)) with { Unfinished = 1, Completed = false, Reason = "the agent is gone" };

        Assert.Equal((true, null), (Merge(done, done).Completed, Merge(done, done).Reason));
        Assert.Equal((false, "node-2: the agent is gone"), (Merge(done, stopped).Completed, Merge(done, stopped).Reason));
    }

    [Fact]
    public void Failures_add_up_by_class_and_warnings_are_said_once()
    {
        ConnectResult one = Entry("node-1", 4, ("a", 1)) with { Failed = 3, Failures = [new(FailureClass.Reset, 2, "reset by peer"), new(FailureClass.Refused, 1, "refused")], Warnings = ["Few ports."] };
        ConnectResult other = Entry("node-2", 5, ("a", 1)) with { Failed = 4, Failures = [new(FailureClass.Reset, 4, "reset")], Warnings = ["Few ports.", "Slow."] };

        Assert.Equal([new FailureCount(FailureClass.Reset, 6, "reset by peer"), new FailureCount(FailureClass.Refused, 1, "refused")], Merge(one, other).Failures.AsEnumerable());
        Assert.Equal(["Few ports.", "Slow."], Merge(one, other).Warnings.AsEnumerable());
    }

    [Fact]
    public void Affinity_is_that_of_all_sources_and_unknown_where_nobody_tracked_them()
    {
        ConnectResult tracked = Entry("node-1", 10, ("a", 10)) with { Affinity = new AffinityResult(4, 1) };
        tracked = tracked with { Endpoints = [tracked.Endpoints[0] with { Sources = 4 }] };

        Assert.Equal((new AffinityResult(8, 2), 8L), (Merge(tracked, tracked).Affinity, Merge(tracked, tracked).Endpoints[0].Sources));
        Assert.Equal((null, null), (Merge(Entry("n", 1, ("a", 1))).Affinity, Merge(Entry("n", 1, ("a", 1))).Endpoints[0].Sources));
    }

    [Fact]
    public void Label_context_and_targets_are_those_of_the_whole()
    {
        var context = new TestContext("kind/lbtest", "Iptables", "ClientPod node-1, node-2", "NodePort");
        ConnectResult merged = ConnectMerge.Of([Entry("node-1", 1, ("a", 1)) with { Target = "172.30.0.11:30001" }, Entry("node-2", 1, ("a", 1)) with { Target = "172.30.0.12:30001" }], "iptables", context);

        Assert.Equal(("iptables", context, "172.30.0.11:30001, 172.30.0.12:30001"), (merged.Label, merged.Context, merged.Target));
    }

    [Fact]
    public void There_has_to_be_something() => Assert.Throws<ArgumentException>(() => Merge());

    private static ConnectResult Merge(params ConnectResult[] entries) => ConnectMerge.Of(entries, "all", null);

    private static ConnectResult Entry(string label, long requested, params (string Name, long Connections)[] endpoints) => new()
    {
        Label = label, Started = Noon, Duration = TimeSpan.FromSeconds(1), Completed = true, Target = "10.96.0.7:5001", Requested = requested, Connections = endpoints.Sum(one => one.Connections),
        Endpoints = [.. endpoints.Select(one => new EndpointResult { Name = one.Name, Connections = one.Connections })],
    };

    private static ConnectResult Shared(ConnectResult entry, params double[] shares) => entry with { Endpoints = [.. entry.Endpoints.Select((one, i) => one with { ExpectedShare = shares[i] })] };

    private static LatencySummary Latency(long[] nanoseconds)
    {
        var histogram = new Histogram();
        foreach (long one in nanoseconds) histogram.Record(one);
        return LatencySummary.From(histogram);
    }
}
