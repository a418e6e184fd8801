namespace LbTest.Clusters.Prerequisites;

/// <summary>What a kernel's release says: <c>6.1.0-18-amd64</c>.</summary>
internal static class KernelRelease
{
    // 4.19 made one module of nf_conntrack_ipv4 and nf_conntrack_ipv6; kube-proxy asks for 5.13 in mode nftables (KEP-3866).
    private static readonly Version OneTracking = new(4, 19), Nftables = new(5, 13);

    /// <summary>The module that tracks connections.</summary>
    internal static string Conntrack(string release) => Version(release) < OneTracking ? "nf_conntrack_ipv4" : "nf_conntrack";

    /// <summary>Whether kube-proxy takes it for new enough for mode nftables; null where it cannot be told.</summary>
    internal static bool? HasNftables(string release) => Version(release) is { } version ? version >= Nftables : null;

    private static Version? Version(string release) =>
        System.Version.TryParse(string.Concat(release.TakeWhile(c => char.IsAsciiDigit(c) || c == '.')).TrimEnd('.'), out Version? version) ? version : null;
}
