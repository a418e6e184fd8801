using LbTest.Cmdlets.Results;
using LbTest.Engine.Analysis;
using LbTest.Engine.Connect;

namespace LbTest.Cmdlets.Analysis;

/// <summary>Puts results side by side in a frequency table, a column per result, with the verdict below each.</summary>
[Cmdlet(VerbsCommon.Format, "LbTable")]
[OutputType(typeof(FrequencyTable))]
public sealed class FormatLbTableCommand : ResultCommand<ConnectResult>
{
    private readonly List<ConnectResult> _results = [];

    private protected override void Process(ConnectResult result) => _results.Add(result);

    private protected override void Finish()
    {
        if (_results.Count > 0) WriteObject(ConnectAnalysis.Table(_results));
    }
}
