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
        var address = new Option<string?>("--address", "-a") { Description = "Connect to this host:port from this machine" };
        var lab = new Option<string?>("--lab") { Description = "Connect inside this lab (see 'lbtest lab start')" };
        var from = new Option<VantagePoint>("--from") { Description = "With --lab: External, Node or Pod" };
        var fromName = new Option<string?>("--from-name") { Description = "With --lab: which node or pod" };
        var to = new Option<ServiceTarget>("--to") { Description = "With --lab: LoadBalancer, ClusterIP, NodePort or Endpoint" };
        var toName = new Option<string?>("--to-name") { Description = "With --lab: which node's port, or which endpoint" };
        var ipv6 = new Option<bool>("--ipv6") { Description = "With --lab: use IPv6" };
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
            address, lab, from, fromName, to, toName, ipv6, count, concurrency, udp, timeout, connectTimeout, source, sourcePort, seed, keep, threads, label, json,
        };
        command.SetAction(async (parsed, cancel) =>
        {
            string? addressText = parsed.GetValue(address), labName = parsed.GetValue(lab);
            if (addressText is null == labName is null) throw new PlanException("--address", addressText, "and --lab exclude each other", "Give exactly one of them");
            var plan = new ConnectPlan
            {
                Target = addressText is null ? new IPEndPoint(IPAddress.Any, 0) : HostPort.Resolve(addressText, "--address"),
                Count = parsed.GetValue(count), Concurrency = parsed.GetValue(concurrency), Protocol = parsed.GetValue(udp) ? TransportProtocol.Udp : TransportProtocol.Tcp,
                Timeout = parsed.GetValue(timeout) is { } seconds ? Seconds("--timeout", seconds) : null,
                ConnectTimeout = Seconds("--connect-timeout", parsed.GetValue(connectTimeout)), Source = parsed.GetValue(source),
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
                var request = new ConnectRequest
                {
                    Plan = plan, From = parsed.GetValue(from), FromName = parsed.GetValue(fromName), To = parsed.GetValue(to), ToName = parsed.GetValue(toName),
                    IPv6 = parsed.GetValue(ipv6),
                };
                result = await cluster.ConnectAsync(request, null, cancel);
            }

            Console.Out.Write(parsed.GetValue(json) ? ResultJson.Write(result) + "\n" : ResultText.Of(result));
            return result.Failed == 0 && result.Completed ? ExitCode.Success : ExitCode.Failures;
        });
        return command;
    }

    /// <summary>An option's number of seconds as a time span.</summary>
    internal static TimeSpan Seconds(string option, double seconds) => double.IsFinite(seconds) && seconds is > 0 and <= 86400 * 365
        ? TimeSpan.FromSeconds(seconds)
        : throw new PlanException(option, seconds, "is not a number of seconds to wait", "Give more than 0");
}
