using LbTest.Cmdlets.Results;
using LbTest.Engine.Analysis;
using LbTest.Engine.Connect;

namespace LbTest.Cmdlets.Analysis;

/// <summary>Counts, result by result, how many endpoints got how many connections.</summary>
[Cmdlet(VerbsCommon.Get, "LbFrequency")]
[OutputType(typeof(FrequencyEntry))]
public sealed class GetLbFrequencyCommand : ResultCommand<ConnectResult>
{
    private protected override void Process(ConnectResult result)
    {
        foreach (FrequencyRow row in ConnectAnalysis.Frequencies(result)) WriteObject(new FrequencyEntry(result.Label, row.Connections, row.Endpoints));
    }
}
