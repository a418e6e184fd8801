using System.Text.Json.Nodes;
using LbTest.Engine.Connect;
using LbTest.Engine.Results;

namespace LbTest.Engine.Tests.Results;

public sealed class SchemaTests
{
    [Fact]
    public void The_published_schema_is_that_of_the_type()
    {
        string path = Checkout.PathOf("schemas/connect-result.schema.json"), schema = ResultJson.Schema();
        bool same = File.Exists(path) && File.ReadAllText(path) == schema;
        if (Environment.GetEnvironmentVariable("LBTEST_WRITE_SCHEMA") == "1") File.WriteAllText(path, schema);

        Assert.True(same, "schemas/connect-result.schema.json is not what ResultJson.Schema() returns. If the type was meant to change, run this test once with "
            + "LBTEST_WRITE_SCHEMA=1, which writes the file, and say in the CHANGELOG what changed.");
    }

    [Fact]
    public void The_schema_describes_every_property_of_a_full_result()
    {
        JsonObject properties = JsonNode.Parse(ResultJson.Schema())!["properties"]!.AsObject();

        Assert.All(JsonNode.Parse(ResultJson.Write(SampleResults.Full))!.AsObject(), property => Assert.Contains(property.Key, properties.Select(p => p.Key)));
        Assert.Equal(typeof(ConnectResult).GetProperties().Length, properties.Count);
        Assert.Equal("number", properties["durationSeconds"]!["type"]!.GetValue<string>());
        Assert.Equal("string", properties["target"]!["type"]!.GetValue<string>());
    }
}
