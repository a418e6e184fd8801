using System.Collections;
using System.Collections.Immutable;
using System.Text.Json.Nodes;
using LbTest.Engine.Connect;
using LbTest.Engine.Latency;
using LbTest.Engine.Results;

namespace LbTest.Engine.Tests.Results;

/// <summary>Results survive being written and read; anything that is not a result is refused with what it is and what to do.</summary>
public sealed class ResultJsonTests
{
    private const string OneEndpoint = """{"kind":"connect","schemaVersion":1,"requested":1,"connections":1,"completed":true,"endpoints":[{"name":"a","connections":1}]}""";

    [Fact]
    public void Every_property_survives_a_round_trip()
    {
        ConnectResult full = SampleResults.Full, back = ResultJson.Read(ResultJson.Write(full));

        foreach (var property in typeof(ConnectResult).GetProperties())
        {
            object? before = property.GetValue(full), after = property.GetValue(back);
            if (property.Name == nameof(ConnectResult.Latency)) AssertSame((LatencySummary)before!, (LatencySummary)after!);
            else if (before is ImmutableArray<ConnectResult> entries) Assert.Equivalent(entries, after, strict: true);
            else if (before is IEnumerable sequence) Assert.Equal(sequence.Cast<object>(), ((IEnumerable)after!).Cast<object>());
            else Assert.Equal(before, after);
        }
    }

    [Fact]
    public void The_sample_leaves_no_property_at_its_default()
    {
        var defaults = new ConnectResult();
        string[] constant = [nameof(ConnectResult.Kind), nameof(ConnectResult.SchemaVersion), nameof(ConnectResult.Completed)];

        foreach (var property in typeof(ConnectResult).GetProperties().Where(p => !constant.Contains(p.Name)))
            Assert.NotEqual(property.GetValue(defaults), property.GetValue(SampleResults.Full));
    }

    [Fact]
    public void Names_are_camel_case_and_times_are_seconds()
    {
        JsonNode json = JsonNode.Parse(ResultJson.Write(SampleResults.Full))!;

        Assert.Equal("connect", json["kind"]!.GetValue<string>());
        Assert.Equal(1.2345678, json["durationSeconds"]!.GetValue<double>());
        Assert.Equal("Reset", json["failures"]![0]!["class"]!.GetValue<string>());
        Assert.Equal(0.00617245, json["latency"]!["p50Seconds"]!.GetValue<double>(), 0.0001);
    }

    [Fact]
    public void What_is_missing_in_the_result_of_a_place_has_its_default_too()
    {
        ConnectResult entry = Assert.Single(ResultJson.Read("""{"kind":"connect","schemaVersion":1,"entries":[{"label":"node-1","requested":1}]}""").Entries);

        Assert.Equal(("node-1", 1L, ""), (entry.Label, entry.Requested, entry.Target));
        Assert.Empty(entry.Endpoints);
        Assert.Empty(entry.Latency.Buckets);
    }

    [Theory]
    [InlineData("[null]")]
    [InlineData("[{\"endpoints\":[{\"name\":\"a\",\"connections\":-1}]}]")]
    [InlineData("[{\"entries\":[{\"label\":\"x\"}]}]")]
    public void The_result_of_a_place_that_is_none_is_refused(string entries) =>
        Assert.Throws<FormatException>(() => ResultJson.Read($$"""{"kind":"connect","schemaVersion":1,"entries":{{entries}}}"""));

    [Fact]
    public void What_is_missing_has_its_default()
    {
        ConnectResult result = ResultJson.Read(OneEndpoint);

        Assert.Equal(1, Assert.Single(result.Endpoints).Connections);
        Assert.Empty(result.Failures);
        Assert.Empty(result.Warnings);
        Assert.Empty(result.Latency.Buckets);
        Assert.Equal("", result.Target);
        Assert.Equal(1, result.SchemaVersion);
    }

    [Fact]
    public void A_version_that_is_not_given_is_the_first() =>
        Assert.Equal(1, ResultJson.Read(OneEndpoint.Replace("\"schemaVersion\":1,", "", StringComparison.Ordinal)).SchemaVersion);

    [Fact]
    public void A_label_is_given_only_to_a_result_that_has_none()
    {
        Assert.Equal("file", ResultJson.Read(OneEndpoint, "file").Label);
        Assert.Equal(SampleResults.Full.Label, ResultJson.Read(ResultJson.Write(SampleResults.Full), "file").Label);
    }

    [Fact]
    public void A_newer_version_is_refused_with_the_remedy()
    {
        FormatException exception = Assert.Throws<FormatException>(() => ResultJson.Read(OneEndpoint.Replace("n\":1,\"requested", "n\":2,\"requested", StringComparison.Ordinal)));

        Assert.Contains("schema version 2", exception.Message, StringComparison.Ordinal);
        Assert.Contains("Update LbTest", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_result_cut_short_anywhere_is_refused()
    {
        string whole = ResultJson.Write(SampleResults.Full);

        for (int length = 0; length < whole.Length; length += 37)
            Assert.Contains("cut short", Assert.Throws<FormatException>(() => ResultJson.Read(whole[..length])).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("[]"), InlineData("1"), InlineData("null"), InlineData("\"hosts\""), InlineData("{}"), InlineData("""{"hosts":{}}""")]
    [InlineData("""{"kind":"race"}"""), InlineData("""{"kind":7}""")]
    public void JSON_of_something_else_is_called_foreign(string json)
    {
        string message = Assert.Throws<FormatException>(() => ResultJson.ReadAny(json)).Message;

        Assert.Contains("neither a connect result of LbTest", message, StringComparison.Ordinal);
        Assert.All(["\"kind\": \"connect\"", "\"kind\": \"traffic\"", "mconnect", "ctraffic"], kind => Assert.Contains(kind, message, StringComparison.Ordinal));
        Assert.Equal(message, Assert.Throws<FormatException>(() => ResultJson.Read(json)).Message);
    }

    [Theory]
    [InlineData("""{"kind":"connect","requested":"many"}""")]
    [InlineData("""{"kind":"connect","requested":1.5}""")]
    [InlineData("""{"kind":"connect","kind":"connect","endpoints":7}""")]
    [InlineData("""{"kind":"connect","durationSeconds":1e300}""")]
    [InlineData("""{"kind":"connect","protocol":"Sctp"}""")]
    [InlineData("""{"kind":"connect","started":"yesterday"}""")]
    [InlineData("""{"kind":"connect","target":null}""")]
    [InlineData("""{"kind":"connect","latency":null}""")]
    [InlineData("""{"kind":"connect","endpoints":null}""")]
    [InlineData("""{"kind":"connect","endpoints":[null]}""")]
    [InlineData("""{"kind":"connect","endpoints":[{}]}""")]
    [InlineData("""{"kind":"connect","endpoints":[{"name":null}]}""")]
    [InlineData("""{"kind":"connect","endpoints":[{"name":"a","connections":-1}]}""")]
    [InlineData("""{"kind":"connect","failures":[{"class":"Reset","count":-1,"example":""}]}""")]
    [InlineData("""{"hosts":[],"connects":1}""")]
    [InlineData("""{"hosts":{"a":"1"},"connects":1}""")]
    [InlineData("""{"hosts":{"a":1.5},"connects":1}""")]
    [InlineData("""{"hosts":{"a":-1},"connects":1}""")]
    [InlineData("""{"hosts":{"a":9223372036854775807,"b":1},"connects":1}""")]
    [InlineData("""{"hosts":{"a":1},"connects":"1"}""")]
    [InlineData("""{"hosts":{"a":1},"connects":1,"start_time":"yesterday"}""")]
    [InlineData("""{"hosts":{"a":1},"connects":1,"start_time":5}""")]
    public void A_value_of_the_wrong_type_or_size_is_refused(string json) =>
        Assert.Contains("a value of the wrong type", Assert.Throws<FormatException>(() => ResultJson.Read(json)).Message, StringComparison.Ordinal);

    [Fact]
    public void A_plan_survives_a_round_trip_too()
    {
        var plan = new ConnectPlan { Target = new(System.Net.IPAddress.IPv6Loopback, 5001), Count = 7, Timeout = TimeSpan.FromSeconds(1.5), Endpoints = [new("a", 0.5, "node")] };

        string json = System.Text.Json.JsonSerializer.Serialize(plan, ResultJsonContext.Default.ConnectPlan);
        ConnectPlan back = System.Text.Json.JsonSerializer.Deserialize(json, ResultJsonContext.Default.ConnectPlan)!;

        Assert.Equal(plan with { Endpoints = [] }, back with { Endpoints = [] });
        Assert.Equal(plan.Endpoints.ToArray(), back.Endpoints.ToArray());
        Assert.Equal(64, back.Concurrency);
    }

    private static void AssertSame(LatencySummary expected, LatencySummary actual)
    {
        Assert.Equal(expected with { Buckets = [] }, actual with { Buckets = [] });
        Assert.Equal(expected.Buckets.ToArray(), actual.Buckets.ToArray());
    }
}
