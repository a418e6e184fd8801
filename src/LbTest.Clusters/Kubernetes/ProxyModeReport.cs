namespace LbTest.Clusters.Kubernetes;

/// <summary>The modes that kube-proxy has, or had.</summary>
public enum KubeProxyMode
{
    /// <summary>Rules of iptables.</summary>
    Iptables,

    /// <summary>Rules of nftables.</summary>
    Nftables,

    /// <summary>Virtual servers of IPVS.</summary>
    Ipvs,

    /// <summary>A process that copies bytes: the first mode, gone since Kubernetes v1.26.</summary>
    Userspace,

    /// <summary>Policies of Windows' host networking service.</summary>
    Kernelspace,

    /// <summary>Another program than kube-proxy does its work in its own way; <see cref="ProxyModeReport.Proxy"/> names it.</summary>
    Other,

    /// <summary>Nothing that balances was found.</summary>
    None,

    /// <summary>kube-proxy is there, but nothing that can be asked says in which mode.</summary>
    Unknown,
}

/// <summary>What one source says about a node's proxy mode.</summary>
/// <param name="Source">The source: <c>ConfigMap kube-system/kube-proxy</c>, <c>/proxyMode of kube-system/kube-proxy-x7k2p</c>.</param>
/// <param name="Says">What it says, in its words; null where it could not be asked.</param>
/// <param name="Problem">Why it could not be asked; null where it could.</param>
public sealed record ProxyEvidence(string Source, string? Says, string? Problem = null)
{
    /// <summary>Both in one line.</summary>
    public override string ToString() => $"{Source}: {Says ?? Problem}";
}

/// <summary>The proxy mode in force, and how that is known.</summary>
public sealed record ProxyModeReport
{
    /// <summary>The node; null for a log or a lab.</summary>
    public string? Node { get; init; }

    /// <summary>The program that balances: <c>kube-proxy</c>, <c>Cilium</c>, …; empty where there is none.</summary>
    public string Proxy { get; init; } = KubeProxy;

    /// <summary>Where it is in force: the pod or the file that the log came from, or the lab's name; null where nobody said.</summary>
    public string? Source { get; init; }

    /// <summary>The mode.</summary>
    public required KubeProxyMode Mode { get; init; }

    /// <summary>In mode IPVS: the scheduler, e.g. <c>rr</c>; null where the log does not name it, and in other modes.</summary>
    public string? Scheduler { get; init; }

    /// <summary>True when the scheduler is in force because none was asked for, false when one was; null where that is not known, and in other modes.</summary>
    public bool? SchedulerIsDefault { get; init; }

    /// <summary>What was asked for, in kube-proxy's words, where another mode is in force; else null.</summary>
    public string? RequestedMode { get; init; }

    /// <summary>Why what was asked for is not in force, in the log's words; else null.</summary>
    public string? FallbackReason { get; init; }

    /// <summary>True for both address families, false for one; null where the log does not say.</summary>
    public bool? DualStack { get; init; }

    /// <summary>kube-proxy's version, e.g. <c>v1.35.0</c>; null where the log does not say.</summary>
    public string? Version { get; init; }

    /// <summary>What says so: the line of the log, as it is.</summary>
    public string Reason { get; init; } = "";

    /// <summary>The number of that line, from 1; null for a lab.</summary>
    public long? LineNumber { get; init; }

    /// <summary>All that in a sentence or two.</summary>
    public string Explanation { get; init; } = "";

    /// <summary>All that was asked about a node, and what it said; empty for a log or a lab.</summary>
    public ImmutableArray<ProxyEvidence> Evidence { get; init; } = [];

    internal const string KubeProxy = "kube-proxy";
}

/// <summary>What came of reading one log.</summary>
/// <param name="Source">Where it came from; null where nobody said.</param>
/// <param name="Report">The mode; null where the log does not tell.</param>
/// <param name="Problem">Why it does not tell; null where it does.</param>
/// <param name="Remedy">What to do then, a sentence without its full stop; null where it tells.</param>
public sealed record ProxyLogReading(string? Source, ProxyModeReport? Report, string? Problem = null, string? Remedy = null)
{
    /// <summary>Why kube-proxy did not start, without its full stop; null where it did, or where the log does not tell.</summary>
    public string? Failure { get; init; }
}
