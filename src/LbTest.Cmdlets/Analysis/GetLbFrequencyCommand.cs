using LbTest.Cmdlets.Parameters;
using LbTest.Engine.Analysis;
using LbTest.Engine.Connect;

namespace LbTest.Cmdlets.Analysis;

/// <summary>Counts, result by result, how many endpoints got how many connections.</summary>
[Cmdlet(VerbsCommon.Get, "LbFrequency")]
[OutputType(typeof(FrequencyEntry))]
public sealed class GetLbFrequencyCommand : LbCommand
{
    /// <summary>The results.</summary>
    [Parameter(Position = 0, Mandatory = true, ValueFromPipeline = true)]
    [Result]
    public ConnectResult[] Result { get; set; } = [];

    private protected override void Process()
    {
        foreach (ConnectResult result in Result)
        {
            foreach (FrequencyRow row in ConnectAnalysis.Frequencies(result)) WriteObject(new FrequencyEntry(result.Label, row.Connections, row.Endpoints));
        }
    }
}
