using System.Text;
using LbTest.Engine.Connect;
using LbTest.Engine.Results;
using LbTest.Engine.Traffic;

namespace LbTest.Engine.Report;

/// <summary>Writes results as one table of comma-separated values (RFC 4180, lines end with a line feed): a row per sample of traffic results, a row per endpoint of connect results.</summary>
/// <remarks>
/// The first column is the result's label. Columns of a kind of result that does not occur are left out; in a row of the other kind they
/// are empty. Times are seconds, sizes bytes; numbers have no thousands separators and a decimal point.
/// </remarks>
public static class CsvReport
{
    private sealed record Row(string Label, ITestResult Result, TrafficSample? Sample, string Disturbances, EndpointResult? Endpoint);

    private static readonly (string Name, Func<Row, object?> Value)[] Common = [("Result", r => r.Label), ("Kind", r => r.Result.Kind)];

    private static readonly (string Name, Func<Row, object?> Value)[] OfTraffic =
    [
        ("TimeSeconds", r => r.Sample?.Time), ("Active", r => r.Sample?.Active), ("New", r => r.Sample?.New), ("Failed", r => r.Sample?.Failed),
        ("Connecting", r => r.Sample?.Connecting), ("FailedConnects", r => r.Sample?.FailedConnects), ("Sent", r => r.Sample?.Sent), ("Received", r => r.Sample?.Received),
        ("Dropped", r => r.Sample?.Dropped), ("BytesSent", r => r.Sample?.BytesSent), ("BytesReceived", r => r.Sample?.BytesReceived), ("Retransmits", r => r.Sample?.Retransmits),
        ("P50Seconds", r => Latency(r)?.P50), ("P90Seconds", r => Latency(r)?.P90), ("P99Seconds", r => Latency(r)?.P99), ("P999Seconds", r => Latency(r)?.P999),
        ("MaximumSeconds", r => Latency(r)?.Maximum), ("Disturbances", r => r.Disturbances),
    ];

    private static readonly (string Name, Func<Row, object?> Value)[] OfConnects =
    [
        ("Endpoint", r => r.Endpoint?.Name), ("Node", r => r.Endpoint?.Node), ("Connections", r => r.Endpoint?.Connections), ("Sources", r => r.Endpoint?.Sources),
        ("ExpectedShare", r => r.Endpoint?.ExpectedShare), ("Unexpected", r => r.Endpoint?.Unexpected),
    ];

    /// <summary>Writes the table, its names in the first line.</summary>
    public static string Write(IReadOnlyList<ITestResult> results)
    {
        ArgumentNullException.ThrowIfNull(results);
        (string Name, Func<Row, object?> Value)[] columns =
            [.. Common, .. results.Any(r => r is TrafficResult) ? OfTraffic : [], .. results.Any(r => r is ConnectResult) ? OfConnects : []];
        var csv = new StringBuilder().AppendJoin(',', columns.Select(c => c.Name)).Append('\n');
        foreach (Row row in ResultLabels.Of(results).Zip(results).SelectMany(pair => Rows(pair.First, pair.Second)))
        {
            csv.AppendJoin(',', columns.Select(c => Field(c.Value(row)))).Append('\n');
        }

        return csv.ToString();
    }

    private static IEnumerable<Row> Rows(string label, ITestResult result) => result switch
    {
        ConnectResult connect => connect.Endpoints.Select(endpoint => new Row(label, result, null, "", endpoint)),
        TrafficResult traffic => traffic.Samples.Select((sample, i) => new Row(label, result, sample, Within(traffic, i), null)),
        _ => [],
    };

    // What happened in the sample's time; what came after the last one is in it as well.
    private static string Within(TrafficResult result, int i)
    {
        TimeSpan from = i == 0 ? TimeSpan.MinValue : result.Samples[i - 1].Time, to = i == result.Samples.Length - 1 ? TimeSpan.MaxValue : result.Samples[i].Time;
        return string.Join("; ", result.Disturbances.Where(d => d.Applied > from && d.Applied <= to).Select(d => d.Description));
    }

    private static LatencySummary? Latency(Row row) => row.Sample is { Latency.Count: > 0 } sample ? sample.Latency : null;

    private static string Field(object? value)
    {
        string text = value switch
        {
            TimeSpan time => time.TotalSeconds.ToString(CultureInfo.InvariantCulture),
            IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
            _ => value?.ToString() ?? "",
        };
        return text.AsSpan().IndexOfAny("\",\r\n") >= 0 ? $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : text;
    }
}
