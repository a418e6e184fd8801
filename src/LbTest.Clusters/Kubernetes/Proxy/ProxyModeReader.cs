using LbTest.Clusters.Kubernetes.Api;

namespace LbTest.Clusters.Kubernetes.Proxy;

/// <summary>Finds out which proxy mode is in force on the nodes of a cluster, and how that is known.</summary>
/// <remarks>What a process says counts for more than what it was asked for: the configuration may have been edited since it started, or it may have fallen back to another mode.</remarks>
internal sealed class ProxyModeReader(IKubernetesApi api)
{
    /// <summary>What kube-proxy takes where nobody asked for one.</summary>
    internal const string DefaultScheduler = "rr", DefaultMode = "iptables";

    // kube-proxy says how it starts in the first few lines.
    private const int LogHead = 256 * 1024, AtOnce = 8;

    /// <summary>Asks all nodes.</summary>
    /// <exception cref="KubernetesException">The API server cannot be reached, or lets nothing at all be read.</exception>
    internal async Task<ImmutableArray<ProxyModeReport>> ReadAsync(CancellationToken cancel) => await ReadAsync(await ProxySurvey.MakeAsync(api, cancel).ConfigureAwait(false), cancel).ConfigureAwait(false);

    /// <summary>Asks all nodes of a cluster that has been looked over.</summary>
    internal async Task<ImmutableArray<ProxyModeReport>> ReadAsync(ProxySurvey survey, CancellationToken cancel)
    {
        Dictionary<string, KubePod> pods = survey.Pods.Where(pod => pod.Spec?.NodeName is not null).GroupBy(pod => pod.Spec!.NodeName!)
            // One that ends and the next one may be there at the same time.
            .ToDictionary(group => group.Key, group => group.OrderBy(pod => pod.Metadata.DeletionTimestamp is not null).ThenByDescending(pod => pod.Metadata.CreationTimestamp).First());
        string[] names = [.. survey.Nodes.Select(node => node.Name).Union(pods.Keys).Order(StringComparer.Ordinal)];
        if (names.Length == 0) return [Blind(survey)];
        var reports = new ProxyModeReport[names.Length];
        await Parallel.ForEachAsync(Enumerable.Range(0, names.Length), new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancel }, async (i, cancelOne) =>
        {
            ProxyModeReport? mine = pods.TryGetValue(names[i], out KubePod? pod) ? (await AskAsync(survey, pod, cancelOne).ConfigureAwait(false)).Report : null;
            reports[i] = WithOthers(survey, names[i], mine);
        }).ConfigureAwait(false);
        return [.. reports];
    }

    /// <summary>Asks one kube-proxy.</summary>
    /// <returns>What it says, and whether it was the process, or its log, that said it.</returns>
    internal async Task<(ProxyModeReport Report, bool Certain)> AskAsync(ProxySurvey survey, KubePod pod, CancellationToken cancel)
    {
        ProxyAsked? asked = ProxyAsked.Of(survey, pod);
        string name = $"{pod.Metadata.Namespace}/{pod.Name}";
        (ProxyProcess? process, string? silence) = await Process(survey, pod, cancel).ConfigureAwait(false);
        (ProxyLogReading log, string? unread) = await Log(pod, cancel).ConfigureAwait(false);
        ImmutableArray<ProxyEvidence> evidence =
        [
            .. asked is null ? survey.Unread.Where(one => one.Source == survey.ConfigMapName) : [new ProxyEvidence(asked.Source, asked.ToString())],
            new ProxyEvidence($"/proxyMode of {name}", process?.Mode, silence),
            .. process?.AskedMode is { } started ? [new ProxyEvidence($"/configz of {name}", $"mode: \"{started}\", ipvs.scheduler: \"{process.Scheduler}\"")] : Array.Empty<ProxyEvidence>(),
            new ProxyEvidence($"log of {name}", log.Report?.Reason, unread ?? log.Problem),
        ];
        ProxyModeReport report = new NodeMode(pod, asked, process, log, survey).Report() with { Evidence = evidence };
        return (report, process is not null || log.Report is not null);
    }

    private async Task<(ProxyProcess? Process, string? Silence)> Process(ProxySurvey survey, KubePod pod, CancellationToken cancel)
    {
        try
        {
            return (await ProxyProcess.AskAsync(api, pod.Metadata.Namespace ?? survey.Namespace, pod.Name, survey.Config?.MetricsPort ?? ProxyConfig.DefaultMetricsPort, cancel).ConfigureAwait(false), null);
        }
        // A pod that does not run, a right that one lacks, a port-forward that nodes do not let through: the log may tell.
        catch (Exception exception) when (exception is KubernetesException or IOException)
        {
            return (null, exception.Message);
        }
    }

    private async Task<(ProxyLogReading Reading, string? Unread)> Log(KubePod pod, CancellationToken cancel)
    {
        string source = $"{pod.Metadata.Namespace}/{pod.Name}";
        try
        {
            string? container = pod.Spec?.Containers is { Length: > 1 } several ? several.FirstOrDefault(one => one.Name == ProxyModeReport.KubeProxy)?.Name : null;
            string text = await api.LogHeadAsync(pod.Metadata.Namespace ?? ProxySurvey.SystemNamespace, pod.Name, container, previous: false, LogHead, cancel).ConfigureAwait(false);
            return (ProxyLog.Read(text.Split('\n'), source)[0], null);
        }
        catch (KubernetesException exception)
        {
            return (new ProxyLogReading(source, null), exception.Message);
        }
    }

    private static ProxyModeReport WithOthers(ProxySurvey survey, string node, ProxyModeReport? mine)
    {
        ImmutableArray<ProxyEvidence> others = [.. survey.Others.SelectMany(one => one.Evidence)];
        if (survey.Others.FirstOrDefault(one => one.Share == ProxyShare.All) is { } other) return Taken(node, other, mine) with { Evidence = [.. others, .. mine?.Evidence ?? []] };
        KubeNode? known = survey.Nodes.FirstOrDefault(one => one.Name == node);
        ProxyModeReport report = mine ?? (known is null ? null : EmbeddedProxy.Of(known, survey.Nodes)) ?? Nothing(survey, node);
        string[] remarks = [.. survey.Others.Where(one => one.Share is ProxyShare.Part or ProxyShare.Unknown).Select(one => one.Share == ProxyShare.Part
            ? $" {one.Name} does a part of the work before kube-proxy sees it ({one.Evidence[^1]})."
            : $" {one.Name} is there too; whether it does the work could not be read ({one.Evidence[^1]}).")];
        return report with { Explanation = report.Explanation + string.Concat(remarks), Evidence = [.. report.Evidence, .. others] };
    }

    private static ProxyModeReport Taken(string node, OtherProxy other, ProxyModeReport? mine)
    {
        bool ipvs = other.Mode == KubeProxyMode.Ipvs;
        string besides = mine is null ? "" : $" A kube-proxy runs there too, in mode {mine.Mode.ToString().ToLowerInvariant()}: its rules see what {other.Name} leaves to them, or nothing.";
        return new ProxyModeReport
        {
            Node = node, Proxy = other.Name, Mode = other.Mode, Scheduler = ipvs ? DefaultScheduler : null, SchedulerIsDefault = ipvs ? true : null, Reason = other.Evidence[^1].ToString(),
            Explanation = $"{node}: {other.Name} does kube-proxy's work{(ipvs ? $", with IPVS and its scheduler {DefaultScheduler} where a service's annotation names no other" : "")} ({other.Evidence[^1]}).{besides}",
        };
    }

    private static ProxyModeReport Nothing(ProxySurvey survey, string node)
    {
        bool blind = survey.Unread.Any(one => one.Source.StartsWith("the ", StringComparison.Ordinal));
        string seen = blind ? "no kube-proxy can be seen, but not all could be read" : "no kube-proxy was found, and nothing else that does its work (Cilium, Calico's eBPF, Antrea, kube-router, OVN-Kubernetes)";
        return new ProxyModeReport
        {
            Node = node, Proxy = "", Mode = blind ? KubeProxyMode.Unknown : KubeProxyMode.None, Reason = seen, Evidence = [.. survey.Unread],
            Explanation = $"{node}: {seen}{(blind ? $": {survey.Unread[0]}" : "")}. It may be a part of the node's own software: curl http://localhost:10249/proxyMode there tells.",
        };
    }

    // Neither nodes nor pods may be read. What was asked for may still be known.
    private static ProxyModeReport Blind(ProxySurvey survey)
    {
        string why = string.Join(" / ", survey.Unread.Where(one => one.Source.StartsWith("the ", StringComparison.Ordinal)).Select(one => one.Problem).Distinct().Take(2));
        if (survey.Config is null && survey.Others.IsEmpty) throw new KubernetesException(KubernetesFault.Forbidden, $"Nothing that tells the proxy mode may be read. {why}");
        ProxyModeReport report = survey.Others.FirstOrDefault(one => one.Share == ProxyShare.All) is { } other ? Taken("the cluster", other, null) with { Node = null }
            : new ProxyModeReport
            {
                Mode = KubeProxyMode.Unknown, RequestedMode = survey.Config!.Mode is { Length: > 0 } mode ? mode : DefaultMode, Reason = $"{survey.ConfigMapName} asks for it.",
                Explanation = $"{survey.ConfigMapName} asks for mode {(survey.Config.Mode is { Length: > 0 } word ? word : $"{DefaultMode}, the default")}; whether that is in force could not be read: {why}",
            };
        return report with { Evidence = [.. survey.Others.SelectMany(one => one.Evidence), .. survey.Unread] };
    }
}
