using System.Collections.Immutable;
using System.CommandLine;
using System.Globalization;
using LbTest.Clusters;
using LbTest.Clusters.Lab;
using LbTest.Engine;
using LbTest.Engine.Disturbances;
using LbTest.Engine.Results;
using LbTest.Engine.Sockets;
using LbTest.Engine.Traffic;

namespace LbTest.Agent;

/// <summary><c>lbtest traffic</c>: long-lived connections at a known rate, against an address from this machine or against a running lab.</summary>
internal static class TrafficCommand
{
    internal static Command Create()
    {
        var where = new TestOptions();
        var connections = new Option<int>("--connections", "-c", "--nconn") { Description = "How many connections are held", DefaultValueFactory = _ => 100 };
        var packets = new Option<double?>("--packets-per-second") { Description = "Rate of all connections together (default: one packet a second on each)" };
        var bytes = new Option<double?>("--bytes-per-second") { Description = "The same in bytes" };
        var size = new Option<int>("--packet-size", "--psize") { Description = "Bytes per packet", DefaultValueFactory = _ => 1024 };
        var duration = new Option<double>("--duration", "--timeout") { Description = "Seconds that traffic lasts", DefaultValueFactory = _ => 10 };
        var udp = new Option<bool>("--udp") { Description = "Datagrams instead of TCP connections" };
        var noReconnect = new Option<bool>("--no-reconnect") { Description = "Leave lost connections lost" };
        var backOff = new Option<double>("--back-off") { Description = "Seconds before the second attempt to connect; grows up to ten times", DefaultValueFactory = _ => 0.1 };
        var connectTimeout = new Option<double>("--connect-timeout") { Description = "Seconds for one attempt to connect", DefaultValueFactory = _ => 1.5 };
        var responseTimeout = new Option<double>("--response-timeout") { Description = "Seconds to wait for an echo before a connection counts as lost", DefaultValueFactory = _ => 5 };
        var rampUp = new Option<double>("--ramp-up") { Description = "Seconds over which connections are started" };
        var source = new Option<string?>("--source", "--srccidr") { Description = "Source address or CIDR, a random address of it per connection" };
        var sourceFile = new Option<string?>("--source-file", "--srcfile") { Description = "File of source addresses, one a line, each used once" };
        var seed = new Option<int?>("--seed") { Description = "Seed of the choice of source addresses and of what disturbances choose" };
        var threads = new Option<int>("--threads") { Description = "Worker threads (default one per processor, half as many towards loopback)" };
        var disturbance = new Option<string[]>("--disturbance", "-d") { Description = "What happens meanwhile, e.g. 'EndpointDown at=5 name=tserver-001 mode=Reset'; any number of them", AllowMultipleArgumentsPerToken = true };
        var monitor = new Option<bool>("--monitor") { Description = "A line a second on stderr" };
        var label = new Option<string?>("--label") { Description = "A name for the result" };
        var json = new Option<bool>("--json") { Description = "Print the result as JSON" };
        var command = new Command("traffic", "Hold many connections at a known rate, while the cluster is disturbed if wanted, and tell what was lost.")
        {
            connections, packets, bytes, size, duration, udp, noReconnect, backOff, connectTimeout, responseTimeout, rampUp, source, sourceFile, seed, threads, disturbance, monitor,
            label, json,
        };
        where.AddTo(command);
        command.SetAction(async (parsed, cancel) =>
        {
            (string? addressText, string? labName) = where.Where(parsed);
            ImmutableArray<Disturbance> disturbances = [.. (parsed.GetValue(disturbance) ?? []).Select(DisturbanceText.Parse)];
            string? file = parsed.GetValue(sourceFile);
            var plan = new TrafficPlan
            {
                Target = addressText is null ? new IPEndPoint(IPAddress.Any, 0) : HostPort.Resolve(addressText, "--address"),
                Connections = parsed.GetValue(connections), PacketsPerSecond = parsed.GetValue(packets), BytesPerSecond = parsed.GetValue(bytes),
                PacketSize = parsed.GetValue(size), Duration = TestOptions.Seconds("--duration", parsed.GetValue(duration)),
                Protocol = parsed.GetValue(udp) ? TransportProtocol.Udp : TransportProtocol.Tcp, Reconnect = !parsed.GetValue(noReconnect),
                BackOff = TestOptions.Seconds("--back-off", parsed.GetValue(backOff)), ConnectTimeout = TestOptions.Seconds("--connect-timeout", parsed.GetValue(connectTimeout)),
                ResponseTimeout = TestOptions.Seconds("--response-timeout", parsed.GetValue(responseTimeout)),
                RampUp = TestOptions.SecondsOrNone("--ramp-up", parsed.GetValue(rampUp)), Source = parsed.GetValue(source),
                Sources = file is null ? [] : SourceList.Parse(await File.ReadAllTextAsync(file, cancel), file), Seed = parsed.GetValue(seed),
                Threads = parsed.GetValue(threads), Label = parsed.GetValue(label),
            };
            Monitor? watch = parsed.GetValue(monitor) ? new Monitor() : null;
            TrafficResult result;
            if (labName is null)
            {
                PlanException.Require(disturbances.IsEmpty, "--disturbance", disturbances.FirstOrDefault()?.Kind, "needs a cluster to disturb", "Use --lab instead of --address");
                result = await TrafficRun.RunAsync(plan, progress: watch, cancel: cancel);
            }
            else
            {
                using LabCluster cluster = await LabCommand.FindAsync(labName);
                result = await cluster.TrafficAsync(where.Fill(new TrafficRequest { Plan = plan, Disturbances = disturbances }, parsed), watch, cancel);
            }

            if (parsed.GetValue(json)) TestOptions.WriteJson(result);
            else Console.Out.Write(TrafficText.Of(result));
            return result is { LostConnections: 0, FailedConnects: 0, Completed: true } ? ExitCode.Success : ExitCode.Failures;
        });
        return command;
    }

    /// <summary>A line a second on stderr, as <c>ctraffic -monitor</c> has them, with what happened in between.</summary>
    private sealed class Monitor : IProgress<TrafficProgress>
    {
        private long _failed, _sent, _received, _dropped;

        public void Report(TrafficProgress value)
        {
            if (value.Disturbance is { } happened) Say($"{happened.Applied.TotalSeconds,8:0.000} s: {happened.Description}{(happened.Error is null ? "" : $": {happened.Error}")}");
            if (value.Sample is not { } sample) return;
            (_failed, _sent, _received, _dropped) = (_failed + sample.Failed, _sent + sample.Sent, _received + sample.Received, _dropped + sample.Dropped);
            Say($"{sample.Time.TotalSeconds,8:0} s: connections active/failed/connecting {sample.Active}/{_failed}/{sample.Connecting}, packets sent/received/dropped {_sent}/{_received}/{_dropped}, p99 {sample.Latency.P99.TotalMilliseconds:0.000} ms");
        }

        private static void Say(FormattableString line) => Console.Error.WriteLine(line.ToString(CultureInfo.InvariantCulture));
    }
}
