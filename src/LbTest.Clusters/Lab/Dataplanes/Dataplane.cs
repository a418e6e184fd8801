namespace LbTest.Clusters.Lab.Dataplanes;

/// <summary>The dataplane of a proxy mode.</summary>
public static class Dataplane
{
    /// <summary>The dataplane that implements <paramref name="mode"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is no proxy mode.</exception>
    public static IDataplane For(ProxyMode mode) => mode switch
    {
        ProxyMode.Iptables => new IptablesDataplane(),
        ProxyMode.Nftables => new NftablesDataplane(),
        ProxyMode.Ipvs => new IpvsDataplane(),
        _ => throw new ArgumentOutOfRangeException(nameof(mode), mode, "is not a proxy mode: use Iptables, Nftables or Ipvs."),
    };
}
