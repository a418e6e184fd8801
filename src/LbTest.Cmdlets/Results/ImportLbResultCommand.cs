using LbTest.Engine.Connect;
using LbTest.Engine.Results;
using LbTest.Engine.Traffic;

namespace LbTest.Cmdlets.Results;

/// <summary>Reads results from files: LbTest's JSON, or that of mconnect or ctraffic.</summary>
[Cmdlet(VerbsData.Import, "LbResult", DefaultParameterSetName = "Path")]
[OutputType(typeof(ConnectResult), typeof(TrafficResult))]
public sealed class ImportLbResultCommand : LbCommand
{
    /// <summary>The files; wildcards match.</summary>
    [Parameter(Position = 0, Mandatory = true, ValueFromPipeline = true, ParameterSetName = "Path")]
    [SupportsWildcards]
    public string[] Path { get; set; } = [];

    /// <summary>The files, names taken as they are.</summary>
    [Parameter(Mandatory = true, ValueFromPipelineByPropertyName = true, ParameterSetName = "LiteralPath")]
    [Alias("PSPath", "LP")]
    public string[] LiteralPath { get; set; } = [];

    private protected override void Process()
    {
        foreach (string file in ParameterSetName == "Path" ? Path.SelectMany(Resolve) : LiteralPath.Select(GetUnresolvedProviderPathFromPSPath))
        {
            Import(file);
        }
    }

    private IEnumerable<string> Resolve(string path)
    {
        try
        {
            return GetResolvedProviderPathFromPSPath(path, out _);
        }
        catch (ItemNotFoundException notFound)
        {
            WriteError(new ErrorRecord(notFound.ErrorRecord, notFound));
            return [];
        }
    }

    // One bad file says so and leaves the others alone.
    private void Import(string file)
    {
        try
        {
            WriteObject(ResultJson.ReadAny(File.ReadAllText(file), System.IO.Path.GetFileNameWithoutExtension(file)));
        }
        catch (FormatException fault)
        {
            WriteError(Faults.Describe(new FormatException($"{file}: {fault.Message}", fault), file));
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            WriteError(Faults.Describe(fault, file));
        }
    }
}
