using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Schema;
using System.Text.Json.Serialization;
using LbTest.Engine.Analysis;
using LbTest.Engine.Connect;

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
public sealed partial class ResultJsonContext : JsonSerializerContext;

/// <summary>Results as JSON: LbTest's own schema, and that of the public <c>mconnect</c> tool.</summary>
public static class ResultJson
{
    /// <summary>Writes a result in LbTest's schema, indented.</summary>
    public static string Write(ConnectResult result) => JsonSerializer.Serialize(result, ResultJsonContext.Default.ConnectResult);

    /// <summary>Reads a result, whichever of the two schemas it has.</summary>
    /// <param name="json">The text of one JSON document.</param>
    /// <param name="label">The label of a result that has none, usually the file's name; null leaves it without.</param>
    /// <exception cref="FormatException">It is truncated, no JSON, or neither kind of result; the message says which and what to do.</exception>
    public static ConnectResult Read(string json, string? label = null)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(json);
            JsonElement root = document.RootElement;
            ConnectResult result = root.ValueKind != JsonValueKind.Object ? throw Foreign()
                : MconnectJson.IsMconnect(root) ? MconnectJson.Read(root)
                : root.TryGetProperty("kind", out JsonElement kind) && kind.ValueKind == JsonValueKind.String && kind.GetString() == ConnectResult.ResultKind
                    ? WithDefaults(root).Deserialize(ResultJsonContext.Default.ConnectResult) ?? throw Foreign()
                    : throw Foreign();
            if (result.SchemaVersion != 1)
            {
                throw new FormatException($"The result has schema version {result.SchemaVersion}, which is newer than this version of LbTest knows. Update LbTest.");
            }

            if (result.Endpoints.Any(e => e is not { Connections: >= 0, Sources: null or >= 0 }) || result.Failures.Any(f => f is not { Count: >= 0 }))
            {
                throw new JsonException("A number of connections is missing or negative.");
            }

            return result.Label is null ? result with { Label = label } : result;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or OverflowException)
        {
            throw new FormatException($"Not a whole JSON document, or a value of the wrong type: {exception.Message} If the file was cut short, export it again.", exception);
        }
    }

    /// <summary>The JSON schema (draft 2020-12) of <see cref="ConnectResult"/>, generated from the type itself.</summary>
    public static string Schema()
    {
        JsonNode schema = ResultJsonContext.Default.ConnectResult.Options.GetJsonSchemaAsNode(typeof(ConnectResult), new JsonSchemaExporterOptions
        {
            TreatNullObliviousAsNonNullable = true,
            TransformSchemaNode = static (context, node) => Seconds(context, node),
        });
        if (schema is JsonObject top)
        {
            top.Insert(0, "$schema", "https://json-schema.org/draft/2020-12/schema");
            top.Insert(1, "title", "LbTest connect result, version 1");
        }

        return schema.ToJsonString(new JsonSerializerOptions { WriteIndented = true }) + "\n";
    }

    // Generated code sets init-only properties that the JSON lacks to null or 0 instead of leaving their defaults alone.
    private static JsonObject WithDefaults(JsonElement given)
    {
        JsonObject defaults = JsonSerializer.SerializeToNode(new ConnectResult(), ResultJsonContext.Default.ConnectResult)!.AsObject();
        Overlay(defaults, given);
        return defaults;

        static void Overlay(JsonObject target, JsonElement source)
        {
            foreach (JsonProperty property in source.EnumerateObject())
            {
                if (property.Value.ValueKind == JsonValueKind.Object && target[property.Name] is JsonObject known) Overlay(known, property.Value);
                else target[property.Name] = JsonNode.Parse(property.Value.GetRawText());
            }
        }
    }

    // Time spans have a converter of their own, which the exporter cannot look into.
    private static JsonNode Seconds(JsonSchemaExporterContext context, JsonNode node) =>
        context.TypeInfo.Type == typeof(TimeSpan) ? new JsonObject { ["type"] = "number", ["description"] = "seconds" } : node;

    private static FormatException Foreign() =>
        new("This is JSON, but neither a connect result of LbTest (it would have \"kind\": \"connect\") nor one of mconnect (it would have \"hosts\" and \"connects\").");
}
