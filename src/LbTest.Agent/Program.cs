using System.CommandLine;
using LbTest.Agent;
using LbTest.Clusters.Protocol;
using LbTest.Clusters.Tools;
using LbTest.Engine;
using LbTest.Engine.Sockets;

var root = new RootCommand("Tells the truth about load balancing: how evenly connections spread over endpoints.")
{
    ServeCommand.Create(), ConnectCommand.Create(), LabCommand.Create(), AnalysisCommands.CreateFrequency(), AnalysisCommands.CreateBalance(), PrerequisiteCommand.Create(),
};
try
{
    return await root.Parse(args).InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = TimeSpan.FromSeconds(5) });
}
catch (Exception exception) when (exception is PlanException or FormatException or AgentLostException or ToolException or SocketFault
    or InvalidOperationException or IOException or UnauthorizedAccessException or PlatformNotSupportedException or NotSupportedException)
{
    // What a user can do something about: the message says it all, a stack trace would bury it.
    await Console.Error.WriteLineAsync($"lbtest: {exception.Message}");
    return ExitCode.BadInput;
}
catch (OperationCanceledException)
{
    return ExitCode.Stopped;
}
