using System.Collections;
using System.Management.Automation.Language;
using LbTest.Clusters;
using LbTest.Cmdlets.Clusters;

namespace LbTest.Cmdlets.Parameters;

/// <summary>Completes the names of nodes and endpoints: those of the cluster on the command line, else of the one started last.</summary>
public sealed class PlaceNameCompleter : IArgumentCompleter
{
    private const string Tester = "tester";

    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters)
    {
        ArgumentNullException.ThrowIfNull(fakeBoundParameters);
        object? given = fakeBoundParameters["Cluster"];
        Cluster? cluster = (given is PSObject wrapped ? wrapped.BaseObject : given) switch
        {
            Cluster one => one,
            string name => RunningClusters.Find(name),
            _ => RunningClusters.Newest(),
        };
        if (cluster is null) return [];
        (bool nodes, bool endpoints, bool tester) = Wanted(commandName, parameterName, fakeBoundParameters);
        return Completion.Of([.. tester ? [Tester] : Array.Empty<string>(), .. nodes ? cluster.Nodes : [], .. endpoints ? cluster.Endpoints : []], wordToComplete);
    }

    // '-From Node' and '-To NodePort' want a node, '-From Pod' and '-To Endpoint' an endpoint; disturbances, what their kind is about. Nothing said yet: either.
    private static (bool Nodes, bool Endpoints, bool Tester) Wanted(string command, string parameter, IDictionary given)
    {
        bool disturbance = command.Equals("New-LbDisturbance", StringComparison.OrdinalIgnoreCase);
        string? kind = parameter is "Endpoint" or "NodeName" ? parameter : given[disturbance ? "Kind" : parameter.Replace("Name", "", StringComparison.OrdinalIgnoreCase)]?.ToString();
        return kind?.ToUpperInvariant() switch
        {
            "CLIENTPOD" => (true, false, false),
            "POD" or "ENDPOINT" or "ENDPOINTDOWN" or "ENDPOINTUP" => (false, true, false),
            "NODE" or "NODENAME" or "NODEPORT" or "NODEDOWN" or "NODEUP" or "ECMPTARGETREMOVE" or "ECMPTARGETADD" or "CONNTRACKFLUSH" or "NODEDRAIN" => (true, false, false),
            _ => (true, true, disturbance),
        };
    }
}
