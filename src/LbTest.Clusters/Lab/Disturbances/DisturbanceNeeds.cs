using LbTest.Clusters.Lab.Dataplanes;
using LbTest.Clusters.Prerequisites;
using LbTest.Clusters.Tools;
using LbTest.Engine;
using LbTest.Engine.Disturbances;
using LbTest.Engine.Traffic;

namespace LbTest.Clusters.Lab.Disturbances;

/// <summary>What disturbances need of the machine: its tools, and what its kernel can do. Tried out in network namespaces that are gone the moment the tool ends.</summary>
internal static class DisturbanceNeeds
{
    /// <summary>One thing that some disturbances need.</summary>
    /// <param name="Name">What for.</param>
    /// <param name="Tool">The tool that does it.</param>
    /// <param name="Arguments">How to try it in an empty network namespace.</param>
    /// <param name="Input">What the tool reads.</param>
    /// <param name="Remedy">What to do where the kernel cannot.</param>
    private sealed record Need(string Name, string Tool, string[] Arguments, string? Input, string Remedy);

    private static readonly Need
        Dropping = new("PacketLoss, silence", "nft", ["-f", "-"], "table inet lbtest-probe {\n chain c {\n type filter hook prerouting priority -350\n numgen random mod 10 < 5 drop\n }\n}\n",
            "Use a kernel with nf_tables and nft_numgen"),
        Limiting = new("RateLimit", "tc", ["qdisc", "add", "dev", "lo", "root", "tbf", "rate", "1mbit", "burst", "128kb", "limit", "256kb"], null,
            "Load sch_tbf as root ('modprobe sch_tbf') or use a kernel with CONFIG_NET_SCH_TBF; PacketLoss needs neither"),
        Delaying = new("Delay", "tc", ["qdisc", "add", "dev", "lo", "root", "netem", "delay", "1ms"], null,
            "Load sch_netem as root ('modprobe sch_netem') or use a kernel with CONFIG_NET_SCH_NETEM; RateLimit and PacketLoss work without it"),
        Forgetting = new("ConntrackFlush", "conntrack", ["-F"], null, "Use a kernel with nf_conntrack_netlink");

    /// <summary>What this machine can do of it, for its user to see.</summary>
    internal static IEnumerable<Prerequisite> All() => ((Need[])[Dropping, Limiting, Delaying, Forgetting]).Select(need =>
        Problem(need) is { } problem ? new Prerequisite(PrerequisiteCheck.Disturbances, need.Name, false, problem.What, problem.Remedy) : new Prerequisite(PrerequisiteCheck.Disturbances, need.Name, true, $"by {need.Tool}", ""));

    /// <summary>Finds out whether this machine can do all that is planned.</summary>
    /// <exception cref="PlanException">It cannot; the message says what is missing and what to do.</exception>
    internal static void Check(ImmutableArray<Disturbance> disturbances, TrafficPlan plan)
    {
        foreach (Disturbance what in disturbances.DistinctBy(d => (d.Kind, d.Mode, d.ProxyMode)))
        {
            switch (what.Kind)
            {
                case DisturbanceKind.NodeDown or DisturbanceKind.PacketLoss:
                case DisturbanceKind.EndpointDown when what.Mode == EndpointDownMode.Drop:
                    Require(what.Kind, Dropping);
                    break;
                case DisturbanceKind.RateLimit:
                    Require(what.Kind, Limiting);
                    break;
                case DisturbanceKind.Delay:
                    Require(what.Kind, Delaying);
                    break;
                case DisturbanceKind.ConntrackFlush:
                    Require(what.Kind, Forgetting);
                    break;
                case DisturbanceKind.ProxyModeSwitch when Enum.TryParse(what.ProxyMode, ignoreCase: true, out ProxyMode mode):
                    Prerequisite loads = PrerequisiteCheck.DataplaneLoads(mode);
                    PlanException.Require(loads.Present, nameof(what.ProxyMode), mode, $"does not work on this machine: {loads.Detail}", loads.Remedy.TrimEnd('.'));
                    break;
            }

            bool removes = what.Kind is DisturbanceKind.EndpointDown or DisturbanceKind.NodeDown or DisturbanceKind.RollingUpdate or DisturbanceKind.ScaleTo;
            // As kube-proxy does: a flow of datagrams never ends by itself, and would go on to an endpoint that has left.
            if (removes && plan.Protocol == TransportProtocol.Udp) Require(what.Kind, Forgetting);
        }
    }

    private static void Require(DisturbanceKind kind, Need need)
    {
        if (Problem(need) is { } problem) throw new PlanException(nameof(Disturbance.Kind), kind, problem.What, problem.Remedy);
    }

    private static (string What, string Remedy)? Problem(Need need)
    {
        if (Tool.Find(need.Tool) is not { } path) return ($"needs the tool '{need.Tool}', which is not on this machine", $"Install it: {ToolException.Remedy(need.Tool)}");
        try
        {
            _ = Tool.Run("unshare", [.. LabSandbox.UserNamespace, "--net", path, .. need.Arguments], need.Input);
            return null;
        }
        catch (ToolException exception)
        {
            return ($"cannot be carried out by this machine's kernel: {exception.Message.TrimEnd('.')}", need.Remedy);
        }
    }
}
