using LbTest.Cmdlets.Results;
using LbTest.Engine.Report;
using LbTest.Engine.Results;

namespace LbTest.Cmdlets.Report;

/// <summary>Writes results of any kinds into one report.</summary>
/// <remarks>
/// A path that cannot be written is told before the first result comes, not after an hour of traffic, and is an error that ends nothing:
/// the results go on down the pipeline then, with -PassThru or without, so that none is lost.
/// </remarks>
[Cmdlet(VerbsData.Export, "LbReport", SupportsShouldProcess = true)]
[OutputType(typeof(ITestResult))]
public sealed class ExportLbReportCommand : ExportCommand
{
    private readonly List<ITestResult> _results = [];
    private string _file = "";

    // Decided once, before the first result: whether to write at all, and whether to hand results on at once.
    private bool _write, _handOn;

    /// <summary>The format; without it the file's extension decides, and HTML where that says nothing.</summary>
    [Parameter]
    public ReportFormat Format { get; set; }

    /// <summary>The report's title.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? Title { get; set; }

    /// <inheritdoc/>
    protected override void BeginProcessing()
    {
        _handOn = PassThru;
        try
        {
            _file = SessionState.Path.GetUnresolvedProviderPathFromPSPath(Path, out ProviderInfo provider, out _);
            if (provider.Name != "FileSystem") Refuse($"'{Path}' is no path of the file system.", "LbTest.Path", ErrorCategory.InvalidArgument, "Give a file");
            else if (Directory.Exists(_file)) Refuse($"'{_file}' is a folder.", "LbTest.Path", ErrorCategory.InvalidArgument, "Give a file in it");
            else if (!MayWrite(_file, Path)) _handOn = true;
            else if (ShouldProcess(_file, $"Write a report ({FormatInForce})")) _write = Try(Probe);
        }
        catch (SessionStateException fault)
        {
            Refuse(fault.Message.TrimEnd('.') + ".", "LbTest.Path", ErrorCategory.ObjectNotFound, "Give a file in a folder that exists");
        }
    }

    private ReportFormat FormatInForce => MyInvocation.BoundParameters.ContainsKey(nameof(Format)) ? Format : ReportWriter.FormatOf(_file);

    private protected override void Process()
    {
        _results.AddRange(Result);
        if (_handOn) WriteObject(Result, enumerateCollection: true);
    }

    private protected override void Finish()
    {
        if (!_write || _results.Count == 0) return;
        string text = Run(_ => Task.FromResult(ReportWriter.Write(_results, FormatInForce, new ReportOptions { Title = Title })), "Writing the report");
        if (!Try(() => File.WriteAllText(_file, text)) && !PassThru) WriteObject(_results, enumerateCollection: true);
    }

    // Opening it is the only way to know; what was there stays as it was.
    private void Probe()
    {
        bool was = File.Exists(_file);
        using (new FileStream(_file, FileMode.OpenOrCreate, FileAccess.Write, FileShare.ReadWrite))
        {
        }

        if (!was) File.Delete(_file);
    }

    private bool Try(Action write)
    {
        try
        {
            write();
            return true;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            ErrorCategory category = fault is DirectoryNotFoundException ? ErrorCategory.ObjectNotFound : fault is UnauthorizedAccessException ? ErrorCategory.PermissionDenied : ErrorCategory.WriteError;
            Refuse($"The report '{_file}' cannot be written: {fault.Message.TrimEnd('.')}.", "LbTest.ReportPath", category, "Give a file in a folder that exists and that you may write to", fault);
            return false;
        }
    }

    private void Refuse(string problem, string id, ErrorCategory category, string remedy, Exception? fault = null)
    {
        // Results that come find no report to go to.
        _handOn = true;
        WriteRefusal(problem, id, category, remedy, Path, fault);
    }
}
