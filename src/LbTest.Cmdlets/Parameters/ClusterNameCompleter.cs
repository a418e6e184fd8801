using System.Collections;
using System.Management.Automation.Language;
using LbTest.Cmdlets.Clusters;

namespace LbTest.Cmdlets.Parameters;

/// <summary>Completes the names of running clusters.</summary>
public sealed class ClusterNameCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters) =>
        Completion.Of(RunningClusters.Names(), wordToComplete);
}
