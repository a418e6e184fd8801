using System.CommandLine;
using System.Text.Json;
using LbTest.Clusters.Kubernetes.Nodes;
using LbTest.Clusters.Lab.Dataplanes;
using LbTest.Clusters.Protocol;

namespace LbTest.Agent;

/// <summary><c>lbtest node</c>: what runs in a privileged pod on a node of a Kubernetes cluster. For LbTest itself, so it is hidden.</summary>
internal static class NodeCommand
{
    internal static Command Create()
    {
        var command = new Command("node", "What LbTest does on a node, from a pod that shares its processes and network.") { CreateWait(), CreateTool(), CreatePrerequisite() };
        command.Hidden = true;
        return command;
    }

    private static Command CreateWait()
    {
        var command = new Command("wait", "Wait until it is told to end.");
        command.SetAction(async (_, cancel) =>
        {
            await Task.Delay(Timeout.Infinite, cancel);
            return ExitCode.Success;
        });
        return command;
    }

    private static Command CreateTool()
    {
        var words = new Argument<string[]>("command") { Description = "The tool and its arguments, after '--'", Arity = ArgumentArity.OneOrMore };
        var proxyFirst = new Option<bool>("--proxy-first") { Description = "Take kube-proxy's tool rather than the node's" };
        var command = new Command("tool", "Run a tool of the node, or of kube-proxy's container.") { proxyFirst, words };
        command.SetAction(parsed =>
        {
            if (!OperatingSystem.IsLinux()) throw new PlatformNotSupportedException("This runs on a Linux node.");
            NodeTool.Become(parsed.GetValue(words)!, parsed.GetValue(proxyFirst));
            return ExitCode.BadInput;
        });
        return command;
    }

    private static Command CreatePrerequisite()
    {
        var mode = new Option<ProxyMode[]>("--proxy-mode") { Description = "For these modes only", AllowMultipleArgumentsPerToken = true };
        var command = new Command("prerequisite", "What the node has and lacks, as JSON.") { mode };
        command.SetAction(parsed =>
        {
            Console.WriteLine(JsonSerializer.Serialize(NodeTool.Prerequisites(parsed.GetValue(mode) ?? []), AgentJson.Default.ImmutableArrayPrerequisite));
            return ExitCode.Success;
        });
        return command;
    }
}
