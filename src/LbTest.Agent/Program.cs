using System.CommandLine;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using LbTest.Agent;
using LbTest.Clusters.Protocol;
using LbTest.Clusters.Tools;
using LbTest.Engine;
using LbTest.Engine.Sockets;

var root = new RootCommand("Tells the truth about load balancing: how evenly connections spread over endpoints.")
{
    ServeCommand.Create(), ConnectCommand.Create(), TrafficCommand.Create(), LabCommand.Create(), AnalysisCommands.CreateFrequency(), AnalysisCommands.CreateBalance(),
    AnalysisCommands.CreateDisruption(), AnalysisCommands.CreateCompare(), ReportCommands.CreateReport(), ReportCommands.CreateChart(), PrerequisiteCommand.Create(),
    ProxyModeCommand.Create(), AgentCommand.Create(), NodeCommand.Create(), ImageCommand.Create(),
};
ParseResult parsed = root.Parse(args);
if (parsed.Errors.Count > 0)
{
    // One line; System.CommandLine would print the whole help and return 1, which means that connections failed.
    IEnumerable<string> lines = parsed.Errors.SelectMany(error => error.Message.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
    await Console.Error.WriteLineAsync($"lbtest: {string.Join(' ', lines)} See --help.");
    return ExitCode.BadInput;
}

using var stop = new CancellationTokenSource();
try
{
    // Before anything starts: System.CommandLine listens to signals only once the command is on its way.
    using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
    using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
    return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null }, stop.Token);
}
catch (Exception exception) when (exception is PlanException or FormatException or AgentLostException or ToolException or SocketFault
    or InvalidOperationException or IOException or UnauthorizedAccessException or PlatformNotSupportedException or NotSupportedException
    or ArgumentOutOfRangeException or SocketException or TypeInitializationException { InnerException: IOException })
{
    // What a user can do something about: the message says it all, a stack trace would bury it.
    string message = exception switch
    {
        TypeInitializationException { InnerException: { } cause } => cause.Message,
        ArgumentOutOfRangeException => exception.Message.Split('\n')[0],
        _ => exception.Message,
    };
    await Console.Error.WriteLineAsync($"lbtest: {message}");
    return ExitCode.BadInput;
}
catch (OperationCanceledException)
{
    return ExitCode.Stopped;
}

// The command has a few seconds to end and to tell what it has; a second signal ends it at once.
void Stop(PosixSignalContext context)
{
    if (stop.IsCancellationRequested) return;
    context.Cancel = true;
    _ = Task.Delay(Patience.ToEnd).ContinueWith(_ => Environment.Exit(ExitCode.Stopped), TaskScheduler.Default);
    stop.Cancel();
}
