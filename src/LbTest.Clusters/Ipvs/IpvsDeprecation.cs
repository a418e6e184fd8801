namespace LbTest.Clusters.Ipvs;

/// <summary>What who chooses kube-proxy's IPVS mode should know (Kubernetes enhancement proposal KEP-5495).</summary>
public static class IpvsDeprecation
{
    /// <summary>The warning, one sentence or two.</summary>
    public const string Notice = "Kubernetes deprecated kube-proxy's IPVS mode in v1.35 and means to remove it (KEP-5495). "
        + "It recommends the nftables mode in its place, which needs kernel 5.13.";
}
