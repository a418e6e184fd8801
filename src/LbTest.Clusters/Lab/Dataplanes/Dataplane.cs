namespace LbTest.Clusters.Lab.Dataplanes;

/// <summary>The dataplane of a proxy mode.</summary>
public static class Dataplane
{
    /// <summary>The dataplane that implements <paramref name="mode"/>.</summary>
    /// <exception cref="NotSupportedException">There is none (yet).</exception>
    public static IDataplane For(ProxyMode mode) => mode switch
    {
        ProxyMode.Iptables => new IptablesDataplane(),
        ProxyMode.Nftables => new NftablesDataplane(),
        _ => throw new NotSupportedException($"Proxy mode '{mode}' is not there yet; use Iptables or Nftables."),
    };
}
