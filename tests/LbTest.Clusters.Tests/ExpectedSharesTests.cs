namespace LbTest.Clusters.Tests;

/// <summary>The shares that come of nodes which each choose among some of the endpoints.</summary>
public sealed class ExpectedSharesTests
{
    private static readonly (string Name, string? Node)[] All = [("a", "node-1"), ("b", "node-1"), ("c", "node-2")];

    [Fact]
    public void Nodes_that_may_choose_all_give_equal_shares() => Assert.Equal(new double?[] { null, null, null }, Shares(["a", "b", "c"], ["a", "b", "c"]));

    [Fact]
    public void Each_node_has_the_same_part_whatever_it_holds() => Assert.Equal([0.25, 0.25, 0.5], Shares(["a", "b"], ["c"]));

    [Fact]
    public void A_node_without_any_lets_nothing_through_and_has_no_part() => Assert.Equal([0.25, 0.25, 0.5], Shares(["a", "b"], [], ["c"], []));

    [Fact]
    public void Nodes_with_all_and_nodes_with_some_add_up() => Assert.Equal("0.1667 0.1667 0.6667", string.Join(" ", Shares(["a", "b", "c"], ["c"]).Select(share => share!.Value.ToString("0.0000", System.Globalization.CultureInfo.InvariantCulture))));

    [Fact]
    public void Where_nothing_gets_through_nobody_has_more_than_another() => Assert.Equal(new double?[] { null, null, null }, Shares([], []));

    [Fact]
    public void Names_and_nodes_stay_in_their_order() =>
        Assert.Equal([("a", "node-1"), ("b", "node-1"), ("c", "node-2")], ExpectedShares.Of(All, [["c"]]).Select(one => (one.Name, one.Node!)));

    private static IEnumerable<double?> Shares(params string[][] choices) => ExpectedShares.Of(All, choices).Select(one => one.Share);
}
