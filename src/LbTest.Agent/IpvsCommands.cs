using System.Collections.Immutable;
using System.CommandLine;
using System.Text.Json;
using LbTest.Clusters.Ipvs;
using LbTest.Clusters.Lab;
using LbTest.Clusters.Protocol;

namespace LbTest.Agent;

/// <summary><c>lbtest lab virtual-servers</c> and <c>service-addresses</c>: what IPVS has on the nodes of a lab.</summary>
internal static class IpvsCommands
{
    internal static Command CreateVirtualServers()
    {
        var counters = new Option<bool>("--stats") { Description = "Print counters instead of weights and connections, as 'ipvsadm -Ln --stats --exact' does" };
        return Create(
            "virtual-servers", "Print the virtual servers of a lab in mode Ipvs, as 'ipvsadm -Ln' does.", (lab, node, cancel) => lab.GetVirtualServersAsync(node, cancel),
            (servers, parsed) => IpvsadmText.Format(servers, parsed.GetValue(counters)), servers => JsonSerializer.Serialize(servers, AgentJson.Default.ImmutableArrayVirtualServer), counters);
    }

    internal static Command CreateServiceAddresses() => Create(
        "service-addresses", "Print which addresses the nodes of a lab in mode Ipvs have bound for services, and which virtual servers answer for them.",
        (lab, node, cancel) => lab.GetServiceAddressesAsync(node, cancel), (rows, _) => Table(rows), rows => JsonSerializer.Serialize(rows, AgentJson.Default.ImmutableArrayServiceAddress));

    private static Command Create<T>(
        string verb, string description, Func<LabCluster, string?, CancellationToken, Task<ImmutableArray<T>>> ask, Func<ImmutableArray<T>, ParseResult, string> text,
        Func<ImmutableArray<T>, string> toJson, params Option[] options)
    {
        var name = new Option<string>("--name", "-n") { Description = "The lab's name", DefaultValueFactory = _ => "lab" };
        var node = new Option<string?>("--node") { Description = "One node; else all that are in mode Ipvs" };
        var json = new Option<bool>("--json") { Description = "Print JSON" };
        var command = new Command(verb, description) { name, node, json };
        foreach (Option option in options) command.Add(option);
        command.SetAction(async (parsed, cancel) =>
        {
            using LabCluster lab = await LabCommand.FindAsync(parsed.GetValue(name)!);
            ImmutableArray<T> found = await ask(lab, parsed.GetValue(node), cancel);
            Console.Write(parsed.GetValue(json) ? toJson(found) + "\n" : text(found, parsed));
            return ExitCode.Success;
        });
        return command;
    }

    private static string Table(ImmutableArray<ServiceAddress> rows)
    {
        int node = Width("Node", rows.Select(row => row.NodeName)), address = Width("Address", rows.Select(row => row.Address)), device = Width("Device", rows.Select(row => row.Device));
        IEnumerable<string> lines = rows.Select(row => Line(row.NodeName, row.Address, row.Device ?? "-", row.State.ToString(), string.Join(", ", row.VirtualServers)));
        return string.Concat(lines.Prepend(Line("Node", "Address", "Device", "State", "VirtualServers")));

        string Line(string? one, string two, string three, string state, string servers) =>
            $"{one?.PadRight(node)}  {two.PadRight(address)}  {three.PadRight(device)}  {state,-15}  {servers}".TrimEnd() + "\n";

        static int Width(string title, IEnumerable<string?> values) => values.Append(title).Max(value => value?.Length ?? 0);
    }
}
