using LbTest.Cmdlets.Parameters;
using LbTest.Cmdlets.Results;
using LbTest.Engine.Analysis;
using LbTest.Engine.Compare;
using LbTest.Engine.Results;

namespace LbTest.Cmdlets.Analysis;

/// <summary>Compares results: does the spread differ by more than chance explains, and what did disturbances cost in each?</summary>
[Cmdlet(VerbsData.Compare, "LbResult")]
[OutputType(typeof(ResultComparison))]
public sealed class CompareLbResultCommand : ResultCommand<ITestResult>
{
    private readonly List<ITestResult> _waiting = [];
    private ITestResult? _reference;
    private int _compared;

    /// <summary>What the others are compared with: a result, or the label of one of the results; the first result if not given.</summary>
    [Parameter]
    [Result]
    public object? Reference { get; set; }

    /// <summary>The probability that two spreads of one kind are called different, at most.</summary>
    [Parameter]
    public double Alpha { get; set; } = 0.01;

    /// <summary>The seed of Monte-Carlo tests.</summary>
    [Parameter]
    public int Seed { get; set; } = BalanceOptions.DefaultSeed;

    private string? WantedLabel => Given is string label ? label : null;

    private object? Given => Reference is PSObject wrapped ? wrapped.BaseObject : Reference;

    /// <inheritdoc/>
    protected override void BeginProcessing()
    {
        _reference = Given as ITestResult;
        if (Given is null or string or ITestResult) return;
        var fault = new PlanException(nameof(Reference), Given, "is neither a result nor the label of one", "Give one result, or the label of one of the results");
        ThrowTerminatingError(Faults.Describe(fault)!);
    }

    private protected override void Process(ITestResult result)
    {
        if (_reference is null && WantedLabel is { } label && !Named(result, label)) _waiting.Add(result);
        else if (_reference is null)
        {
            _reference = result;
            foreach (ITestResult earlier in _waiting) Compare(earlier);
            _waiting.Clear();
        }
        else if (!ReferenceEquals(result, _reference)) Compare(result);
    }

    private protected override void Finish()
    {
        PlanException.Require(_reference is not null || WantedLabel is null, nameof(Reference), WantedLabel, "is the label of none of the results",
            _waiting.Count == 0 ? "Give results" : $"Give one of: {string.Join(", ", _waiting.Select(result => $"'{result.Label}'").Distinct(StringComparer.Ordinal))}");
        PlanException.Require(_compared > 0, nameof(Result), _reference?.Label, "is alone, so there is nothing to compare it with", "Give two results or more");
    }

    private void Compare(ITestResult result)
    {
        _compared++;
        var options = new BalanceOptions { Alpha = Alpha, Seed = Seed };
        ResultComparison comparison = Run(_ => Task.FromResult(ComparisonAnalysis.Compare(_reference!, result, options)), $"Comparing {result.Label ?? "result"}");
        foreach (string warning in comparison.Warnings) WriteWarning(warning);
        WriteObject(comparison);
    }

    private static bool Named(ITestResult result, string label) => string.Equals(result.Label, label, StringComparison.OrdinalIgnoreCase);
}
