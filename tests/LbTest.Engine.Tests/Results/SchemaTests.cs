using System.Text.Json.Nodes;
using LbTest.Engine.Connect;
using LbTest.Engine.Results;
using LbTest.Engine.Traffic;

namespace LbTest.Engine.Tests.Results;

public sealed class SchemaTests
{
    public static TheoryData<string> Kinds => [ConnectResult.ResultKind, TrafficResult.ResultKind];

    [Theory, MemberData(nameof(Kinds))]
    public void The_published_schema_is_that_of_the_type(string kind)
    {
        string path = Checkout.PathOf($"schemas/{kind}-result.schema.json"), schema = ResultJson.Schema(kind);
        bool same = File.Exists(path) && File.ReadAllText(path) == schema;
        if (Environment.GetEnvironmentVariable("LBTEST_WRITE_SCHEMA") == "1") File.WriteAllText(path, schema);

        Assert.True(same, $"schemas/{kind}-result.schema.json is not what ResultJson.Schema() returns. If the type was meant to change, run this test once with "
            + "LBTEST_WRITE_SCHEMA=1, which writes the file, and say in the CHANGELOG what changed.");
    }

    [Theory, MemberData(nameof(Kinds))]
    public void The_schema_describes_every_property_of_a_full_result(string kind)
    {
        JsonObject properties = JsonNode.Parse(ResultJson.Schema(kind))!["properties"]!.AsObject();
        ITestResult full = kind == TrafficResult.ResultKind ? SampleResults.FullTraffic : SampleResults.Full;

        Assert.All(JsonNode.Parse(ResultJson.Write(full))!.AsObject(), property => Assert.Contains(property.Key, properties.Select(p => p.Key)));
        Assert.Equal(full.GetType().GetProperties().Length, properties.Count);
        Assert.Equal("number", properties["durationSeconds"]!["type"]!.GetValue<string>());
        Assert.Equal("string", properties["target"]!["type"]!.GetValue<string>());
    }

    [Fact]
    public void A_time_that_may_be_missing_is_a_number_or_null()
    {
        JsonNode connection = JsonNode.Parse(ResultJson.Schema(TrafficResult.ResultKind))!["properties"]!["connections"]!["items"]!["properties"]!;

        Assert.Equal(["number", "null"], connection["connectedSeconds"]!["type"]!.AsArray().Select(type => type!.GetValue<string>()));
        Assert.Equal("number", connection["endedSeconds"]!["type"]!.GetValue<string>());
    }
}
