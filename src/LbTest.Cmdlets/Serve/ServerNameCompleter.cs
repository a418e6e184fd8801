using System.Collections;
using System.Management.Automation.Language;
using LbTest.Cmdlets.Parameters;

namespace LbTest.Cmdlets.Serve;

/// <summary>Completes the names of servers of this session.</summary>
public sealed class ServerNameCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters) =>
        Completion.Of(RunningServers.All.Select(server => server.Name).Distinct(), wordToComplete);
}
