using LbTest.Clusters.Kubernetes.Api;
using LbTest.Clusters.Lab;
using LbTest.Clusters.Lab.Dataplanes;

namespace LbTest.Clusters.Kubernetes.Proxy;

/// <summary>What a mode needs of the nodes' kernels, as far as that is known from outside.</summary>
internal static class ProxyNeeds
{
    private static readonly Version TrackingInOne = new(4, 19), Nftables = new(5, 13);

    /// <summary>A sentence for each group of nodes with the same needs.</summary>
    internal static ImmutableArray<string> Of(LabMode mode, ImmutableArray<KubeNode> nodes) =>
    [
        .. from node in nodes
           let kernel = node.Status?.NodeInfo?.KernelVersion ?? ""
           let need = Need(mode, kernel)
           where need.Length > 0
           group (node.Name, Kernel: kernel) by need into same
           select $"{Names([.. same.Select(one => one.Name)])} (kernel {string.Join(", ", same.Select(one => one.Kernel.Length > 0 ? one.Kernel : "unknown").Distinct())}) {same.Key}",
    ];

    private static string Need(LabMode mode, string kernel) => mode.Mode switch
    {
        ProxyMode.Ipvs => $"must be able to load the modules ip_vs, {string.Join(", ", Schedulers(mode.Scheduler ?? default))}, {(Release(kernel) < TrackingInOne ? "nf_conntrack_ipv4" : "nf_conntrack")}: without them kube-proxy falls back to iptables, or does not start.",
        ProxyMode.Nftables when Release(kernel) is { } release && release < Nftables => "is too old for mode nftables: kube-proxy wants 5.13 or later, and does not start.",
        ProxyMode.Nftables => "must have nf_tables and the tool nft 1.0.1 or later in kube-proxy's image: without them it does not start.",
        _ => "",
    };

    // Those that kube-proxy looks for whatever is used, and the one that is.
    private static IEnumerable<string> Schedulers(IpvsScheduler used) => ((string[])["ip_vs_rr", "ip_vs_wrr", "ip_vs_sh", $"ip_vs_{used.Word()}"]).Distinct();

    private static Version? Release(string kernel) =>
        Version.TryParse(string.Concat(kernel.TakeWhile(c => char.IsAsciiDigit(c) || c == '.')).TrimEnd('.'), out Version? version) ? version : null;

    private static string Names(string[] names) => names.Length <= 3 ? string.Join(", ", names) : $"{string.Join(", ", names.Take(3))} and {names.Length - 3} more";
}
