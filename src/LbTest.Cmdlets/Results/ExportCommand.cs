using LbTest.Cmdlets.Parameters;
using LbTest.Engine.Results;

namespace LbTest.Cmdlets.Results;

/// <summary>What cmdlets share that write results to files.</summary>
public abstract class ExportCommand : LbCommand
{
    /// <summary>The results.</summary>
    [Parameter(Mandatory = true, ValueFromPipeline = true)]
    [Result]
    public ITestResult[] Result { get; set; } = [];

    /// <summary>Where to write.</summary>
    [Parameter(Position = 0, Mandatory = true)]
    public string Path { get; set; } = "";

    /// <summary>Overwrites files that exist.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    /// <summary>Returns the results.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    /// <summary>True where nothing is at <paramref name="file"/>, or it may go; else the error has been written, about <paramref name="target"/>.</summary>
    private protected bool MayWrite(string file, string target)
    {
        if (!File.Exists(file) || Force) return true;
        WriteRefusal($"'{file}' exists.", "LbTest.FileExists", ErrorCategory.ResourceExists, "Add -Force to overwrite it, or choose another path", target);
        return false;
    }

    /// <summary>Writes an error that ends nothing: what is wrong, and what to do about it.</summary>
    private protected void WriteRefusal(string problem, string id, ErrorCategory category, string remedy, string target, Exception? fault = null)
    {
        string message = $"{problem} {remedy}.";
        WriteError(new ErrorRecord(new IOException(message, fault), id, category, target) { ErrorDetails = new ErrorDetails(message) { RecommendedAction = remedy } });
    }
}
