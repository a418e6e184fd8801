using LbTest.Clusters.Kubernetes.Api;

namespace LbTest.Clusters.Kubernetes.Proxy;

/// <summary>What all sources together say about the mode of one node's kube-proxy.</summary>
/// <param name="pod">Its pod.</param>
/// <param name="asked">What it is asked for now; null where nobody knows.</param>
/// <param name="process">What it says of itself; null where it could not be asked.</param>
/// <param name="log">What its log says.</param>
/// <param name="survey">The cluster.</param>
internal sealed class NodeMode(KubePod pod, ProxyAsked? asked, ProxyProcess? process, ProxyLogReading log, ProxySurvey survey)
{
    /// <summary>The report, without its evidence.</summary>
    internal ProxyModeReport Report()
    {
        (KubeProxyMode mode, string reason, long? line) = InForce();
        // What it was started with: its own word, else the log's, which is silent where that is in force.
        string? started = process?.AskedMode ?? log.Report?.RequestedMode;
        bool other = mode != KubeProxyMode.Unknown && !string.IsNullOrEmpty(started) && !Same(started, mode);
        string? wanted = other ? started : asked is not null && mode != KubeProxyMode.Unknown && !Same(asked.Mode, mode) ? Word(asked.Mode) : null;
        (string? scheduler, bool? isDefault) = Scheduler(mode);
        var report = new ProxyModeReport
        {
            Node = pod.Spec?.NodeName, Source = $"{pod.Metadata.Namespace}/{pod.Name}", Mode = mode, Scheduler = scheduler, SchedulerIsDefault = isDefault, RequestedMode = wanted,
            FallbackReason = other ? log.Report?.FallbackReason : null, DualStack = log.Report?.DualStack, Version = log.Report?.Version ?? ImageVersion(), Reason = reason, LineNumber = line,
        };
        return report with { Explanation = $"{report.Node}: {Sentence(report, started, other)}" };
    }

    private (KubeProxyMode Mode, string Reason, long? Line) InForce()
    {
        if (process is not null && Enum.TryParse(process.Mode, ignoreCase: true, out KubeProxyMode said) && Enum.IsDefined(said)) return (said, $"/proxyMode says {process.Mode}", null);
        if (log.Report is { } report) return (report.Mode, report.Reason, report.LineNumber);
        // A kube-proxy that did not start is in no mode, whatever it was asked for.
        return (KubeProxyMode.Unknown, log.Problem ?? "", null);
    }

    private (string? Name, bool? IsDefault) Scheduler(KubeProxyMode mode)
    {
        if (mode != KubeProxyMode.Ipvs) return (null, null);
        return (process?.Scheduler ?? log.Report?.Scheduler ?? asked?.Scheduler) switch
        {
            null => (null, log.Report?.SchedulerIsDefault),
            "" => (ProxyModeReader.DefaultScheduler, true),
            var name => (name, process?.Scheduler is { Length: > 0 } ? false : log.Report?.SchedulerIsDefault ?? false),
        };
    }

    private string Sentence(ProxyModeReport report, string? started, bool other)
    {
        if (report.Mode == KubeProxyMode.Unknown)
        {
            string what = asked is null ? "" : $" {asked.Source} asks for {Word(asked.Mode)}.";
            string state = pod.Ready ? "" : $" {pod.Name} is not ready ({pod.State}).";
            // One that comes or goes has no log yet, or none any more.
            string problem = process is null && log.Problem is { } found && (pod.Ready || log.Failure is not null) ? $" {found}" : "";
            return $"nothing says in which mode kube-proxy runs.{state}{problem}{what}";
        }

        // What was asked for later than it started is told apart from what it could not do.
        string text = ProxyModeText.Of(report with { RequestedMode = other ? report.RequestedMode : null }, unset: started is { Length: 0 });
        return text + Edited(report, started, other);
    }

    private string Edited(ProxyModeReport report, string? started, bool other)
    {
        if (asked is null) return "";
        bool mode = started is not null ? Word(started) != Word(asked.Mode) : !other && !Same(asked.Mode, report.Mode);
        bool scheduler = report.Mode == KubeProxyMode.Ipvs && process?.Scheduler is { } had && (had.Length > 0 ? had : ProxyModeReader.DefaultScheduler) != (asked.Scheduler.Length > 0 ? asked.Scheduler : ProxyModeReader.DefaultScheduler);
        if (!mode && !scheduler) return "";
        string what = mode ? $"mode {Word(asked.Mode)}" : $"the scheduler {(asked.Scheduler.Length > 0 ? asked.Scheduler : ProxyModeReader.DefaultScheduler)}";
        string restart = survey.DaemonSets.FirstOrDefault(one => one.Metadata.Namespace == pod.Metadata.Namespace) is { } set
            ? $"kubectl -n {set.Metadata.Namespace} rollout restart daemonset/{set.Metadata.Name}" : $"restart {pod.Name}";
        return process?.AskedMode is not null ? $" {asked.Source} asks for {what}: it was edited after this kube-proxy started, which has not read it since ({restart})."
            : $" {asked.Source} asks for {what}: it was edited after this kube-proxy started ({restart}), or kube-proxy could not do it.";
    }

    private string? ImageVersion() => pod.Spec?.Containers?.FirstOrDefault(one => one.Name == ProxyModeReport.KubeProxy)?.Image is { } image ? ProxyVersion.OfImage(image) : null;

    private static string Word(string mode) => mode.Length > 0 ? mode.ToLowerInvariant() : ProxyModeReader.DefaultMode;

    private static bool Same(string asked, KubeProxyMode mode) => Word(asked).Equals(mode.ToString(), StringComparison.OrdinalIgnoreCase);
}
