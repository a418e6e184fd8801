using System.Diagnostics;
using System.Globalization;
using LbTest.Clusters.Kubernetes.Api;

namespace LbTest.Clusters.Kubernetes.Proxy;

/// <summary>A restart of kube-proxy's DaemonSet, as <c>kubectl rollout restart</c> does it, that is watched to its end.</summary>
internal sealed class ProxyRestart(IKubernetesApi api, ProxySurvey survey, KubeWorkload daemonSet)
{
    private const string Annotation = "kubectl.kubernetes.io/restartedAt";

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private readonly Dictionary<string, ProxyModeReport> _met = new(StringComparer.Ordinal);

    // What the new pods are marked with.
    private string _stamp = "";

    /// <summary>Restarts it, and waits until it runs again on every node and is in the wanted mode there.</summary>
    /// <param name="goal">The mode; null for any.</param>
    /// <param name="timeout">How long that may take.</param>
    /// <param name="progress">Told how far it is.</param>
    /// <param name="cancel">Ends the waiting.</param>
    /// <exception cref="InvalidOperationException">A new one did not start, or is in another mode, or it takes too long. The others have not been waited for.</exception>
    internal async Task RunAsync(ProxyGoal? goal, TimeSpan timeout, IProgress<string>? progress, CancellationToken cancel)
    {
        await StartAsync(cancel).ConfigureAwait(false);
        await FollowAsync(goal, timeout, progress, cancel).ConfigureAwait(false);
    }

    /// <summary>Restarts it, and waits for nothing.</summary>
    internal async Task StartAsync(CancellationToken cancel)
    {
        // To the tenth of a microsecond: two restarts in one second are two.
        _stamp = DateTimeOffset.UtcNow.ToString("yyyy-MM-ddTHH:mm:ss.fffffffZ", CultureInfo.InvariantCulture);
        string patch = $$"""{"spec":{"template":{"metadata":{"annotations":{"{{Annotation}}":"{{_stamp}}"} } } } }""";
        await api.PatchAsync(Kube.DaemonSets, survey.Namespace, daemonSet.Metadata.Name, patch, cancel).ConfigureAwait(false);
    }

    /// <summary>Waits, after <see cref="StartAsync"/>, as <see cref="RunAsync"/> does.</summary>
    internal async Task FollowAsync(ProxyGoal? goal, TimeSpan timeout, IProgress<string>? progress, CancellationToken cancel)
    {
        var clock = Stopwatch.StartNew();
        while (true)
        {
            KubeWorkload set = await api.GetAsync(Kube.DaemonSets, survey.Namespace, daemonSet.Metadata.Name, cancel).ConfigureAwait(false)
                ?? throw new InvalidOperationException($"DaemonSet {survey.Namespace}/{daemonSet.Metadata.Name} is gone.");
            ImmutableArray<KubePod> all = await api.ListAsync(Kube.Pods, survey.Namespace, null, null, cancel).ConfigureAwait(false);
            KubePod[] pods = [.. all.Where(pod => pod.Metadata.Annotations?.GetValueOrDefault(Annotation) == _stamp && ProxySurvey.IsKubeProxy(pod.Metadata, pod.Spec) && pod.Metadata.DeletionTimestamp is null)];
            foreach (KubePod pod in pods.Where(pod => !_met.ContainsKey(pod.Name))) await Look(pod, goal, cancel).ConfigureAwait(false);
            int wanted = set.Status?.DesiredNumberScheduled ?? 0, ready = pods.Count(pod => pod.Ready && _met.ContainsKey(pod.Name));
            bool observed = set.Status?.ObservedGeneration >= set.Metadata.Generation;
            progress?.Report(string.Create(CultureInfo.InvariantCulture, $"{ready} of {wanted} nodes"));
            if (observed && ready == wanted && set.Status?.UpdatedNumberScheduled == wanted) return;
            if (clock.Elapsed > timeout) throw new InvalidOperationException(string.Create(CultureInfo.InvariantCulture, $"After {timeout.TotalSeconds:0.#} seconds kube-proxy runs anew on {ready} of {wanted} nodes only{Waiting(pods)}."));
            await Task.Delay(Pause, cancel).ConfigureAwait(false);
        }
    }

    // A kube-proxy that says nothing yet is asked again in the next round.
    private async Task Look(KubePod pod, ProxyGoal? goal, CancellationToken cancel)
    {
        KubeContainerStatus? status = pod.Status?.ContainerStatuses?.FirstOrDefault();
        if (Failed(status)) throw new InvalidOperationException($"kube-proxy on {pod.Spec?.NodeName} did not start: {await Reason(pod, status!, cancel).ConfigureAwait(false)}");
        if (!pod.Ready) return;
        (ProxyModeReport report, bool certain) = await new ProxyModeReader(api).AskAsync(survey, pod, cancel).ConfigureAwait(false);
        if (!certain) return;
        if (goal is not null && !goal.IsMet(report)) throw new InvalidOperationException(goal.Problem(report));
        _met[pod.Name] = report;
    }

    private static bool Failed(KubeContainerStatus? status) =>
        status?.State?.Waiting?.Reason is "CrashLoopBackOff" or "ErrImagePull" or "ImagePullBackOff" or "CreateContainerError" or "CreateContainerConfigError" or "RunContainerError" || status?.State?.Terminated is not null || status?.RestartCount > 0;

    private async Task<string> Reason(KubePod pod, KubeContainerStatus status, CancellationToken cancel)
    {
        string fallback = status.State?.Waiting is { } waiting ? $"{waiting.Reason}: {waiting.Message}" : status.LastState?.Terminated is { } ended ? $"it ended with code {ended.ExitCode} ({ended.Reason})" : "it ended";
        foreach (bool previous in (bool[])[true, false])
        {
            try
            {
                string text = await api.LogHeadAsync(survey.Namespace, pod.Name, null, previous, 256 * 1024, cancel).ConfigureAwait(false);
                if (ProxyLog.Read(text.Split('\n'))[0].Failure is { } failure) return $"{failure}.";
                // A version that does not know a mode says so, and then how to use it.
                if (text.Split('\n').FirstOrDefault(line => line.Contains("mode", StringComparison.OrdinalIgnoreCase) && line.Contains("nvalid", StringComparison.Ordinal)) is { } line) return line.Trim();
            }
            catch (KubernetesException)
            {
                // There is none of that run.
            }
        }

        return fallback.TrimEnd('.', ' ') + ".";
    }

    private static string Waiting(KubePod[] pods) =>
        pods.FirstOrDefault(pod => !pod.Ready) is { } pod ? $" ({pod.Name} on {pod.Spec?.NodeName}: {pod.State})" : "";
}
