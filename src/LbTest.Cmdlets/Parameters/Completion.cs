namespace LbTest.Cmdlets.Parameters;

/// <summary>Turns names into completions of a word that a user has begun.</summary>
internal static class Completion
{
    internal static IEnumerable<CompletionResult> Of(IEnumerable<string> names, string word)
    {
        WildcardPattern begun = WildcardPattern.Get(word.Trim('\'', '"') + "*", WildcardOptions.IgnoreCase);
        return names.Where(begun.IsMatch).Select(name => new CompletionResult(Quoted(name), name, CompletionResultType.ParameterValue, name));
    }

    // Names of contexts may be anything.
    private static string Quoted(string name) => name.All(c => char.IsLetterOrDigit(c) || c is '-' or '_' or '.' or '/' or ':' or '+') && !name.StartsWith('-') ? name : $"'{name.Replace("'", "''", StringComparison.Ordinal)}'";
}
