using LbTest.Clusters.Kubernetes;
using LbTest.Clusters.Lab.Dataplanes;
using LbTest.Clusters.Lab.Kernels;
using LbTest.Clusters.Prerequisites;
using LbTest.Engine;

namespace LbTest.Clusters.Lab;

/// <summary>How the nodes of a lab balance: the proxy mode, and in mode IPVS the scheduler.</summary>
public sealed record LabMode
{
    internal LabMode(ProxyMode mode, IpvsScheduler scheduler = default) => (Mode, Scheduler) = (mode, mode == ProxyMode.Ipvs ? scheduler : null);

    /// <summary>The proxy mode.</summary>
    public ProxyMode Mode { get; }

    /// <summary>The scheduler; null in any other mode than IPVS.</summary>
    public IpvsScheduler? Scheduler { get; }

    /// <summary>What it becomes by a change: what is not given stays, and a change over to IPVS without a scheduler takes round robin.</summary>
    /// <exception cref="PlanException">Nothing is given, or a scheduler for a mode that has none.</exception>
    public LabMode To(ProxyMode? mode, IpvsScheduler? scheduler)
    {
        PlanException.Require(mode is not null || scheduler is not null, nameof(ProxyMode), "", "is missing", "Give the mode to change over to, or IpvsScheduler, or both");
        PlanException.Require(mode is null || Enum.IsDefined(mode.Value), nameof(ProxyMode), mode, "is not a proxy mode", "Use Iptables, Nftables or Ipvs");
        PlanException.Require(scheduler is null || Enum.IsDefined(scheduler.Value), nameof(IpvsScheduler), scheduler, "is not a scheduler of IPVS", $"Use one of {string.Join(", ", Enum.GetNames<IpvsScheduler>())}");
        ProxyMode to = mode ?? Mode;
        PlanException.Require(scheduler is null || to == ProxyMode.Ipvs, nameof(IpvsScheduler), scheduler, $"means nothing in mode {to}", "Give ProxyMode Ipvs too, or leave it out");
        return new LabMode(to, scheduler ?? Scheduler ?? default);
    }

    /// <summary>The mode as it is written: <c>Nftables</c>, <c>Ipvs (rr)</c>.</summary>
    public override string ToString() => Scheduler is { } scheduler ? $"{Mode} ({scheduler.Word()})" : Mode.ToString();

    /// <summary>The same as a report on a lab.</summary>
    /// <param name="lab">The lab's name.</param>
    public ProxyModeReport Report(string lab) => new()
    {
        Source = lab, Mode = Enum.Parse<KubeProxyMode>(Mode.ToString()), Scheduler = Scheduler?.ToString().ToLowerInvariant(), Reason = $"The lab '{lab}' says so.",
        Explanation = $"The nodes of lab '{lab}' are in mode {Mode}{(Scheduler is { } scheduler ? $" with the scheduler {scheduler.ToString().ToLowerInvariant()}" : "")}.",
    };

    /// <summary>A lab in this mode.</summary>
    internal LabSpec Of(LabSpec spec) => spec with { ProxyMode = Mode, IpvsScheduler = Scheduler ?? default };

    /// <summary>Finds out whether a running lab can change over to this mode. Tries it in a network namespace that is gone at once.</summary>
    /// <exception cref="PlanException">It cannot; the message says why, and what can.</exception>
    internal void Require(LabSpec lab)
    {
        PlanException.Require(lab.Kernel != LabKernel.UserMode || Mode != ProxyMode.Nftables, nameof(ProxyMode), this, "cannot be in this lab: its user-mode kernel has no NAT by nftables",
            "Start another lab on the host's kernel: Start-LbCluster -ProxyMode Nftables");
        string? problem = lab.Kernel == LabKernel.UserMode || Mode != ProxyMode.Ipvs ? null : HostKernel.Problem(Of(lab));
        PlanException.Require(problem is null, nameof(ProxyMode), this, $"cannot be in this lab, which runs on the host's kernel: {problem}",
            $"Start another lab on a user-mode kernel: Start-LbCluster -ProxyMode Ipvs -IpvsScheduler {Scheduler ?? default} -Kernel UserMode");
        Prerequisite? missing = Mode == ProxyMode.Ipvs ? IpvsNeeds.Tools.FirstOrDefault(tool => !tool.Present) : HostNeeds.Rules(Mode) is { Present: false } rules ? rules : null;
        PlanException.Require(missing is null, nameof(ProxyMode), this, $"does not work on this machine: {(missing?.Detail is { Length: > 0 } detail ? detail.TrimEnd('.') : $"it has no {missing?.Name}")}", missing?.Remedy.TrimEnd('.') ?? "");
    }
}
