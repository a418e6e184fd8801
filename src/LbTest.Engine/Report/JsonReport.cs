using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using LbTest.Engine.Connect;
using LbTest.Engine.Results;
using LbTest.Engine.Traffic;

namespace LbTest.Engine.Report;

/// <summary>Writes results and what they mean as JSON: an array of <c>{ "result": …, "balance" or "disruption": … }</c>.</summary>
public static class JsonReport
{
    /// <summary>Writes the array, indented.</summary>
    public static string Write(IReadOnlyList<ITestResult> results)
    {
        ArgumentNullException.ThrowIfNull(results);
        var all = new JsonArray();
        foreach (ITestResult result in results)
        {
            var one = new JsonObject { ["result"] = JsonNode.Parse(ResultJson.Write(result)) };
            if (result is ConnectResult connect) one["balance"] = JsonSerializer.SerializeToNode(ConnectAnalysis.Measure(connect), ResultJsonContext.Default.Balance);
            else if (result is TrafficResult traffic) one["disruption"] = JsonSerializer.SerializeToNode(TrafficSection.Measure(traffic), ResultJsonContext.Default.Disruption);
            all.Add((JsonNode)one);
        }

        // For a file: nothing needs to be harmless within HTML here, and names stay readable.
        return all.ToJsonString(new JsonSerializerOptions { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }) + "\n";
    }
}
