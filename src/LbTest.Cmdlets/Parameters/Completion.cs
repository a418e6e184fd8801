namespace LbTest.Cmdlets.Parameters;

/// <summary>Turns names into completions of a word that a user has begun.</summary>
internal static class Completion
{
    internal static IEnumerable<CompletionResult> Of(IEnumerable<string> names, string word)
    {
        WildcardPattern begun = WildcardPattern.Get(word.Trim('\'', '"') + "*", WildcardOptions.IgnoreCase);
        return names.Where(begun.IsMatch).Select(name => new CompletionResult(name, name, CompletionResultType.ParameterValue, name));
    }
}
