using System.Text;
using System.Text.Json;
using LbTest.Engine.Connect;
using LbTest.Engine.Sockets;
using LbTest.Engine.Traffic;

namespace LbTest.Engine.Results;

/// <summary>The JSON of the public <c>ctraffic</c> tool (<c>-stats all</c> or <c>summary</c>): times in nanoseconds, cumulative samples, its rate in units of 1,024 bytes/s.</summary>
/// <remarks>
/// Of what that schema does not have, clients are worked out (<see cref="CtrafficClients"/>) and so are the states of connections at each
/// sample; failed attempts are known in total only, latency and gaps not at all.
/// </remarks>
public static class CtrafficJson
{
    /// <summary>The <see cref="TrafficResult.Generator"/> of imported results.</summary>
    public const string Generator = "ctraffic";

    // ctraffic makes no new connection in the last two seconds.
    internal static readonly TimeSpan LastCall = TimeSpan.FromSeconds(2);

    internal static bool IsCtraffic(JsonElement root) => root.TryGetProperty("PacketSize", out _) && root.TryGetProperty("FailedConnections", out _);

    internal static TrafficResult Read(JsonElement root)
    {
        TimeSpan duration = Time(root, "Duration");
        int packetSize = checked((int)Number(root, "PacketSize"));
        double rate = root.TryGetProperty("Rate", out JsonElement given) ? given.GetDouble() : 0;
        if (packetSize == 0 || !(rate >= 0 && double.IsFinite(rate))) throw new JsonException("PacketSize is 0, or Rate is not a rate.");
        ImmutableArray<TrafficConnection> connections = CtrafficClients.Assign([.. Items(root, "ConnStats").Select(item => Connection(item, duration)).OfType<TrafficConnection>()], checked((int)Number(root, "Connections")));
        int clients = Math.Max(checked((int)Number(root, "Connections")), connections.Select(c => c.Client + 1).DefaultIfEmpty().Max());
        double packetsPerSecond = rate * 1024 / packetSize;
        // The records of lasting connections end when the test was planned to; it ends earlier where the next packet would come too late.
        TimeSpan planned = connections.Where(c => c.Failure is null).Select(c => c.Ended).Append(duration).Max();
        bool completed = duration + LastCall + TimeSpan.FromSeconds(Math.Min(clients / Math.Max(packetsPerSecond, 1e-9), 1e9)) >= planned;
        long sent = Number(root, "Sent"), received = Number(root, "Received"), lost = Number(root, "FailedConnections"), failedConnects = Number(root, "FailedConnects");
        return new TrafficResult
        {
            Started = Started(root), Duration = duration, PlannedDuration = planned,
            Completed = completed, Reason = completed ? null : "the imported run was stopped before its end",
            Target = connections.Select(c => c.Remote).FirstOrDefault(remote => remote.Length > 0) ?? "",
            Protocol = IsUdp(connections) ? TransportProtocol.Udp : TransportProtocol.Tcp,
            Clients = clients, PacketsPerSecond = packetsPerSecond, PacketSize = packetSize,
            Reconnect = connections.Any(c => c.Reconnects > 0) || !connections.Any(c => c.WasLost && c.Ended < planned - LastCall),
            Sent = sent, Received = received, Dropped = Number(root, "Dropped"), Lost = Math.Max(0, sent - received), Retransmits = Number(root, "Retransmits"),
            LostConnections = lost, FailedConnects = failedConnects, Failures = Failures(connections, lost, failedConnects),
            Samples = Samples(root, packetSize, connections), Connections = connections, Generator = Generator,
        };
    }

    /// <summary>Writes a result as <c>ctraffic -stats all</c> would have; what that schema has no place for is left out, and its 32-bit counters end at 4,294,967,295.</summary>
    public static string Write(TrafficResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream))
        {
            writer.WriteStartObject();
            writer.WriteString("Started", result.Started.UtcDateTime);
            writer.WriteNumber("Duration", result.Duration.Ticks * 100);
            writer.WriteNumber("Rate", result.PacketsPerSecond * result.PacketSize / 1024);
            writer.WriteNumber("Connections", result.Clients);
            writer.WriteNumber("PacketSize", result.PacketSize);
            Counters(("FailedConnections", result.LostConnections), ("Sent", result.Sent), ("Received", result.Received),
                ("Dropped", result.Dropped), ("Retransmits", result.Retransmits), ("FailedConnects", result.FailedConnects));
            if (result.Connections.Length > 0) WriteAll("ConnStats", result.Connections, Connection);
            long sent = 0, received = 0, dropped = 0;
            if (result.Samples.Length > 0)
            {
                WriteAll("Samples", result.Samples, sample =>
                {
                    writer.WriteNumber("Time", sample.Time.Ticks * 100);
                    Counters(("Sent", sent += sample.Sent), ("Received", received += sample.Received), ("Dropped", dropped += sample.Dropped));
                });
            }

            writer.WriteEndObject();

            void Connection(TrafficConnection connection)
            {
                writer.WriteNumber("Started", connection.Started.Ticks * 100);
                writer.WriteNumber("Connect", (connection.Connected?.Ticks ?? 0) * 100);
                writer.WriteNumber("Ended", connection.Ended.Ticks * 100);
                writer.WriteString("Err", connection.WasLost ? connection.Error ?? connection.Failure.ToString() : "");
                Counters(("Sent", connection.Sent), ("Received", connection.Received), ("Dropped", connection.Dropped), ("Retransmits", connection.Retransmits));
                writer.WriteString("Local", connection.Local ?? "");
                writer.WriteString("Remote", connection.Remote);
                if (connection.Endpoint is { Length: > 0 } name) writer.WriteString("Host", name);
            }

            void Counters(params ReadOnlySpan<(string Name, long Value)> counters)
            {
                foreach ((string name, long value) in counters) writer.WriteNumber(name, Math.Min(value, uint.MaxValue));
            }

            void WriteAll<T>(string name, ImmutableArray<T> items, Action<T> write)
            {
                writer.WriteStartArray(name);
                foreach (T item in items)
                {
                    writer.WriteStartObject();
                    write(item);
                    writer.WriteEndObject();
                }

                writer.WriteEndArray();
            }
        }

        return Encoding.UTF8.GetString(stream.ToArray());
    }

    private static TrafficConnection? Connection(JsonElement item, TimeSpan duration)
    {
        TimeSpan started = Time(item, "Started"), connect = Time(item, "Connect"), ended = Time(item, "Ended", leastZero: false);
        string error = Text(item, "Err"), local = Text(item, "Local"), host = Text(item, "Host");
        // Where ctraffic gave up (too many reconnects) it leaves empty records, and running ones whose end lies before the beginning of time.
        if (started == TimeSpan.Zero && ended == TimeSpan.Zero) return null;
        bool established = connect > TimeSpan.Zero;
        return new TrafficConnection
        {
            Local = local.Length > 0 ? local : null, Remote = Text(item, "Remote"), Endpoint = host.Length > 0 ? host : null,
            Started = started, Connected = established ? connect : null, Ended = ended < started ? duration : ended,
            Failure = error.Length > 0 ? ClassOf(error) : established ? null : FailureClass.Unclassified,
            Error = error.Length > 0 ? error : established ? null : "never connected, imported",
            Sent = Number(item, "Sent"), Received = Number(item, "Received"), Dropped = Number(item, "Dropped"), Retransmits = checked((int)Number(item, "Retransmits")),
        };
    }

    // The texts of Go's net package and of strerror(3), ours and theirs.
    private static FailureClass ClassOf(string error)
    {
        return Says("reset", "broken pipe") ? FailureClass.Reset
            : Says("refused") ? FailureClass.Refused
            : Says("i/o timeout", "timed out", "deadline exceeded") ? FailureClass.TimedOut
            : Says("no route", "unreachable", "prohibited", "not permitted") ? FailureClass.Unreachable
            : Says("too many open files", "cannot assign", "address already in use", "no buffer space", "cannot allocate") ? FailureClass.ClientExhausted
            : Says("EOF") ? FailureClass.ReadFailed
            : FailureClass.Unclassified;

        bool Says(params ReadOnlySpan<string> words)
        {
            foreach (string word in words)
            {
                if (error.Contains(word, StringComparison.OrdinalIgnoreCase)) return true;
            }

            return false;
        }
    }

    private static ImmutableArray<FailureCount> Failures(ImmutableArray<TrafficConnection> connections, long lost, long failedConnects)
    {
        var counts = connections.Where(c => c.WasLost).GroupBy(c => c.Failure!.Value).OrderBy(g => g.Key).Select(g => new FailureCount(g.Key, g.Count(), g.First().Error!)).ToList();
        long unexplained = Math.Max(0, lost - counts.Sum(c => c.Count)) + failedConnects;
        if (unexplained == 0) return [.. counts];
        FailureCount? known = counts.Find(c => c.Class == FailureClass.Unclassified);
        if (known is not null) counts.Remove(known);
        return [.. counts, new(FailureClass.Unclassified, (known?.Count ?? 0) + unexplained, known?.Example ?? (failedConnects > 0 ? "failed connect, imported" : "lost connection, imported"))];
    }

    private static ImmutableArray<TrafficSample> Samples(JsonElement root, int packetSize, ImmutableArray<TrafficConnection> connections)
    {
        TimeSpan[] started = Sorted(connections.Select(c => c.Started)), connected = Sorted(connections.Select(c => c.Connected).OfType<TimeSpan>()),
            lost = Sorted(connections.Where(c => c.WasLost).Select(c => c.Ended));
        var samples = ImmutableArray.CreateBuilder<TrafficSample>();
        (TimeSpan time, long sent, long received, long dropped) last = default;
        foreach (JsonElement item in Items(root, "Samples"))
        {
            (TimeSpan time, long sent, long received, long dropped) now = (Time(item, "Time"), Number(item, "Sent"), Number(item, "Received"), Number(item, "Dropped"));
            if (now.time <= last.time || now.sent < last.sent || now.received < last.received || now.dropped < last.dropped) throw new JsonException("Samples do not ascend.");
            (int established, int gone) = (Until(connected, now.time), Until(lost, now.time));
            samples.Add(new TrafficSample
            {
                Time = now.time, Active = established - gone, New = established - Until(connected, last.time), Failed = gone - Until(lost, last.time),
                Connecting = Until(started, now.time) - established,
                Sent = now.sent - last.sent, Received = now.received - last.received, Dropped = now.dropped - last.dropped,
                BytesSent = (now.sent - last.sent) * packetSize, BytesReceived = (now.received - last.received) * packetSize,
            });
            last = now;
        }

        return samples.ToImmutable();

        static TimeSpan[] Sorted(IEnumerable<TimeSpan> times) => [.. times.Order()];

        static int Until(TimeSpan[] ascending, TimeSpan time)
        {
            int found = Array.BinarySearch(ascending, time + TimeSpan.FromTicks(1));
            if (found < 0) return ~found;
            while (found > 0 && ascending[found - 1] > time) found--;
            return found;
        }
    }

    // Nothing in the schema says so; but over TCP ctraffic awaits each echo and fails without it, so only datagrams are missing without an error.
    private static bool IsUdp(ImmutableArray<TrafficConnection> connections) =>
        connections.Any(c => c.Failure is null ? c.Sent - c.Received > 1 : c.Error!.Contains(" udp ", StringComparison.Ordinal));

    private static DateTimeOffset Started(JsonElement root) =>
        !root.TryGetProperty("Started", out JsonElement value) ? default : value.TryGetDateTimeOffset(out DateTimeOffset time) ? time : throw new JsonException($"{value.GetRawText()} is not a time.");

    private static ImmutableArray<JsonElement> Items(JsonElement root, string name) =>
        root.TryGetProperty(name, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? [.. value.EnumerateArray()] : [];

    private static string Text(JsonElement item, string name) => item.TryGetProperty(name, out JsonElement value) ? value.GetString() ?? "" : "";

    private static TimeSpan Time(JsonElement item, string name, bool leastZero = true) => TimeSpan.FromTicks(Number(item, name, leastZero) / 100);

    private static long Number(JsonElement item, string name, bool leastZero = true) =>
        !item.TryGetProperty(name, out JsonElement value) ? 0
        : value.TryGetInt64(out long number) && (number >= 0 || !leastZero) ? number
        : throw new JsonException($"{name} {value.GetRawText()} is not a whole number, 0 or more.");
}
