namespace LbTest.Clusters.Lab.Dataplanes;

/// <summary>How an IPVS virtual server chooses a real server for a new connection: ipvsadm(8), option <c>-s</c>.</summary>
public enum IpvsScheduler
{
    /// <summary>Round robin: one after the other. kube-proxy's default.</summary>
    Rr,

    /// <summary>Round robin in proportion to the weights.</summary>
    Wrr,

    /// <summary>Least connections.</summary>
    Lc,

    /// <summary>Least connections in proportion to the weights.</summary>
    Wlc,

    /// <summary>Locality-based least connections: by destination address, another one when that server is overloaded.</summary>
    Lblc,

    /// <summary>The same with a set of servers for each destination address.</summary>
    Lblcr,

    /// <summary>Source hashing: by the client's address.</summary>
    Sh,

    /// <summary>Destination hashing: by the virtual address, so that one real server gets all of it.</summary>
    Dh,

    /// <summary>Shortest expected delay: (connections + 1) / weight.</summary>
    Sed,

    /// <summary>Never queue: an idle server where there is one, else <see cref="Sed"/>.</summary>
    Nq,

    /// <summary>Maglev hashing: by the client's address and port.</summary>
    Mh,

    /// <summary>Weighted fail-over: all to the available server with the highest weight.</summary>
    Fo,

    /// <summary>Weighted overflow: all to the server with the highest weight, until it has as many active connections as its weight.</summary>
    Ovf,
}

/// <summary>Schedulers as others write them.</summary>
internal static class IpvsSchedulers
{
    /// <summary>The kernel's name of a scheduler, which <c>ipvsadm</c> takes and prints: <c>rr</c>.</summary>
    internal static string Word(this IpvsScheduler scheduler) => scheduler.ToString().ToLowerInvariant();
}
