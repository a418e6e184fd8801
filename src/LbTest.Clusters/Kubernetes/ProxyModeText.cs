using System.Globalization;

namespace LbTest.Clusters.Kubernetes;

/// <summary>Puts a proxy mode into words.</summary>
internal static class ProxyModeText
{
    internal static string Of(ProxyModeReport report, bool unset)
    {
        string mode = report.Mode.ToString().ToLowerInvariant();
        string scheduler = report switch
        {
            { Mode: not KubeProxyMode.Ipvs } => "",
            { Scheduler: { } name, SchedulerIsDefault: true } => $" with the scheduler {name}, its default",
            { Scheduler: { } name } => $" with the scheduler {name}",
            { SchedulerIsDefault: false } => " with a scheduler that someone chose; the log does not name it, 'ipvsadm -ln' on the node does",
            _ => "; of the scheduler the log says nothing",
        };
        string asked = report.RequestedMode is { } other ? $" {other} was asked for{(report.FallbackReason is { } reason ? $", but: {reason.TrimEnd('.')}" : "")}."
            : unset ? " Nobody asked for a mode." : "";
        return $"kube-proxy{(report.Version is { } version ? $" {version}" : "")} runs in mode {mode}{scheduler}.{asked}";
    }

    internal static ProxyLogReading NotStarted(string? source, string failure) => new(source, null, $"kube-proxy did not start: {failure}.",
        "See to what it lacks on the node (kernel modules, ipset, iptables, a scheduler's name), or choose another mode; then read the log again") { Failure = failure };

    internal static ProxyLogReading NotFound(string? source, long lines) => new(source, null,
        string.Create(CultureInfo.InvariantCulture, $"Of {lines:N0} line{(lines == 1 ? "" : "s")} there is none that tells the proxy mode, such as 'Using ipvs Proxier'. ")
        + "kube-proxy says it once, as it starts: that part may have been rotated away, or cut off by --tail or --since, or this is another program's log.",
        "Read the log from its beginning, ask the node ('curl http://localhost:10249/proxyMode'), or restart the pod");
}
