using LbTest.Clusters.Kubernetes.Api;
using LbTest.Clusters.Lab;
using LbTest.Clusters.Lab.Dataplanes;
using LbTest.Clusters.Prerequisites;

namespace LbTest.Clusters.Kubernetes.Proxy;

/// <summary>What a mode needs of the nodes' kernels.</summary>
internal static class ProxyNeeds
{
    /// <summary>As far as it is known from outside: a sentence for each group of nodes with the same needs.</summary>
    internal static ImmutableArray<string> Of(LabMode mode, ImmutableArray<KubeNode> nodes) =>
    [
        .. from node in nodes
           let kernel = node.Status?.NodeInfo?.KernelVersion ?? ""
           let need = Need(mode, kernel)
           where need.Length > 0
           group (node.Name, Kernel: kernel) by need into same
           select $"{Names([.. same.Select(one => one.Name)])} (kernel {string.Join(", ", same.Select(one => one.Kernel.Length > 0 ? one.Kernel : "unknown").Distinct())}) {same.Key}",
    ];

    /// <summary>After somebody has looked: a sentence for each group of nodes that lack the same.</summary>
    internal static ImmutableArray<string> Missing(LabMode mode, ImmutableArray<Prerequisite> found) =>
    [
        .. from one in found
           where !one.Present && one.Mode == mode.Mode.ToString() && (!one.Optional || Schedulers(mode.Scheduler ?? default).Contains(one.Name))
           group one by one.Node into node
           group node.Key by string.Join(", ", node.Select(one => one.Detail.Length > 0 ? $"{one.Name} ({one.Detail})" : one.Name)) into same
           select $"{Names([.. same.Select(name => name ?? "a node")])} {(same.Count() == 1 ? "lacks" : "lack")} {same.Key}: without {(mode.Mode == ProxyMode.Ipvs ? "that kube-proxy falls back to iptables, or does not start" : "that kube-proxy does not start")}.",
    ];

    private static string Need(LabMode mode, string kernel) => mode.Mode switch
    {
        ProxyMode.Ipvs => $"must be able to load the modules ip_vs, {string.Join(", ", Schedulers(mode.Scheduler ?? default))}, {KernelRelease.Conntrack(kernel)}: without them kube-proxy falls back to iptables, or does not start.",
        ProxyMode.Nftables when KernelRelease.HasNftables(kernel) == false => "is too old for mode nftables: kube-proxy wants 5.13 or later, and does not start.",
        ProxyMode.Nftables => "must have nf_tables and the tool nft 1.0.1 or later in kube-proxy's image: without them it does not start.",
        _ => "",
    };

    // Those that kube-proxy looks for whatever is used, and the one that is.
    private static IEnumerable<string> Schedulers(IpvsScheduler used) => ((string[])["ip_vs_rr", "ip_vs_wrr", "ip_vs_sh", $"ip_vs_{used.Word()}"]).Distinct();

    private static string Names(string[] names) => names.Length <= 3 ? string.Join(", ", names) : $"{string.Join(", ", names.Take(3))} and {names.Length - 3} more";
}
