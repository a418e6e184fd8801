using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using LbTest.Engine;
using LbTest.Engine.Disturbances;
using LbTest.Engine.Results;

namespace LbTest.Agent;

/// <summary>Reads a disturbance as it is typed in a shell: a kind, then <c>name=value</c> pairs, e.g. <c>PacketLoss at=5 duration=10 name=node-1 percent=5</c>.</summary>
internal static class DisturbanceText
{
    private const string Option = "--disturbance";

    // Named as in PowerShell and in the JSON, where times have their unit in the name.
    private static readonly string[] Times = ["at", "duration", "detectAfter", "drainTime", "readinessDelay", "latency", "jitter"];
    private static readonly string[] Numbers = ["count", "share", "replicas", "percent", "bytesPerSecond"];
    private static readonly string[] Texts = ["mode", "maxSurge", "maxUnavailable", "direction", "proxyMode", "ipvsScheduler", "image"];

    internal static Disturbance Parse(string text)
    {
        string[] words = text.Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        bool known = words.Length > 0 && Enum.TryParse<DisturbanceKind>(words[0], ignoreCase: true, out DisturbanceKind kind) && !int.TryParse(words[0], out _) && kind != DisturbanceKind.Script;
        PlanException.Require(known, Option, text, "does not begin with a kind of disturbance", $"Use one of {string.Join(", ", Enum.GetNames<DisturbanceKind>().Where(n => n != nameof(DisturbanceKind.Script)))}");
        var json = new JsonObject { ["kind"] = Enum.Parse<DisturbanceKind>(words[0], ignoreCase: true).ToString() };
        foreach (string word in words.Skip(1))
        {
            int equals = word.IndexOf('=', StringComparison.Ordinal);
            PlanException.Require(equals > 0, Option, text, $"has the word '{word}', which is not of the form name=value", "Write it like 'EndpointDown at=5 name=tserver-001'");
            (string name, JsonNode value) = Property(text, word[..equals], word[(equals + 1)..]);
            json[name] = value;
        }

        PlanException.Require(json.ContainsKey("atSeconds"), Option, text, "does not say when", "Add at=SECONDS, counted from the start of traffic");
        // What generated code makes of properties that are not there is null; their defaults come from an empty one.
        JsonObject whole = JsonSerializer.SerializeToNode(new Disturbance { Kind = default, At = default }, ResultJsonContext.Default.Disturbance)!.AsObject();
        foreach ((string name, JsonNode? value) in json) whole[name] = value?.DeepClone();
        try
        {
            return whole.Deserialize(ResultJsonContext.Default.Disturbance)!;
        }
        catch (JsonException exception)
        {
            throw new PlanException(Option, text, $"has a value that does not fit ({exception.Path})", "See the names and values of New-LbDisturbance, or the README", exception);
        }
    }

    private static (string Name, JsonNode Value) Property(string text, string name, string value)
    {
        if (name.Equals("name", StringComparison.OrdinalIgnoreCase)) return ("name", new JsonArray([.. value.Split(',').Select(one => (JsonNode)one)]));
        if (Find(Texts) is { } word) return (word, value);
        bool number = double.TryParse(value.EndsWith('s') ? value[..^1] : value, NumberStyles.Float, CultureInfo.InvariantCulture, out double parsed) && double.IsFinite(parsed);
        string? property = Find(Times) is { } time ? time + "Seconds" : Find(Numbers);
        PlanException.Require(property is not null, Option, text, $"has the name '{name}', which disturbances do not know", $"Use name, {string.Join(", ", [.. Times, .. Numbers, .. Texts])}");
        PlanException.Require(number, Option, text, $"has the value '{value}' for {name}, which is not a number", "Give a number; times are in seconds");
        return (property!, property is "count" or "replicas" && parsed == Math.Floor(parsed) && Math.Abs(parsed) < int.MaxValue ? (int)parsed : parsed);

        string? Find(string[] names) => names.FirstOrDefault(one => one.Equals(name, StringComparison.OrdinalIgnoreCase));
    }
}
