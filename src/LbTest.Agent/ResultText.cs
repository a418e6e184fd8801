using System.Globalization;
using System.Text;
using LbTest.Engine.Connect;

namespace LbTest.Agent;

/// <summary>A connect result as text for a terminal: what happened, then the table and the verdict.</summary>
internal static class ResultText
{
    internal static string Of(ConnectResult result)
    {
        var text = new StringBuilder();
        CultureInfo culture = CultureInfo.InvariantCulture;
        double seconds = result.Duration.TotalSeconds;
        _ = text.AppendLine(culture, $"{result.Connections:N0} of {result.Requested:N0} connections to {result.Target} ({result.Protocol}) in {seconds:0.00} s, {(seconds > 0 ? result.Connections / seconds : 0):N0} a second");
        if (result.Latency.Count > 0)
        {
            LatencySummary l = result.Latency;
            _ = text.AppendLine(culture, $"latency ms: p50 {l.P50.TotalMilliseconds:0.000}  p99 {l.P99.TotalMilliseconds:0.000}  p99.9 {l.P999.TotalMilliseconds:0.000}  max {l.Maximum.TotalMilliseconds:0.000}");
        }

        foreach (FailureCount failure in result.Failures) _ = text.AppendLine(culture, $"failed: {failure.Count:N0} {failure.Class} ({failure.Example})");
        if (result.SynRetransmits > 0) _ = text.AppendLine(culture, $"SYN segments sent again: {result.SynRetransmits:N0}");
        if (!result.Completed) _ = text.AppendLine(culture, $"NOT COMPLETE: {result.Unfinished:N0} connections were not made: {result.Reason}");
        foreach (string warning in result.Warnings) _ = text.AppendLine(culture, $"warning: {warning}");
        if (result.Endpoints.Length > 0) _ = text.AppendLine().Append(ConnectAnalysis.Table([result]).ToText());
        return text.ToString();
    }
}
