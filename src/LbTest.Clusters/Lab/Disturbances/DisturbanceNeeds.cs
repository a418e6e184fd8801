using LbTest.Clusters.Lab.Kernels;
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
    /// <param name="Modules">The modules of the kernel that it takes.</param>
    /// <param name="Remedy">What to do where the kernel cannot.</param>
    private sealed record Need(string Name, string Tool, string[] Arguments, string? Input, string[] Modules, string Remedy);

    private static readonly Need
        Dropping = new("PacketLoss, silence", "nft", ["-f", "-"], "table inet lbtest-probe {\n chain c {\n type filter hook prerouting priority -350\n numgen random mod 10 < 5 drop\n }\n}\n",
            [], "Use a kernel with nf_tables and nft_numgen"),
        Silencing = new("silence", "iptables-legacy-restore", [], LabSilence.RawTable("DROP"), ["iptable_raw", "ip6table_raw"], "Use the kernel of Debian's package user-mode-linux"),
        Limiting = new("RateLimit", "tc", ["qdisc", "add", "dev", "lo", "root", "tbf", "rate", "1mbit", "burst", "128kb", "limit", "256kb"], null,
            ["sch_tbf"], "Load sch_tbf as root ('modprobe sch_tbf') or use a kernel with CONFIG_NET_SCH_TBF; PacketLoss needs neither"),
        Delaying = new("Delay, Reorder", "tc", ["qdisc", "add", "dev", "lo", "root", "netem", "delay", "1ms"], null,
            ["sch_netem"], "Load sch_netem as root ('modprobe sch_netem'), use a kernel with CONFIG_NET_SCH_NETEM, or a lab on a user-mode kernel (Kernel UserMode); RateLimit and PacketLoss work without it"),
        Forgetting = new("ConntrackFlush", "conntrack", ["-F"], null, ["nf_conntrack_netlink"], "Use a kernel with nf_conntrack_netlink");

    // What drops packets on the host is not there in user mode: see LabHops and LabSilence.
    private static readonly Need[] OnHost = [Dropping, Limiting, Delaying, Forgetting], InUserMode = [Silencing, Limiting, Delaying with { Name = "PacketLoss, Delay, Reorder" }, Forgetting];

    /// <summary>The modules that disturbances need.</summary>
    internal static IEnumerable<string> Modules => InUserMode.SelectMany(need => need.Modules);

    /// <summary>What the host can do of it, for its user to see.</summary>
    internal static IEnumerable<Prerequisite> OfHost() => OnHost.Select(need => Row(need, Problem(need)));

    /// <summary>What a user-mode kernel with these modules can do of it.</summary>
    internal static IEnumerable<Prerequisite> OfUserMode(ModuleFolder modules) => InUserMode.Select(need => Row(need, need.Modules.Where(module => !modules.HasBuiltIn(module) && modules.File(module) is null).ToArray() is [var missing, ..]
        ? ($"has no module {missing}", $"Use the kernel of Debian's package: {ToolException.Remedy(UserModeKernel.Program)}") : MissingTool(need)));

    private static Prerequisite Row(Need need, (string What, string Remedy)? problem) => (problem is { } missing
        ? Prerequisite.Missing(PrerequisiteCheck.Disturbances, need.Name, missing.What, missing.Remedy) : Prerequisite.Found(PrerequisiteCheck.Disturbances, need.Name, $"by {need.Tool}")) with { Optional = true };

    /// <summary>Finds out whether this machine can do all that is planned.</summary>
    /// <exception cref="PlanException">It cannot; the message says what is missing and what to do.</exception>
    internal static void Check(LabState state, ImmutableArray<Disturbance> disturbances, ImmutableArray<LabStep> steps, TrafficPlan plan)
    {
        foreach (LabMode mode in steps.Select(step => step.State?.Balancing).OfType<LabMode>().Distinct().Where(mode => mode != state.Balancing)) mode.Require(state.Topology.Spec);
        foreach (Disturbance what in disturbances.DistinctBy(d => (d.Kind, d.Mode)))
        {
            switch (what.Kind)
            {
                case DisturbanceKind.NodeDown:
                case DisturbanceKind.EndpointDown when what.Mode == EndpointDownMode.Drop:
                    Require(what.Kind, Guest.Inside ? Silencing : Dropping);
                    break;
                case DisturbanceKind.PacketLoss:
                    Require(what.Kind, Guest.Inside ? Delaying : Dropping);
                    break;
                case DisturbanceKind.RateLimit:
                    Require(what.Kind, Limiting);
                    break;
                case DisturbanceKind.Delay or DisturbanceKind.Reorder:
                    Require(what.Kind, Delaying);
                    break;
                case DisturbanceKind.ConntrackFlush:
                    Require(what.Kind, Forgetting);
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

    private static (string What, string Remedy)? Problem(Need need) => MissingTool(need) is { } missing ? missing
        : Trial.Of([need.Tool, .. need.Arguments], need.Input) is { } error ? ($"cannot be carried out by this machine's kernel: {error.TrimEnd('.')}", need.Remedy) : null;

    private static (string What, string Remedy)? MissingTool(Need need) =>
        Tool.Find(need.Tool) is null ? ($"needs the tool '{need.Tool}', which is not on this machine", $"Install it: {ToolException.Remedy(need.Tool)}") : null;
}
