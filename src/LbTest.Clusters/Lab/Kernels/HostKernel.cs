using LbTest.Clusters.Lab.Dataplanes;
using LbTest.Clusters.Prerequisites;
using LbTest.Clusters.Tools;

namespace LbTest.Clusters.Lab.Kernels;

/// <summary>What the host's own kernel can do for a lab of this user.</summary>
public static class HostKernel
{
    /// <summary>Finds out whether it can run a lab. Changes nothing, loads no module; of mode Nftables it tries nothing, as no other kernel could do that instead.</summary>
    /// <returns>Why not, as it stands in a sentence after "because": <c>it has no ip_vs</c>; null when it can. A missing tool is no reason: it is missing for every kernel.</returns>
    public static string? Problem(LabSpec spec)
    {
        ArgumentNullException.ThrowIfNull(spec);
        if (spec.ProxyMode == ProxyMode.Nftables) return null;
        return Trial.Namespaces() is not null ? LabSocket.EffectiveUser() == 0 ? "root may make no namespaces on this machine" : "ordinary users may make no user namespaces on this machine"
            : spec.ProxyMode == ProxyMode.Ipvs ? IpvsNeeds.HostProblem(spec.IpvsScheduler)
            : Tool.Find("iptables-restore") is not null && HostNeeds.Rules(ProxyMode.Iptables) is { Present: false } rules ? $"it does not take the rules of mode Iptables: {rules.Detail.TrimEnd('.')}"
            : null;
    }
}
