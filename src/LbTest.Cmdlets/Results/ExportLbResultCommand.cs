using LbTest.Engine.Connect;
using LbTest.Engine.Results;
using LbTest.Engine.Traffic;

namespace LbTest.Cmdlets.Results;

/// <summary>Writes results to files: one to a file, or any number into a folder, each under its label.</summary>
[Cmdlet(VerbsData.Export, "LbResult", SupportsShouldProcess = true)]
[OutputType(typeof(ConnectResult), typeof(TrafficResult))]
public sealed class ExportLbResultCommand : ExportCommand
{
    private readonly HashSet<string> _written = new(StringComparer.Ordinal);

    /// <summary>LbTest's own JSON, or that of mconnect or ctraffic.</summary>
    [Parameter]
    public ResultFormat Format { get; set; }

    private protected override void Process()
    {
        string path = GetUnresolvedProviderPathFromPSPath(Path);
        bool folder = Directory.Exists(path);
        foreach (ITestResult result in Result)
        {
            Export(result, folder ? FileIn(path, result.Label) : path, folder);
        }
    }

    private void Export(ITestResult result, string file, bool folder)
    {
        if (!_written.Add(file))
        {
            WriteRefusal($"'{file}' holds one result, and this is another.", "LbTest.OneResult", ErrorCategory.InvalidOperation, folder ? "Give every result a label of its own" : "Give a folder that exists as Path", file);
            return;
        }

        if (!MayWrite(file, file)) return;
        if (Text(result) is not { } text)
        {
            WriteRefusal($"This is a {result.Kind} result{(result.Label is null ? "" : $", '{result.Label}'")}, which {Format} has no JSON for.", "LbTest.Format", ErrorCategory.InvalidArgument, $"Use -Format LbTest{(result is TrafficResult ? " or Ctraffic" : " or Mconnect")}", file);
            return;
        }

        if (!ShouldProcess(file, $"Export result '{result.Label}'")) return;
        File.WriteAllText(file, text);
        if (PassThru) WriteObject(result);
    }

    // Null where the format is for results of another kind.
    private string? Text(ITestResult result) => (Format, result) switch
    {
        (ResultFormat.LbTest, _) => ResultJson.Write(result),
        (ResultFormat.Mconnect, ConnectResult connect) => MconnectJson.Write(connect),
        (ResultFormat.Ctraffic, TrafficResult traffic) => CtrafficJson.Write(traffic),
        _ => null,
    };

    // What a file's name cannot have becomes '-'.
    private static string FileIn(string folder, string? label) =>
        System.IO.Path.Combine(folder, string.Join('-', (label ?? "result").Split(System.IO.Path.GetInvalidFileNameChars())) + ".json");
}
