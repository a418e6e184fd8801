namespace LbTest.Engine.Results;

/// <summary>What to call results that stand side by side.</summary>
internal static class ResultLabels
{
    /// <summary>A name for each result, no two alike: its label, else its proxy mode, else its kind.</summary>
    internal static ImmutableArray<string> Of(IReadOnlyList<ITestResult> results)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        return [.. results.Select(result =>
        {
            string label = string.IsNullOrWhiteSpace(result.Label) ? result.Context?.ProxyMode ?? result.Kind : result.Label, unique = label;
            for (int i = 2; !seen.Add(unique); i++) unique = string.Create(CultureInfo.InvariantCulture, $"{label} ({i})");
            return unique;
        })];
    }
}
