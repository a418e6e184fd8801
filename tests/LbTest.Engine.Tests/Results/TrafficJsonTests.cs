using System.Reflection;
using System.Text.Json;
using LbTest.Engine.Connect;
using LbTest.Engine.Disturbances;
using LbTest.Engine.Results;
using LbTest.Engine.Traffic;

namespace LbTest.Engine.Tests.Results;

/// <summary>Traffic results survive being written and read; broken ones are refused with what is wrong.</summary>
public sealed class TrafficJsonTests
{
    [Fact]
    public void A_full_result_survives_a_round_trip()
    {
        TrafficResult full = SampleResults.FullTraffic, back = Assert.IsType<TrafficResult>(ResultJson.ReadAny(ResultJson.Write(full), "file"));

        Assert.Equivalent(full, back, strict: true);
        Assert.Equal(ResultJson.Write(full), ResultJson.Write(back));
    }

    [Fact]
    public void The_sample_leaves_no_property_at_its_default()
    {
        TrafficResult full = SampleResults.FullTraffic;

        Differs(new TrafficResult(), full, nameof(TrafficResult.Kind), nameof(TrafficResult.SchemaVersion), nameof(TrafficResult.Completed));
        Differs(new TrafficSample(), full.Samples[0]);
        Differs(new TrafficConnection(), full.Connections[0]);
        Differs(new EndpointProgramming { Endpoint = "" }, full.Programming[0]);
        Differs(new DisturbanceEvent { Kind = default, Description = "" }, full.Disturbances[0]);

        static void Differs<T>(T defaults, T sample, params string[] constant) => Assert.All(
            typeof(T).GetProperties().Where(p => !constant.Contains(p.Name)),
            (PropertyInfo property) => Assert.NotEqual(property.GetValue(defaults), property.GetValue(sample)));
    }

    [Fact]
    public void What_is_missing_has_its_default_in_nested_records_too()
    {
        var result = (TrafficResult)ResultJson.ReadAny(
            """{"kind":"traffic","samples":[{"timeSeconds":1},{"timeSeconds":2,"latency":{"count":3}}],"connections":[{"client":1}],"disturbances":[{"kind":"NodeDown","description":"x"}]}""", "file");

        Assert.Equal(("file", 1, ""), (result.Label, result.SchemaVersion, result.Target));
        Assert.Empty(result.Latency.Buckets);
        Assert.All(result.Samples, sample => Assert.Empty(sample.Latency.Buckets));
        Assert.Equal([0, 3], result.Samples.Select(sample => sample.Latency.Count));
        Assert.Equal((1, ""), (result.Connections[0].Client, result.Connections[0].Remote));
        DisturbanceEvent disturbance = Assert.Single(result.Disturbances);
        Assert.Empty(disturbance.Removed.Concat(disturbance.Added).Concat(disturbance.Broken));
    }

    [Fact]
    public void A_connect_result_is_read_by_ReadAny_too() => Assert.Equal(7, Assert.IsType<ConnectResult>(ResultJson.ReadAny(ResultJson.Write(SampleResults.Full))).Failed);

    [Fact]
    public void A_traffic_result_where_a_connect_result_is_needed_is_named_so() => Assert.Contains(
        "This is a traffic result", Assert.Throws<FormatException>(() => ResultJson.Read(ResultJson.Write(SampleResults.FullTraffic))).Message, StringComparison.Ordinal);

    [Fact]
    public void A_newer_version_is_refused_with_the_remedy() => Assert.Contains(
        "Update LbTest", Assert.Throws<FormatException>(() => ResultJson.ReadAny("""{"kind":"traffic","schemaVersion":2}""")).Message, StringComparison.Ordinal);

    [Fact]
    public void A_result_cut_short_anywhere_is_refused()
    {
        string whole = ResultJson.Write(SampleResults.FullTraffic);

        for (int length = 0; length < whole.Length; length += 37)
            Assert.Contains("cut short", Assert.Throws<FormatException>(() => ResultJson.ReadAny(whole[..length])).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\"clients\":-1")]
    [InlineData("\"sent\":-1")]
    [InlineData("\"lostConnections\":-1")]
    [InlineData("\"packetsPerSecond\":\"NaN\"")]
    [InlineData("\"durationSeconds\":-1")]
    [InlineData("\"failures\":[{\"class\":\"Reset\",\"count\":-1,\"example\":\"\"}]")]
    [InlineData("\"samples\":7")]
    [InlineData("\"samples\":null")]
    [InlineData("\"samples\":[null]")]
    [InlineData("\"samples\":[7]")]
    [InlineData("\"samples\":[{\"timeSeconds\":1,\"active\":-1}]")]
    [InlineData("\"samples\":[{\"timeSeconds\":1,\"latency\":null}]")]
    [InlineData("\"samples\":[{\"timeSeconds\":1},{\"timeSeconds\":1}]")]
    [InlineData("\"connections\":7")]
    [InlineData("\"connections\":[null]")]
    [InlineData("\"connections\":[{\"remote\":null}]")]
    [InlineData("\"connections\":[{\"sent\":-1}]")]
    [InlineData("\"connections\":[{\"startedSeconds\":2,\"endedSeconds\":1}]")]
    [InlineData("\"connections\":[{\"startedSeconds\":2,\"connectedSeconds\":1,\"endedSeconds\":3}]")]
    [InlineData("\"connections\":[{\"connectedSeconds\":4,\"endedSeconds\":3}]")]
    [InlineData("\"disturbances\":[null]")]
    [InlineData("\"disturbances\":[{}]")]
    [InlineData("\"disturbances\":[{\"kind\":\"Earthquake\",\"description\":\"\"}]")]
    [InlineData("\"disturbances\":[{\"kind\":\"NodeDown\",\"description\":\"\",\"removed\":[null]}]")]
    [InlineData("\"disturbances\":[{\"kind\":\"NodeDown\",\"description\":\"\",\"ecmpTargetsAfter\":-1}]")]
    [InlineData("\"endpoints\":[null]")]
    [InlineData("\"programming\":[null]")]
    [InlineData("\"programming\":[{}]")]
    public void A_value_of_the_wrong_type_or_size_is_refused(string property) => Assert.Contains(
        "a value of the wrong type", Assert.Throws<FormatException>(() => ResultJson.ReadAny($$"""{"kind":"traffic",{{property}}}""")).Message, StringComparison.Ordinal);

    [Fact]
    public void Plans_progress_and_disturbances_survive_a_round_trip_too()
    {
        var plan = new TrafficPlan
        {
            Target = new(System.Net.IPAddress.IPv6Loopback, 5003), Connections = 7, BytesPerSecond = 1e6, RampUp = TimeSpan.FromSeconds(1.5), Sources = ["10.0.0.7:4000"], Endpoints = [new("a", 0.5, "node")],
        };
        var progress = new TrafficProgress
        {
            Started = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero), Sample = SampleResults.FullTraffic.Samples[0], Ended = [SampleResults.FullTraffic.Connections[0]], Disturbance = SampleResults.FullTraffic.Disturbances[0],
        };
        var disturbance = new Disturbance { Kind = DisturbanceKind.RollingUpdate, At = TimeSpan.FromSeconds(5), MaxSurge = "1", DrainTime = TimeSpan.FromSeconds(2), Name = ["a", "b*"], Percent = 5 };

        Assert.Equivalent(plan with { Target = null! }, Back(plan, ResultJsonContext.Default.TrafficPlan) with { Target = null! }, strict: true);
        Assert.Equal(plan.Target, Back(plan, ResultJsonContext.Default.TrafficPlan).Target);
        Assert.Equivalent(progress, Back(progress, ResultJsonContext.Default.TrafficProgress), strict: true);
        Assert.Equivalent(disturbance, Back(disturbance, ResultJsonContext.Default.Disturbance), strict: true);

        static T Back<T>(T value, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type) => JsonSerializer.Deserialize(JsonSerializer.Serialize(value, type), type)!;
    }
}
