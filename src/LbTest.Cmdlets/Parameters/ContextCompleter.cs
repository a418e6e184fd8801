using System.Collections;
using System.Management.Automation.Language;
using LbTest.Clusters.Kubernetes;

namespace LbTest.Cmdlets.Parameters;

/// <summary>Completes the names of a kubeconfig's contexts.</summary>
public sealed class ContextCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters)
    {
        ArgumentNullException.ThrowIfNull(fakeBoundParameters);
        try
        {
            using var soon = new CancellationTokenSource(TimeSpan.FromSeconds(2));
            return Completion.Of(KubeContexts.NamesAsync(fakeBoundParameters["KubeConfig"]?.ToString(), soon.Token).GetAwaiter().GetResult(), wordToComplete);
        }
        catch (Exception fault) when (Faults.Describe(fault) is not null || fault is OperationCanceledException)
        {
            // No kubectl, or no kubeconfig: nothing to complete with.
            return [];
        }
    }
}
