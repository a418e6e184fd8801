using LbTest.Cmdlets.Parameters;
using LbTest.Engine.Connect;
using LbTest.Engine.Results;
using LbTest.Engine.Traffic;

namespace LbTest.Cmdlets.Results;

/// <summary>What cmdlets share that work on results of one kind: each result of another kind is told where to go, and the others go on.</summary>
/// <typeparam name="T">The kind of result.</typeparam>
public abstract class ResultCommand<T> : LbCommand where T : class, ITestResult
{
    /// <summary>The results.</summary>
    [Parameter(Position = 0, Mandatory = true, ValueFromPipeline = true)]
    [Result]
    public ITestResult[] Result { get; set; } = [];

    /// <summary>Does the work for one result.</summary>
    private protected abstract void Process(T result);

    private protected sealed override void Process()
    {
        foreach (ITestResult result in Result)
        {
            try
            {
                if (result is T wanted) Process(wanted);
                else WriteError(WrongKind(result));
            }
            // The result lacks what is asked of it; the next one may have it.
            catch (PlanException fault) when (fault.Parameter == nameof(Result))
            {
                ErrorRecord error = Faults.Describe(fault)!;
                WriteError(new ErrorRecord(fault, "LbTest.Result", ErrorCategory.InvalidData, result) { ErrorDetails = error.ErrorDetails });
            }
        }
    }

    private ErrorRecord WrongKind(ITestResult result)
    {
        string remedy = result switch
        {
            TrafficResult => "Use Measure-LbDisruption, Measure-LbTraffic, Get-LbTrafficSample or Get-LbTrafficConnection for traffic results",
            ConnectResult => "Use Format-LbTable, Measure-LbBalance or Get-LbFrequency for connect results",
            _ => "Give a result of another kind",
        };
        string message = $"{MyInvocation.MyCommand.Name} has no use for {(result.Label is null ? $"a {result.Kind} result" : $"the {result.Kind} result '{result.Label}'")}. {remedy}.";
        return new ErrorRecord(new InvalidOperationException(message), "LbTest.ResultKind", ErrorCategory.InvalidType, result)
        {
            ErrorDetails = new ErrorDetails(message) { RecommendedAction = remedy },
        };
    }
}
