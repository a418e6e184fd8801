using LbTest.Cmdlets.Parameters;
using LbTest.Engine.Connect;
using LbTest.Engine.Results;

namespace LbTest.Cmdlets.Results;

/// <summary>Writes results to files: one to a file, or any number into a folder, each under its label.</summary>
[Cmdlet(VerbsData.Export, "LbResult", SupportsShouldProcess = true)]
[OutputType(typeof(ConnectResult))]
public sealed class ExportLbResultCommand : LbCommand
{
    private readonly HashSet<string> _written = new(StringComparer.Ordinal);

    /// <summary>The results.</summary>
    [Parameter(Mandatory = true, ValueFromPipeline = true)]
    [Result]
    public ConnectResult[] Result { get; set; } = [];

    /// <summary>A file, or a folder that exists.</summary>
    [Parameter(Position = 0, Mandatory = true)]
    public string Path { get; set; } = "";

    /// <summary>LbTest's own JSON, or that of mconnect.</summary>
    [Parameter]
    public ResultFormat Format { get; set; }

    /// <summary>Overwrites files that exist.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    /// <summary>Returns the results that were written.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    private protected override void Process()
    {
        string path = GetUnresolvedProviderPathFromPSPath(Path);
        bool folder = Directory.Exists(path);
        foreach (ConnectResult result in Result)
        {
            Export(result, folder ? FileIn(path, result.Label) : path, folder);
        }
    }

    private void Export(ConnectResult result, string file, bool folder)
    {
        if (!_written.Add(file))
        {
            Refuse($"'{file}' holds one result, and this is another.", "LbTest.OneResult", folder ? "Give every result a label of its own" : "Give a folder that exists as Path", ErrorCategory.InvalidOperation, file);
            return;
        }

        if (File.Exists(file) && !Force)
        {
            Refuse($"'{file}' exists.", "LbTest.FileExists", "Add -Force to overwrite it, or choose another path", ErrorCategory.ResourceExists, file);
            return;
        }

        if (ShouldProcess(file, $"Export result '{result.Label}'")) File.WriteAllText(file, Format == ResultFormat.Mconnect ? MconnectJson.Write(result) : ResultJson.Write(result));
        else return;
        if (PassThru) WriteObject(result);
    }

    private void Refuse(string problem, string id, string remedy, ErrorCategory category, string file)
    {
        string message = $"{problem} {remedy}.";
        WriteError(new ErrorRecord(new IOException(message), id, category, file) { ErrorDetails = new ErrorDetails(message) { RecommendedAction = remedy } });
    }

    // What a file's name cannot have becomes '-'.
    private static string FileIn(string folder, string? label) =>
        System.IO.Path.Combine(folder, string.Join('-', (label ?? "result").Split(System.IO.Path.GetInvalidFileNameChars())) + ".json");
}
