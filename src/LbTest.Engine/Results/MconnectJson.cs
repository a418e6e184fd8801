using System.Text;
using System.Text.Json;
using LbTest.Engine.Connect;

namespace LbTest.Engine.Results;

/// <summary>The JSON of the public <c>mconnect</c> tool (<c>-output json</c>): counts per host, durations in nanoseconds.</summary>
public static class MconnectJson
{
    internal static bool IsMconnect(JsonElement root) => root.TryGetProperty("hosts", out _) && root.TryGetProperty("connects", out _);

    internal static ConnectResult Read(JsonElement root)
    {
        JsonElement hosts = root.GetProperty("hosts");
        ImmutableArray<EndpointResult> endpoints = hosts.ValueKind == JsonValueKind.Null ? [] :
            [.. hosts.EnumerateObject().Select(host => new EndpointResult { Name = host.Name, Connections = Whole(host.Value) })];
        long connections = endpoints.Sum(endpoint => endpoint.Connections);
        long failedConnects = Number(root, "failed_connects"), failedReads = Number(root, "failed_reads"), ended = checked(connections + failedConnects + failedReads);
        // With -keep a connection may be counted many times, so more answers than connects are no contradiction.
        long requested = Math.Max(Number(root, "connects"), ended), unfinished = requested - ended;
        FailureCount[] failures =
        [
            new(FailureClass.Unclassified, failedConnects, "failed connect, imported"),
            new(FailureClass.ReadFailed, failedReads, "failed read, imported"),
        ];
        return new ConnectResult
        {
            Started = root.TryGetProperty("start_time", out JsonElement start) ? Time(start) : default,
            Duration = TimeSpan.FromTicks(Number(root, "duration") / 100),
            Completed = unfinished == 0, Reason = unfinished == 0 ? null : "the imported result lacks connections",
            Requested = requested, Connections = connections, Failed = failedConnects + failedReads, Unfinished = unfinished,
            Failures = [.. failures.Where(failure => failure.Count > 0)], Endpoints = endpoints, Generator = "mconnect",
        };
    }

    /// <summary>Writes a result as <c>mconnect</c> would have; what that schema has no place for is left out.</summary>
    public static string Write(ConnectResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        long failedReads = result.Failures.Where(f => f.Class is FailureClass.Reset or FailureClass.ReadFailed).Sum(f => f.Count);
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream))
        {
            writer.WriteStartObject();
            writer.WriteStartObject("hosts");
            foreach (EndpointResult endpoint in result.Endpoints.Where(endpoint => endpoint.Connections > 0)) writer.WriteNumber(endpoint.Name, endpoint.Connections);
            writer.WriteEndObject();
            writer.WriteNumber("connects", result.Requested);
            writer.WriteNumber("failed_connects", result.Failed - failedReads);
            writer.WriteNumber("failed_reads", failedReads);
            writer.WriteString("start_time", result.Started.UtcDateTime);
            writer.WriteNumber("timeout", 0);
            writer.WriteNumber("duration", result.Duration.Ticks * 100);
            writer.WriteEndObject();
        }

        return Encoding.UTF8.GetString(stream.ToArray());
    }

    private static long Number(JsonElement root, string name) => root.TryGetProperty(name, out JsonElement value) ? Whole(value) : 0;

    private static DateTimeOffset Time(JsonElement value) =>
        value.TryGetDateTimeOffset(out DateTimeOffset time) ? time : throw new JsonException($"{value.GetRawText()} is not a time.");

    private static long Whole(JsonElement value) =>
        value.TryGetInt64(out long number) && number >= 0 ? number : throw new JsonException($"{value.GetRawText()} is not a whole number, 0 or more.");
}
