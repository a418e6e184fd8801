using System.CommandLine;
using LbTest.Engine.Serve;
using LbTest.Engine.Sockets;

namespace LbTest.Agent;

/// <summary><c>lbtest serve</c>: one endpoint on this machine, until it is stopped.</summary>
internal static class ServeCommand
{
    internal static Command Create()
    {
        var address = new Option<string>("--address", "-a") { Description = "Where to listen, host:port", DefaultValueFactory = _ => "[::]:5001" };
        var name = new Option<string>("--name", "-n") { Description = "What to answer with", DefaultValueFactory = _ => Environment.MachineName };
        var protocol = new Option<ServedProtocols>("--protocol") { Description = "Tcp, Udp or Both", DefaultValueFactory = _ => ServedProtocols.Both };
        var behavior = new Option<EndpointBehavior>("--behavior") { Description = "Serve, or a fault on demand: Refuse, Drop, Hang, Reset, Partial" };
        var threads = new Option<int>("--threads") { Description = "Worker threads", DefaultValueFactory = _ => 1 };
        var command = new Command("serve", "Answer every connection and datagram with a name, as mconnect servers do.") { address, name, protocol, behavior, threads };
        command.SetAction(async (parsed, cancel) =>
        {
            var endpoint = new ServedEndpoint(parsed.GetValue(name)!, HostPort.Resolve(parsed.GetValue(address)!, "--address", listen: true), null, parsed.GetValue(protocol))
            {
                Behavior = parsed.GetValue(behavior),
            };
            using Server server = Server.Start([endpoint], Math.Max(1, parsed.GetValue(threads)));
            Console.WriteLine($"ready: {endpoint.Name} on {server.Addresses[0]}");
            var stopped = new TaskCompletionSource();
            using CancellationTokenRegistration interrupted = cancel.Register(() => stopped.TrySetResult());
            await stopped.Task;
            Console.WriteLine($"served: {server.Accepted[0]} connections and datagrams");
            return ExitCode.Success;
        });
        return command;
    }
}
