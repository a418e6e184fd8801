using System.Collections;
using System.Management.Automation.Language;
using LbTest.Clusters;
using LbTest.Cmdlets.Clusters;

namespace LbTest.Cmdlets.Parameters;

/// <summary>Completes the names of nodes and endpoints: those of the cluster on the command line, else of the lab started last.</summary>
public sealed class PlaceNameCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters)
    {
        ArgumentNullException.ThrowIfNull(fakeBoundParameters);
        object? given = fakeBoundParameters["Cluster"];
        Cluster? cluster = (given is PSObject wrapped ? wrapped.BaseObject : given) switch
        {
            Cluster one => one,
            string name => RunningLabs.Find(name),
            _ => RunningLabs.Newest(),
        };
        if (cluster is null) return [];
        // '-From Node' and '-To NodePort' want a node, '-From Pod' and '-To Endpoint' an endpoint. Nothing said yet: either.
        string? kind = fakeBoundParameters[parameterName.Replace("Name", "", StringComparison.OrdinalIgnoreCase)]?.ToString();
        IEnumerable<string> nodes = kind is "Pod" or "Endpoint" ? [] : cluster.Nodes, endpoints = kind is "Node" or "NodePort" ? [] : cluster.Endpoints;
        return Completion.Of(nodes.Concat(endpoints), wordToComplete);
    }
}
