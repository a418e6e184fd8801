using System.Collections.Immutable;
using LbTest.Engine.Disturbances;
using LbTest.Engine.Traffic;

namespace LbTest.Engine.Tests.Disturbances;

/// <summary>Network programming latency: when endpoints came and went beside when connections were made to them.</summary>
public sealed class EndpointProgrammingTests
{
    [Fact]
    public void From_ready_to_the_first_connection()
    {
        EndpointProgramming one = Of([("new", 5.0, null)], ("new", 5.8), ("new", 5.3), ("old", 5.1)).Single();

        Assert.Equal((Seconds(5), Seconds(5.3), Seconds(0.3)), (one.Ready, one.FirstConnection, one.ComingLatency));
        Assert.Equal((null, null, null), (one.Gone, one.LastConnection, one.GoingLatency));
    }

    [Fact]
    public void From_gone_to_the_last_connection_that_still_went_there()
    {
        EndpointProgramming one = Of([("old", null, 8.0)], ("old", 1.0), ("old", 8.1), ("old", 8.4), ("new", 9.0)).Single();

        Assert.Equal((Seconds(8), Seconds(8.4), Seconds(0.4)), (one.Gone, one.LastConnection, one.GoingLatency));
        // It was there before the test: nobody saw it come.
        Assert.Equal((null, null, null), (one.Ready, one.FirstConnection, one.ComingLatency));
    }

    [Fact]
    public void Without_a_connection_in_time_there_is_no_latency()
    {
        ImmutableArray<EndpointProgramming> all = Of([("new", 5.0, null), ("old", null, 8.0)], ("old", 7.9));

        Assert.All(all, one => Assert.Equal((null, null), (one.ComingLatency, one.GoingLatency)));
        Assert.Equal([Seconds(5), null], all.Select(one => one.Ready));
    }

    [Fact]
    public void One_that_came_and_went_has_both()
    {
        EndpointProgramming one = Of([("x", 2.0, 6.0)], ("x", 2.5), ("x", 5.0), ("x", 6.25)).Single();

        Assert.Equal((Seconds(0.5), Seconds(0.25)), (one.ComingLatency, one.GoingLatency));
    }

    [Fact]
    public void One_that_comes_back_counts_from_its_return_and_not_from_before() =>
        Assert.Equal(Seconds(0.2), Of([("x", 6.0, null)], ("x", 0.1), ("x", 6.2)).Single().ComingLatency);

    [Fact]
    public void Attempts_that_failed_reached_nobody()
    {
        TrafficConnection[] connections = [new() { Endpoint = null, Started = Seconds(5.1) }, new() { Endpoint = "new", Started = Seconds(5.2), Connected = null }];

        Assert.Null(EndpointProgramming.Of([("new", Seconds(5), null)], connections).Single().FirstConnection);
    }

    [Fact]
    public void They_are_in_the_order_of_time() =>
        Assert.Equal(["c", "a", "b"], Of([("b", 5.0, null), ("a", 5.0, 9.0), ("c", null, 1.0)]).Select(one => one.Endpoint));

    private static ImmutableArray<EndpointProgramming> Of((string Name, double? Ready, double? Gone)[] changes, params (string Name, double Connected)[] connections) => EndpointProgramming.Of(
        changes.Select(one => (one.Name, one.Ready is { } ready ? Seconds(ready) : (TimeSpan?)null, one.Gone is { } gone ? Seconds(gone) : (TimeSpan?)null)),
        connections.Select(one => new TrafficConnection { Endpoint = one.Name, Connected = Seconds(one.Connected) }));

    private static TimeSpan Seconds(double value) => TimeSpan.FromSeconds(value);
}
