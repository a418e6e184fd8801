using System.CommandLine;
using LbTest.Clusters;
using LbTest.Clusters.Lab;
using LbTest.Engine;
using LbTest.Engine.Connect;
using LbTest.Engine.Results;
using LbTest.Engine.Sockets;

namespace LbTest.Agent;

/// <summary><c>lbtest connect</c>: a connect test, against an address from this machine or against a running lab.</summary>
internal static class ConnectCommand
{
    internal static Command Create()
    {
        var where = new TestOptions();
        var count = new Option<long>("--count", "-c", "--nconn") { Description = "How many connections", DefaultValueFactory = _ => 1000 };
        var concurrency = new Option<int>("--concurrency") { Description = "How many at once", DefaultValueFactory = _ => 64 };
        var udp = new Option<bool>("--udp") { Description = "Datagrams instead of connections" };
        var timeout = new Option<double?>("--timeout") { Description = "Seconds for the whole test (default 30, and 1 more per 1,000 connections)" };
        var connectTimeout = new Option<double>("--connect-timeout") { Description = "Seconds for one connection", DefaultValueFactory = _ => 5 };
        var source = new Option<string?>("--source") { Description = "Source address or CIDR, a random address of it per connection" };
        var sourcePort = new Option<int>("--source-port") { Description = "Fixed source port" };
        var seed = new Option<int?>("--seed") { Description = "Seed of the choice of source addresses" };
        var keep = new Option<bool>("--keep-open") { Description = "Keep all connections open until the end" };
        var threads = new Option<int>("--threads") { Description = "Worker threads (default one per processor, half as many towards loopback)" };
        var label = new Option<string?>("--label") { Description = "A name for the result" };
        var json = new Option<bool>("--json") { Description = "Print the result as JSON" };
        var command = new Command("connect", "Make many connections and count which endpoint answers.")
        {
            count, concurrency, udp, timeout, connectTimeout, source, sourcePort, seed, keep, threads, label, json,
        };
        where.AddTo(command);
        command.SetAction(async (parsed, cancel) =>
        {
            (string? addressText, string? labName) = where.Where(parsed);
            var plan = new ConnectPlan
            {
                Target = addressText is null ? new IPEndPoint(IPAddress.Any, 0) : HostPort.Resolve(addressText, "--address"),
                Count = parsed.GetValue(count), Concurrency = parsed.GetValue(concurrency), Protocol = parsed.GetValue(udp) ? TransportProtocol.Udp : TransportProtocol.Tcp,
                Timeout = parsed.GetValue(timeout) is { } seconds ? TestOptions.Seconds("--timeout", seconds) : null,
                ConnectTimeout = TestOptions.Seconds("--connect-timeout", parsed.GetValue(connectTimeout)), Source = parsed.GetValue(source),
                SourcePort = parsed.GetValue(sourcePort), Seed = parsed.GetValue(seed), KeepOpen = parsed.GetValue(keep), Threads = parsed.GetValue(threads),
                Label = parsed.GetValue(label),
            };
            ConnectResult result;
            if (labName is null)
            {
                result = await ConnectRun.RunAsync(plan, cancel: cancel);
            }
            else
            {
                using LabCluster cluster = await LabCommand.FindAsync(labName);
                result = await cluster.ConnectAsync(where.Fill(new ConnectRequest { Plan = plan }, parsed), null, cancel);
            }

            if (parsed.GetValue(json)) TestOptions.WriteJson(result);
            else Console.Out.Write(ResultText.Of(result));
            return result.Failed == 0 && result.Completed ? ExitCode.Success : ExitCode.Failures;
        });
        return command;
    }
}
