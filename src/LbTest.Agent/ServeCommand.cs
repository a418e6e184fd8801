using System.CommandLine;
using LbTest.Engine.Serve;
using LbTest.Engine.Sockets;

namespace LbTest.Agent;

/// <summary><c>lbtest serve</c>: one endpoint on this machine, until it is stopped.</summary>
internal static class ServeCommand
{
    internal static Command Create()
    {
        var address = new Option<string?>("--address", "-a") { Description = "Where to listen, host:port [default: [::]:5001, for traffic [::]:5003]" };
        var name = new Option<string>("--name", "-n") { Description = "What to answer with", DefaultValueFactory = _ => Environment.MachineName };
        var protocol = new Option<ServedProtocols>("--protocol") { Description = "Tcp, Udp or Both", DefaultValueFactory = _ => ServedProtocols.Both };
        var service = new Option<ServedService>("--service") { Description = "Connect: the name, as mconnect servers; Traffic: an echo with the name at its beginning, as ctraffic servers" };
        var behavior = new Option<EndpointBehavior>("--behavior") { Description = "Serve, or a fault on demand: Refuse, Drop, Hang, Reset, Partial" };
        var threads = new Option<int>("--threads") { Description = "Worker threads", DefaultValueFactory = _ => 1 };
        var command = new Command("serve", "Answer every connection and datagram with a name, as mconnect servers do, or echo it, as ctraffic servers do.")
        {
            address, name, service, protocol, behavior, threads,
        };
        command.SetAction(async (parsed, cancel) =>
        {
            string where = parsed.GetValue(address) ?? $"[::]:{ServedEndpoint.DefaultPort(parsed.GetValue(service))}";
            var endpoint = new ServedEndpoint(parsed.GetValue(name)!, HostPort.Resolve(where, "--address", listen: true), null, parsed.GetValue(protocol))
            {
                Service = parsed.GetValue(service),
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
