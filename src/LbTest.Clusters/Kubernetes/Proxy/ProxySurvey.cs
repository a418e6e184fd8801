using LbTest.Clusters.Kubernetes.Api;

namespace LbTest.Clusters.Kubernetes.Proxy;

/// <summary>What a cluster has that balances, as its API server tells it. What may not be read is missing, and <see cref="Unread"/> says so.</summary>
internal sealed class ProxySurvey
{
    internal const string SystemNamespace = "kube-system";

    // Where distributions keep kube-proxy's configuration: kubeadm, kind, minikube and most others; EKS.
    private static readonly (string Name, string Key)[] Places = [("kube-proxy", ConfigKey), ("kube-proxy-config", "config")];

    internal const string ConfigKey = "config.conf";

    private readonly IKubernetesApi _api;
    private readonly List<ProxyEvidence> _unread = [];

    private ProxySurvey(IKubernetesApi api) => _api = api;

    /// <summary>The nodes; empty where they may not be read.</summary>
    internal ImmutableArray<KubeNode> Nodes { get; private set; } = [];

    /// <summary>The pods of kube-proxy.</summary>
    internal ImmutableArray<KubePod> Pods { get; private set; } = [];

    /// <summary>The DaemonSets of kube-proxy: mostly one, on Windows nodes another.</summary>
    internal ImmutableArray<KubeWorkload> DaemonSets { get; private set; } = [];

    /// <summary>The namespace that kube-proxy is in.</summary>
    internal string Namespace { get; private set; } = SystemNamespace;

    /// <summary>The ConfigMap with kube-proxy's configuration; null where there is none.</summary>
    internal KubeConfigMap? ConfigMap { get; private set; }

    /// <summary>The key of the configuration in it.</summary>
    internal string Key { get; private set; } = ConfigKey;

    /// <summary>The configuration; null where there is none that can be read.</summary>
    internal ProxyConfig? Config { get; private set; }

    /// <summary>Other programs that can do kube-proxy's work.</summary>
    internal ImmutableArray<OtherProxy> Others { get; private set; } = [];

    /// <summary>What could not be read, and why.</summary>
    internal IReadOnlyList<ProxyEvidence> Unread => _unread;

    /// <summary>How to call the ConfigMap.</summary>
    internal string ConfigMapName => $"ConfigMap {Namespace}/{ConfigMap?.Metadata.Name ?? Places[0].Name}";

    /// <summary>Looks round.</summary>
    /// <exception cref="KubernetesException">The API server cannot be reached.</exception>
    internal static async Task<ProxySurvey> MakeAsync(IKubernetesApi api, CancellationToken cancel)
    {
        var survey = new ProxySurvey(api);
        Task<ImmutableArray<KubeNode>> nodes = survey.List(Kube.Nodes, null, "the nodes", cancel);
        ImmutableArray<KubeWorkload> all = await survey.DaemonSetsEverywhere(cancel).ConfigureAwait(false);
        survey.DaemonSets = [.. all.Where(set => IsKubeProxy(set.Spec?.Template?.Metadata ?? set.Metadata, set.Spec?.Template?.Spec))];
        survey.Namespace = survey.DaemonSets.FirstOrDefault()?.Metadata.Namespace ?? SystemNamespace;
        Task<ImmutableArray<KubePod>> pods = survey.List(Kube.Pods, survey.Namespace, $"the pods of {survey.Namespace}", cancel);
        await survey.ReadConfig(cancel).ConfigureAwait(false);
        survey.Others = await OtherProxy.FindAsync(api, all, cancel).ConfigureAwait(false);
        survey.Nodes = [.. (await nodes.ConfigureAwait(false)).OrderBy(node => node.Name, StringComparer.Ordinal)];
        survey.Pods = [.. (await pods.ConfigureAwait(false)).Where(pod => IsKubeProxy(pod.Metadata, pod.Spec))];
        return survey;
    }

    /// <summary>Whether a pod, or what a template makes, is kube-proxy: kubeadm, kind, minikube, EKS and AKS label it one way, GKE and RKE2 (static pods) another.</summary>
    internal static bool IsKubeProxy(KubeMeta meta, KubePodSpec? spec) =>
        meta.Label("k8s-app") == ProxyModeReport.KubeProxy || meta.Label("component") == ProxyModeReport.KubeProxy || meta.Label("app.kubernetes.io/name") == ProxyModeReport.KubeProxy
        || (spec?.Containers?.Any(container => container.Name == ProxyModeReport.KubeProxy) ?? false);

    private async Task ReadConfig(CancellationToken cancel)
    {
        foreach ((string name, string key) in Places)
        {
            string where = $"ConfigMap {Namespace}/{name}";
            (KubeConfigMap? map, string? problem) = await Attempt(() => _api.GetAsync(Kube.ConfigMaps, Namespace, name, cancel)).ConfigureAwait(false);
            if (problem is not null)
            {
                Note(where, problem);
                return;
            }

            ConfigMap ??= map;
            if (map?.Data?.GetValueOrDefault(key) is not { } text) continue;
            (ConfigMap, Key) = (map, key);
            try
            {
                Config = ProxyConfig.Read(text, $"{where}, {key}");
            }
            catch (FormatException exception)
            {
                Note(where, exception.Message);
            }

            return;
        }

        Note(ConfigMapName, ConfigMap is null ? "there is none" : $"it has no '{ConfigKey}' ({Keys(ConfigMap)})");
    }

    /// <summary>What a ConfigMap has, in words.</summary>
    internal static string Keys(KubeConfigMap map) => map.Data is { Count: > 0 } data ? $"its keys are {string.Join(", ", data.Keys.Order(StringComparer.Ordinal))}" : "it has no keys at all";

    private void Note(string source, string problem)
    {
        lock (_unread) _unread.Add(new ProxyEvidence(source, null, problem));
    }

    private async Task<ImmutableArray<KubeWorkload>> DaemonSetsEverywhere(CancellationToken cancel)
    {
        (ImmutableArray<KubeWorkload>? all, string? problem) = await Attempt(async () => (ImmutableArray<KubeWorkload>?)await _api.ListAsync(Kube.DaemonSets, "*", null, null, cancel).ConfigureAwait(false)).ConfigureAwait(false);
        if (all is { } found) return found;
        Note("the DaemonSets of all namespaces", problem!);
        return await List(Kube.DaemonSets, SystemNamespace, $"the DaemonSets of {SystemNamespace}", cancel).ConfigureAwait(false);
    }

    private async Task<ImmutableArray<T>> List<T>(KubeKind<T> kind, string? ns, string what, CancellationToken cancel) where T : class
    {
        (ImmutableArray<T>? found, string? problem) = await Attempt(async () => (ImmutableArray<T>?)await _api.ListAsync(kind, ns, null, null, cancel).ConfigureAwait(false)).ConfigureAwait(false);
        if (problem is not null) Note(what, problem);
        return found ?? [];
    }

    /// <summary>Reads what a user may perhaps not read, or what may not exist there. What is worse than that ends it all.</summary>
    internal static async Task<(T? Found, string? Problem)> Attempt<T>(Func<Task<T?>> read)
    {
        try
        {
            return (await read().ConfigureAwait(false), null);
        }
        catch (KubernetesException exception) when (exception.Fault is KubernetesFault.Forbidden or KubernetesFault.NotFound)
        {
            return (default, exception.Message);
        }
    }
}
