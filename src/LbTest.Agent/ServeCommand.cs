using System.CommandLine;
using System.Net;
using System.Net.Sockets;
using LbTest.Engine;
using LbTest.Engine.Serve;
using LbTest.Engine.Sockets;

namespace LbTest.Agent;

/// <summary><c>lbtest serve</c>: one endpoint on this machine, until it is stopped.</summary>
internal static class ServeCommand
{
    private const double LongestDrain = 86400;

    // The engine's services, and what a pod wants: it runs one process.
    private enum Services
    {
        Connect,
        Traffic,
        Both,
    }

    internal static Command Create()
    {
        var address = new Option<string[]>("--address", "-a") { Description = "Where to listen, host:port [default: [::]:5001, for traffic [::]:5003]. With --service Both twice, the second for traffic", AllowMultipleArgumentsPerToken = true };
        var name = new Option<string>("--name", "-n") { Description = "What to answer with", DefaultValueFactory = _ => Environment.MachineName };
        var protocol = new Option<ServedProtocols>("--protocol") { Description = "Tcp, Udp or Both", DefaultValueFactory = _ => ServedProtocols.Both };
        var service = new Option<Services>("--service") { Description = "Connect: the name, as mconnect servers; Traffic: an echo with the name at its beginning, as ctraffic servers; or Both" };
        var behavior = new Option<EndpointBehavior>("--behavior") { Description = "Serve, or a fault on demand: Refuse, Drop, Hang, Reset, Partial" };
        var threads = new Option<int>("--threads") { Description = "Worker threads", DefaultValueFactory = _ => 1 };
        var drain = new Option<double>("--drain-time") { Description = "Seconds to go on serving, new connections too, after a signal to end (SIGTERM, Ctrl+C); a second signal ends at once" };
        var command = new Command("serve", "Answer every connection and datagram with a name, as mconnect servers do, or echo it, as ctraffic servers do.")
        {
            address, name, service, protocol, behavior, threads, drain,
        };
        command.SetAction(async (parsed, cancel) =>
        {
            double drainSeconds = parsed.GetValue(drain);
            PlanException.Require(drainSeconds is >= 0 and <= LongestDrain, "--drain-time", drainSeconds, "is not a number of seconds to go on", $"Give 0 to {LongestDrain}");
            ServedService[] services = parsed.GetValue(service) switch { Services.Connect => [ServedService.Connect], Services.Traffic => [ServedService.Traffic], _ => [ServedService.Connect, ServedService.Traffic] };
            IPEndPoint[] addresses = Addresses(services, parsed.GetValue(address) ?? []);
            ServedEndpoint[] endpoints =
            [
                .. services.Zip(addresses, (one, where) => new ServedEndpoint(parsed.GetValue(name)!, where, null, parsed.GetValue(protocol)) { Service = one, Behavior = parsed.GetValue(behavior) }),
            ];
            using Server server = Server.Start(endpoints, Math.Max(1, parsed.GetValue(threads)));
            foreach (IPEndPoint where in server.Addresses) Console.WriteLine($"ready: {endpoints[0].Name} on {where}");
            Patience.ToEnd += TimeSpan.FromSeconds(drainSeconds);
            await Until(cancel);
            // Whoever balances learns of the end only now; until all of them know, they send connections here.
            if (drainSeconds > 0) await Task.Delay(TimeSpan.FromSeconds(drainSeconds), CancellationToken.None);
            Console.WriteLine($"served: {server.Accepted.Sum()} connections and datagrams");
            return ExitCode.Success;
        });
        return command;
    }

    private static async Task Until(CancellationToken cancel)
    {
        var stopped = new TaskCompletionSource();
        using CancellationTokenRegistration interrupted = cancel.Register(() => stopped.TrySetResult());
        await stopped.Task;
    }

    private static IPEndPoint[] Addresses(ServedService[] services, string[] given)
    {
        // A kernel without IPv6 has no [::], which serves both families elsewhere.
        if (given.Length == 0) return [.. services.Select(one => new IPEndPoint(Socket.OSSupportsIPv6 ? IPAddress.IPv6Any : IPAddress.Any, ServedEndpoint.DefaultPort(one)))];
        PlanException.Require(given.Length == services.Length, "--address", string.Join(", ", given), "is not an address for each service", $"Give {services.Length}, or none for the default");
        return [.. given.Select(one => HostPort.Resolve(one, "--address", listen: true))];
    }
}
