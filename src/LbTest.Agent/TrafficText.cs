using System.Globalization;
using System.Text;
using LbTest.Engine.Connect;
using LbTest.Engine.Disturbances;
using LbTest.Engine.Traffic;

namespace LbTest.Agent;

/// <summary>A traffic result as text for a terminal: what happened, second by second, and what it cost.</summary>
internal static class TrafficText
{
    private const int MostRows = 60;

    internal static string Of(TrafficResult result)
    {
        var text = new StringBuilder();
        CultureInfo culture = CultureInfo.InvariantCulture;
        _ = text.AppendLine(culture, $"{result.Clients:N0} connections to {result.Target} ({result.Protocol}) for {result.Duration.TotalSeconds:0.0##} s, {result.PacketsPerSecond:#,0.##} packets of {result.PacketSize:N0} bytes a second");
        _ = text.AppendLine(culture, $"packets: {result.Sent:N0} sent, {result.Received:N0} came back, {result.Lost:N0} lost, {result.Dropped:N0} dropped{(result.Reordered + result.Duplicated > 0 ? Text($", {result.Reordered:N0} reordered, {result.Duplicated:N0} duplicated") : "")}; {result.Retransmits:N0} segments sent again");
        _ = text.AppendLine(culture, $"connections: {result.LostConnections:N0} lost, {result.FailedConnects:N0} attempts to connect failed");
        LatencySummary l = result.Latency;
        if (l.Count > 0) _ = text.AppendLine(culture, $"latency ms: p50 {l.P50.TotalMilliseconds:0.000}  p99 {l.P99.TotalMilliseconds:0.000}  p99.9 {l.P999.TotalMilliseconds:0.000}  max {l.Maximum.TotalMilliseconds:0.000}");
        foreach (FailureCount failure in result.Failures) _ = text.AppendLine(culture, $"failed: {failure.Count:N0} {failure.Class} ({failure.Example})");
        if (!result.Completed) _ = text.AppendLine(culture, $"NOT COMPLETE: {result.Reason}");
        foreach (string warning in result.Warnings) _ = text.AppendLine(culture, $"warning: {warning}");
        AppendSamples(text, result);
        return result.Disturbances.Length == 0 ? text.ToString() : text.AppendLine().AppendLine(Costs(result)).ToString();
    }

    /// <summary>What each step of each disturbance cost, and all of them together.</summary>
    internal static string Costs(TrafficResult result)
    {
        var text = new StringBuilder();
        Disruption disruption = DisruptionAnalysis.Measure(result);
        foreach (DisruptionStep step in disruption.Steps)
        {
            string least = step.Least is { } number ? Text($", {(step.LeastIsExpectation ? "about" : "at least")} {number:0.#} had to be") : "";
            _ = text.AppendLine(CultureInfo.InvariantCulture, $"{step.Time.TotalSeconds,8:0.000} s  {step.Description}: {step.Lost:N0} connections lost{least}");
        }

        return text.Append(disruption.Explanation).ToString();
    }

    private static void AppendSamples(StringBuilder text, TrafficResult result)
    {
        if (result.Samples.Length == 0) return;
        CultureInfo culture = CultureInfo.InvariantCulture;
        _ = text.AppendLine().AppendLine("  time s   active      new   failed  connecting      sent  received   dropped   p99 ms");
        // Of a long test only the seconds in which something happened, and the first and last.
        bool all = result.Samples.Length <= MostRows;
        for (int i = 0; i < result.Samples.Length; i++)
        {
            TrafficSample s = result.Samples[i];
            if (!all && i > 0 && i < result.Samples.Length - 1 && s is { New: 0, Failed: 0, Connecting: 0, Dropped: 0, FailedConnects: 0 }) continue;
            _ = text.AppendLine(culture, $"{s.Time.TotalSeconds,8:0.##} {s.Active,8} {s.New,8} {s.Failed,8} {s.Connecting,11} {s.Sent,9} {s.Received,9} {s.Dropped,9} {s.Latency.P99.TotalMilliseconds,8:0.000}");
        }
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
