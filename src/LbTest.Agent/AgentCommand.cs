using System.CommandLine;
using LbTest.Clusters.Protocol;

namespace LbTest.Agent;

/// <summary><c>lbtest agent</c>: carries out what others ask for, from this machine or pod.</summary>
internal static class AgentCommand
{
    internal static Command Create()
    {
        var command = new Command("agent", "Carry out the plans that come on stdin, one JSON line each; answer on stdout in JSON lines. Ends when stdin closes.");
        command.SetAction(async (_, cancel) =>
        {
            await MachineAgent.RunAsync(cancel);
            return ExitCode.Success;
        });
        return command;
    }
}
