using LbTest.Cmdlets.Parameters;
using LbTest.Engine.Analysis;
using LbTest.Engine.Connect;

namespace LbTest.Cmdlets.Analysis;

/// <summary>Puts results side by side in a frequency table, a column per result, with the verdict below each.</summary>
[Cmdlet(VerbsCommon.Format, "LbTable")]
[OutputType(typeof(FrequencyTable))]
public sealed class FormatLbTableCommand : LbCommand
{
    private readonly List<ConnectResult> _results = [];

    /// <summary>The results, in the order of the columns.</summary>
    [Parameter(Position = 0, Mandatory = true, ValueFromPipeline = true)]
    [Result]
    public ConnectResult[] Result { get; set; } = [];

    private protected override void Process() => _results.AddRange(Result);

    private protected override void Finish()
    {
        if (_results.Count > 0) WriteObject(ConnectAnalysis.Table(_results));
    }
}
