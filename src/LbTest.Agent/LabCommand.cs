using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using LbTest.Clusters.Ipvs;
using LbTest.Clusters.Lab;
using LbTest.Clusters.Lab.Dataplanes;
using LbTest.Clusters.Lab.Kernels;
using LbTest.Clusters.Protocol;
using LbTest.Engine;

namespace LbTest.Agent;

/// <summary><c>lbtest lab</c>: labs of network namespaces on this machine.</summary>
internal static class LabCommand
{
    internal static Command Create() => new("lab", "Start, stop and look at labs on this machine.") { Start(), Stop(), List(), LabModeCommand.Create(), Counters(), IpvsCommands.CreateVirtualServers(), IpvsCommands.CreateServiceAddresses(), Init() };

    internal static async Task<LabCluster> FindAsync(string name) => await LabCluster.FindAsync(name)
        ?? throw new PlanException("--lab", name, "is not a running lab", "See 'lbtest lab list', or start it with 'lbtest lab start --detached'");

    private static Option<bool> Json => new("--json") { Description = "Print JSON" };

    private static Command Start()
    {
        var name = new Option<string>("--name", "-n") { Description = "The lab's name", DefaultValueFactory = _ => "lab" };
        var mode = new Option<ProxyMode>("--proxy-mode") { Description = "Iptables, Nftables or Ipvs", DefaultValueFactory = _ => ProxyMode.Nftables };
        var scheduler = new Option<IpvsScheduler>("--ipvs-scheduler") { Description = $"With --proxy-mode Ipvs: {string.Join(", ", Enum.GetNames<IpvsScheduler>())}" };
        var kernel = new Option<LabKernel>("--kernel") { Description = "Whose kernel: Host, UserMode (user-mode Linux), or Auto: the host's where it can do the mode and you may" };
        var nodes = new Option<int>("--nodes") { Description = "How many nodes", DefaultValueFactory = _ => 10 };
        var endpoints = new Option<int>("--endpoints") { Description = "How many endpoints", DefaultValueFactory = _ => 100 };
        var perNode = new Option<int[]>("--endpoints-per-node") { Description = "How many endpoints on each node, e.g. 4 1 1", AllowMultipleArgumentsPerToken = true };
        var ecmp = new Option<bool>("--ecmp") { Description = "The router spreads over all nodes" };
        var resilient = new Option<bool>("--ecmp-resilient") { Description = "With --ecmp: a node that joins or leaves moves no connection of another node (kernel 5.13)" };
        var affinity = new Option<double?>("--session-affinity") { Description = "ClientIP session affinity with this timeout in seconds" };
        var external = new Option<TrafficPolicy>("--external-traffic-policy") { Description = "Cluster or Local" };
        var @internal = new Option<TrafficPolicy>("--internal-traffic-policy") { Description = "Cluster or Local" };
        var detached = new Option<bool>("--detached") { Description = "Return at once; the lab runs until 'lbtest lab stop'" };
        Option<bool> json = Json;
        var command = new Command("start", "Build a lab. Without --detached it runs until Ctrl+C.") { name, mode, scheduler, kernel, nodes, endpoints, perNode, ecmp, resilient, affinity, external, @internal, detached, json };
        command.SetAction(async (parsed, cancel) =>
        {
            var spec = new LabSpec
            {
                Name = parsed.GetValue(name)!, ProxyMode = parsed.GetValue(mode), IpvsScheduler = parsed.GetValue(scheduler), Kernel = parsed.GetValue(kernel), NodeCount = parsed.GetValue(nodes), EndpointCount = parsed.GetValue(endpoints),
                EndpointsPerNode = [.. parsed.GetValue(perNode) ?? []], Ecmp = parsed.GetValue(ecmp), EcmpResilient = parsed.GetValue(resilient),
                SessionAffinity = parsed.GetValue(affinity) is { } seconds ? TestOptions.Seconds("--session-affinity", seconds) : null,
                ExternalTrafficPolicy = parsed.GetValue(external), InternalTrafficPolicy = parsed.GetValue(@internal), Detached = parsed.GetValue(detached),
            };
            if (spec.ProxyMode == ProxyMode.Ipvs) await Console.Error.WriteLineAsync($"lbtest: {IpvsDeprecation.Notice}");
            using LabCluster lab = await LabCluster.StartAsync(spec, cancel);
            Console.WriteLine(parsed.GetValue(json) ? JsonSerializer.Serialize(lab.Spec, AgentJson.Default.LabSpec) : Describe(lab));
            if (spec.Detached) return ExitCode.Success;
            try
            {
                await Task.Delay(Timeout.Infinite, cancel);
            }
            catch (OperationCanceledException)
            {
                await lab.StopAsync();
            }

            return ExitCode.Success;
        });
        return command;
    }

    private static Command Stop()
    {
        var name = new Option<string>("--name", "-n") { Description = "The lab's name", DefaultValueFactory = _ => "lab" };
        var command = new Command("stop", "Stop a detached lab. Nothing of it stays.") { name };
        command.SetAction(async (parsed, _) =>
        {
            LabCluster lab = await FindAsync(parsed.GetValue(name)!);
            await lab.StopAsync();
            return ExitCode.Success;
        });
        return command;
    }

    private static Command List()
    {
        Option<bool> json = Json;
        var command = new Command("list", "List the detached labs of this user.") { json };
        command.SetAction(async (parsed, _) =>
        {
            var labs = new List<LabCluster>();
            foreach (string name in LabCluster.DetachedNames())
            {
                if (await LabCluster.FindAsync(name) is { } lab) labs.Add(lab);
            }

            if (parsed.GetValue(json)) Console.WriteLine(JsonSerializer.Serialize([.. labs.Select(lab => lab.Spec)], AgentJson.Default.ImmutableArrayLabSpec));
            else foreach (LabCluster lab in labs) Console.WriteLine(Describe(lab));
            foreach (LabCluster lab in labs) lab.Dispose();
            return ExitCode.Success;
        });
        return command;
    }

    private static Command Counters()
    {
        var name = new Option<string>("--name", "-n") { Description = "The lab's name", DefaultValueFactory = _ => "lab" };
        var command = new Command("counters", "Print what the kernel's rules counted per endpoint since the lab was started.") { name };
        command.SetAction(async (parsed, cancel) =>
        {
            using LabCluster lab = await FindAsync(parsed.GetValue(name)!);
            foreach (EndpointCounter counter in (await lab.ObserveAsync(cancel)).Where(c => c.Packets > 0))
            {
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{counter.NodeName,-10} {counter.Service,-32} {counter.EndpointName,-14} {counter.Address,-24} {counter.Packets,10} {counter.Bytes,12}"));
            }

            return ExitCode.Success;
        });
        return command;
    }

    private static Command Init()
    {
        var listen = new Option<string?>("--listen");
        var descriptor = new Option<int?>("--listen-descriptor");
        var relay = new Option<bool>("--relay");
        var guest = new Option<bool>("--guest");
        var command = new Command("init", "The first process of a lab's sandbox; started by LbTest itself.") { listen, descriptor, relay, guest };
        command.Hidden = true;
        command.SetAction((parsed, _) => parsed.GetValue(guest) ? LabInit.RunGuestAsync() : LabInit.RunAsync(parsed.GetValue(listen), parsed.GetValue(descriptor), parsed.GetValue(relay)));
        return command;
    }

    private static string Describe(LabCluster lab) => string.Create(CultureInfo.InvariantCulture,
        $"{lab.Name}: {lab.Mode}, {lab.Nodes.Length} nodes, {lab.Endpoints.Length} endpoints{(lab.Spec.EcmpResilient ? ", resilient ECMP" : lab.Spec.Ecmp ? ", ECMP" : "")}{(lab.Detached ? ", detached" : "")}");
}
