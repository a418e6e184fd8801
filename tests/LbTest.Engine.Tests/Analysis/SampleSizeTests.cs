using LbTest.Engine.Analysis;

namespace LbTest.Engine.Tests.Analysis;

public sealed class SampleSizeTests
{
    [Theory] // NIST/SEMATECH e-Handbook of Statistical Methods, section 1.3.6.7.4
    [InlineData(1, 0.05, 3.841)]
    [InlineData(10, 0.05, 18.307)]
    [InlineData(10, 0.01, 23.209)]
    [InlineData(50, 0.025, 71.420)]
    [InlineData(100, 0.01, 135.807)]
    [InlineData(100, 0.001, 149.449)]
    public void Critical_values_are_those_of_the_tables(int df, double tail, double value) =>
        Assert.Equal(value, NoncentralChiSquare.CriticalValue(df, tail), 0.0005);

    [Theory] // Cumulative probabilities; the last two calculated with mpmath to 30 digits.
    [InlineData(1, 0.5, 3, 0.8399444269398261)]
    [InlineData(3, 0.5, 3, 0.5350879697078847)]
    [InlineData(2, 1, 3, 0.6206436532195436)]
    [InlineData(3, 5, 3, 0.1500251895581519)]
    [InlineData(99, 400.0 / 9, 138.98678345093813, 0.4248629897235375)]
    [InlineData(999, 2000, 3100, 0.8437553725026832)]
    public void Noncentral_probabilities_are_those_of_the_tables(int df, double noncentrality, double x, double probability) =>
        Assert.Equal(1 - probability, NoncentralChiSquare.UpperTail(x, df, noncentrality), 1e-11);

    [Fact]
    public void Twenty_percent_on_a_tenth_of_100_endpoints_is_found_by_10000_connections_in_57_percent()
    {
        Assert.Equal(44.4, SampleSize.NoncentralityFor(10_000, 0.2, 0.1), 0.05);
        Assert.Equal(0.57, SampleSize.Power(10_000, 100, 0.2), 0.01);
        Assert.InRange(SampleSize.Power(10_000, 100, 0.3), 0.99, 1);
    }

    [Theory]
    [InlineData(2, 0.5)]
    [InlineData(10, 0.05)]
    [InlineData(100, 0.2)]
    [InlineData(1_000, 1)]
    [InlineData(10_000, 9)]
    public void Connections_are_the_fewest_that_find_the_overweight(int endpoints, double overweight)
    {
        long connections = SampleSize.ConnectionsFor(endpoints, overweight);

        Assert.InRange(SampleSize.Power(connections, endpoints, overweight), 0.99, 1);
        Assert.InRange(SampleSize.Power(connections - 1, endpoints, overweight), 0, 0.99);
        Assert.Equal(overweight, SampleSize.DetectableOverweight(connections, endpoints)!.Value, overweight / connections);
    }

    [Fact]
    public void A_tiny_test_detects_no_overweight_surely() => Assert.Null(SampleSize.DetectableOverweight(5, 100));

    [Fact]
    public void Power_of_a_huge_test_is_one_and_of_a_tiny_overweight_half_of_alpha()
    {
        Assert.Equal(1, SampleSize.Power(1_000_000_000_000, 100, 9));
        Assert.Equal(0.005, SampleSize.Power(1, 100, 1e-9), 1e-9);
        Assert.Equal(1, SampleSize.ConnectionsFor(100, 9, power: 0.001));
    }

    [Fact]
    public void The_fraction_is_rounded_to_whole_endpoints_at_least_one_never_all()
    {
        Assert.Equal(SampleSize.Power(100, 2, 0.5, fraction: 0.5), SampleSize.Power(100, 2, 0.5));
        Assert.Equal(SampleSize.Power(100, 3, 0.5, fraction: 0.67), SampleSize.Power(100, 3, 0.5, fraction: 0.99));
    }

    [Theory]
    [InlineData("connections", "1 or more", 0, 100, 0.2, 0.01, 0.1)]
    [InlineData("endpoints", "2 or more", 10, 1, 0.2, 0.01, 0.1)]
    [InlineData("overweight", "at most 9", 10, 100, 9.5, 0.01, 0.1)]
    [InlineData("overweight", "above 0", 10, 100, 0, 0.01, 0.1)]
    [InlineData("alpha", "below 1", 10, 100, 0.2, 1, 0.1)]
    [InlineData("fraction", "above 0", 10, 100, 0.2, 0.01, double.NaN)]
    public void Bad_arguments_are_named_with_the_remedy(
        string parameter, string remedy, long connections, int endpoints, double overweight, double alpha, double fraction)
    {
        var error = Assert.Throws<ArgumentOutOfRangeException>(
            () => SampleSize.Power(connections, endpoints, overweight, alpha, fraction));

        Assert.Equal(parameter, error.ParamName);
        Assert.Contains(remedy, error.Message, StringComparison.Ordinal);
    }
}
