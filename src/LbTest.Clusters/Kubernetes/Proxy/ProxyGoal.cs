using LbTest.Clusters.Lab;
using LbTest.Clusters.Lab.Dataplanes;

namespace LbTest.Clusters.Kubernetes.Proxy;

/// <summary>The mode that a kube-proxy is to be in.</summary>
internal sealed record ProxyGoal(LabMode Mode)
{
    /// <summary>Whether that is so. A scheduler that nobody tells may be the right one.</summary>
    internal bool IsMet(ProxyModeReport report) =>
        report.Mode.ToString() == Mode.Mode.ToString() && (Mode.Scheduler is not { } scheduler || report.Scheduler is null || report.Scheduler == scheduler.Word());

    /// <summary>Why it is not.</summary>
    internal string Problem(ProxyModeReport report) =>
        report.Mode.ToString() == Mode.Mode.ToString() ? $"kube-proxy on {report.Node} took {Mode.Mode.ToString().ToLowerInvariant()} with the scheduler {report.Scheduler}, not {Mode.Scheduler?.Word()}."
        : $"kube-proxy on {report.Node} went over to {report.Mode.ToString().ToLowerInvariant()}, not to {Mode.Mode.ToString().ToLowerInvariant()}{(report.FallbackReason is { } reason ? $": {reason.TrimEnd('.')}" : "")}.";
}
