using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Schema;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using LbTest.Engine.Analysis;
using LbTest.Engine.Compare;
using LbTest.Engine.Connect;
using LbTest.Engine.Disturbances;
using LbTest.Engine.Traffic;

namespace LbTest.Engine.Results;

/// <summary>Source-generated JSON metadata of everything the engine reads and writes.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true, WriteIndented = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, RespectNullableAnnotations = true, NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals)]
[JsonSerializable(typeof(ConnectResult))]
[JsonSerializable(typeof(ConnectPlan))]
[JsonSerializable(typeof(Balance))]
[JsonSerializable(typeof(ImmutableArray<FrequencyRow>))]
[JsonSerializable(typeof(ConnectProgress))]
[JsonSerializable(typeof(TrafficResult))]
[JsonSerializable(typeof(TrafficPlan))]
[JsonSerializable(typeof(TrafficProgress))]
[JsonSerializable(typeof(ImmutableArray<ConnectionsRow>))]
[JsonSerializable(typeof(ImmutableArray<ThroughputRow>))]
[JsonSerializable(typeof(ImmutableArray<HostsRow>))]
[JsonSerializable(typeof(ImmutableArray<TrafficSample>))]
[JsonSerializable(typeof(ImmutableArray<TrafficConnection>))]
[JsonSerializable(typeof(Disturbance))]
[JsonSerializable(typeof(ImmutableArray<Disturbance>))]
[JsonSerializable(typeof(DisturbanceEvent))]
[JsonSerializable(typeof(Disruption))]
[JsonSerializable(typeof(ResultComparison))]
public sealed partial class ResultJsonContext : JsonSerializerContext;

/// <summary>Results as JSON: LbTest's own schemas, and those of the public tools <c>mconnect</c> and <c>ctraffic</c>.</summary>
public static class ResultJson
{
    /// <summary>Writes a result in LbTest's schema, indented.</summary>
    /// <exception cref="ArgumentException">It is no kind of result that has a schema.</exception>
    public static string Write(ITestResult result) => result switch
    {
        ConnectResult connect => JsonSerializer.Serialize(connect, ResultJsonContext.Default.ConnectResult),
        TrafficResult traffic => JsonSerializer.Serialize(traffic, ResultJsonContext.Default.TrafficResult),
        _ => throw NoSchema(result),
    };

    /// <summary>The same into a stream, UTF-8, piece by piece: a result with many connections is megabytes of text.</summary>
    /// <exception cref="ArgumentException">It is no kind of result that has a schema.</exception>
    public static void Write(Stream output, ITestResult result)
    {
        switch (result)
        {
            case ConnectResult connect:
                JsonSerializer.Serialize(output, connect, ResultJsonContext.Default.ConnectResult);
                break;
            case TrafficResult traffic:
                JsonSerializer.Serialize(output, traffic, ResultJsonContext.Default.TrafficResult);
                break;
            default:
                throw NoSchema(result);
        }
    }

    /// <summary>Reads a connect result, LbTest's or mconnect's.</summary>
    /// <param name="json">The text of one JSON document.</param>
    /// <param name="label">The label of a result that has none, usually the file's name; null leaves it without.</param>
    /// <exception cref="FormatException">It is truncated, no JSON, or no connect result; the message says which and what to do.</exception>
    public static ConnectResult Read(string json, string? label = null) => ReadAny(json, label) as ConnectResult
        ?? throw new FormatException("This is a traffic result, where a connect result is needed. Give the result of a connect test.");

    /// <summary>Reads a result of any kind, whichever of the four schemas it has.</summary>
    /// <param name="json">The text of one JSON document.</param>
    /// <param name="label">The label of a result that has none, usually the file's name; null leaves it without.</param>
    /// <exception cref="FormatException">It is truncated, no JSON, or no kind of result; the message says which and what to do.</exception>
    public static ITestResult ReadAny(string json, string? label = null)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(json);
            JsonElement root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object) throw Foreign();
            ITestResult result = MconnectJson.IsMconnect(root) ? MconnectJson.Read(root)
                : CtrafficJson.IsCtraffic(root) ? CtrafficJson.Read(root)
                : root.TryGetProperty("kind", out JsonElement kind) && kind.ValueKind == JsonValueKind.String
                    ? kind.GetString() switch
                    {
                        ConnectResult.ResultKind => Own(root, new ConnectResult(), ResultJsonContext.Default.ConnectResult),
                        TrafficResult.ResultKind => Own(root, new TrafficResult(), ResultJsonContext.Default.TrafficResult),
                        _ => throw Foreign(),
                    }
                    : throw Foreign();
            if (result.SchemaVersion != 1)
            {
                throw new FormatException($"The result has schema version {result.SchemaVersion}, which is newer than this version of LbTest knows. Update LbTest.");
            }

            ResultCheck.Require(result);
            return result switch
            {
                ConnectResult { Label: null } connect => connect with { Label = label },
                TrafficResult { Label: null } traffic => traffic with { Label = label },
                _ => result,
            };
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or OverflowException)
        {
            throw new FormatException($"Not a whole JSON document, or a value of the wrong type: {exception.Message} If the file was cut short, export it again.", exception);
        }
    }

    /// <summary>The JSON schema (draft 2020-12) of a kind of result, generated from the type itself.</summary>
    /// <param name="kind"><see cref="ConnectResult.ResultKind"/> or <see cref="TrafficResult.ResultKind"/>.</param>
    public static string Schema(string kind = ConnectResult.ResultKind)
    {
        JsonTypeInfo type = kind == TrafficResult.ResultKind ? ResultJsonContext.Default.TrafficResult : ResultJsonContext.Default.ConnectResult;
        JsonNode schema = type.Options.GetJsonSchemaAsNode(type.Type, new JsonSchemaExporterOptions
        {
            TreatNullObliviousAsNonNullable = true,
            TransformSchemaNode = static (context, node) => Seconds(context, node),
        });
        if (schema is JsonObject top)
        {
            top.Insert(0, "$schema", "https://json-schema.org/draft/2020-12/schema");
            top.Insert(1, "title", $"LbTest {kind} result, version 1");
        }

        return schema.ToJsonString(new JsonSerializerOptions { WriteIndented = true }) + "\n";
    }

    private static ArgumentException NoSchema(ITestResult? result) => new($"There is no schema for {result?.GetType().Name ?? "nothing"}.", nameof(result));

    private static T Own<T>(JsonElement given, T defaults, JsonTypeInfo<T> type) where T : class
    {
        JsonObject whole = JsonSerializer.SerializeToNode(defaults, type)!.AsObject();
        Overlay(whole, given);
        return whole.Deserialize(type) ?? throw Foreign();
    }

    // Generated code sets init-only properties that the JSON lacks to null or 0 instead of leaving their defaults alone.
    private static void Overlay(JsonObject target, JsonElement source)
    {
        foreach (JsonProperty property in source.EnumerateObject())
        {
            target[property.Name] = property.Value.ValueKind switch
            {
                JsonValueKind.Object when target[property.Name] is JsonObject known => Overlaid(known, property.Value),
                JsonValueKind.Array when ItemDefaults(property.Name) is { } item && property.Value.EnumerateArray().Any(e => Lacks(e, item)) =>
                    new JsonArray([.. property.Value.EnumerateArray().Select(e => e.ValueKind == JsonValueKind.Object ? Overlaid(item, e) : JsonNode.Parse(e.GetRawText()))]),
                _ => JsonNode.Parse(property.Value.GetRawText()),
            };
        }
    }

    private static JsonObject Overlaid(JsonObject defaults, JsonElement given)
    {
        JsonObject target = defaults.DeepClone().AsObject();
        Overlay(target, given);
        return target;
    }

    // The records in lists whose defaults are not null or 0; no list of another kind of result has one of these names.
    private static JsonObject? ItemDefaults(string list) => list switch
    {
        "samples" => JsonSerializer.SerializeToNode(new TrafficSample(), ResultJsonContext.Default.TrafficSample)!.AsObject(),
        "connections" => JsonSerializer.SerializeToNode(new TrafficConnection(), ResultJsonContext.Default.TrafficConnection)!.AsObject(),
        "entries" => JsonSerializer.SerializeToNode(new ConnectResult(), ResultJsonContext.Default.ConnectResult)!.AsObject(),
        "disturbances" => new JsonObject { ["removed"] = new JsonArray(), ["added"] = new JsonArray(), ["broken"] = new JsonArray() },
        _ => null,
    };

    // What LbTest wrote itself is whole, and may be large.
    private static bool Lacks(JsonElement item, JsonObject defaults) => item.ValueKind == JsonValueKind.Object
        && defaults.Any(d => !item.TryGetProperty(d.Key, out JsonElement value) || (d.Value is JsonObject inner && Lacks(value, inner)));

    // Time spans have a converter of their own, which the exporter cannot look into.
    private static JsonNode Seconds(JsonSchemaExporterContext context, JsonNode node) =>
        context.TypeInfo.Type == typeof(TimeSpan) ? new JsonObject { ["type"] = "number", ["description"] = "seconds" }
        : context.TypeInfo.Type == typeof(TimeSpan?) ? new JsonObject { ["type"] = new JsonArray("number", "null"), ["description"] = "seconds" }
        : node;

    private static FormatException Foreign() => new(
        "This is JSON, but neither a connect result of LbTest (it would have \"kind\": \"connect\"), nor a traffic result of LbTest (\"kind\": \"traffic\"), "
        + "nor a result of mconnect (\"hosts\" and \"connects\"), nor one of ctraffic (\"PacketSize\" and \"FailedConnections\").");
}
