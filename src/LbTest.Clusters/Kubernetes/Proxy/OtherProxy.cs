using LbTest.Clusters.Kubernetes.Api;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace LbTest.Clusters.Kubernetes.Proxy;

/// <summary>How much of kube-proxy's work another program does.</summary>
internal enum ProxyShare
{
    /// <summary>Nothing: kube-proxy is needed.</summary>
    None,

    /// <summary>Some of it: kube-proxy is needed for the rest.</summary>
    Part,

    /// <summary>All of it.</summary>
    All,

    /// <summary>That could not be found out.</summary>
    Unknown,
}

/// <summary>A program that can do kube-proxy's work, and whether it does.</summary>
/// <param name="Name">The program.</param>
/// <param name="Share">How much of it.</param>
/// <param name="Mode">How it balances.</param>
/// <param name="Evidence">What says so.</param>
internal sealed record OtherProxy(string Name, ProxyShare Share, KubeProxyMode Mode, ImmutableArray<ProxyEvidence> Evidence)
{
    /// <summary>Finds those that a cluster has among its DaemonSets, and reads their configuration.</summary>
    internal static async Task<ImmutableArray<OtherProxy>> FindAsync(IKubernetesApi api, ImmutableArray<KubeWorkload> daemonSets, CancellationToken cancel)
    {
        ImmutableArray<OtherProxy>.Builder found = ImmutableArray.CreateBuilder<OtherProxy>();
        foreach (KubeWorkload set in daemonSets)
        {
            OtherProxy? one = set.Metadata.Name switch
            {
                // GKE's Dataplane V2 is Cilium too.
                "cilium" or "anetd" => await Cilium(api, set, cancel).ConfigureAwait(false),
                "calico-node" => await Calico(api, set, cancel).ConfigureAwait(false),
                "antrea-agent" => await Antrea(api, set, cancel).ConfigureAwait(false),
                "kube-router" => KubeRouter(set),
                "ovnkube-node" => new OtherProxy("OVN-Kubernetes", ProxyShare.All, KubeProxyMode.Other, [Seen(set, "runs OVN's load balancers for services")]),
                _ => null,
            };
            if (one is not null) found.Add(one);
        }

        return found.ToImmutable();
    }

    private static async Task<OtherProxy> Cilium(IKubernetesApi api, KubeWorkload set, CancellationToken cancel)
    {
        const string name = "cilium-config", key = "kube-proxy-replacement";
        (ProxyEvidence said, string? value) = await Value(api, set, name, key, cancel).ConfigureAwait(false);
        ProxyShare share = said.Problem is not null ? ProxyShare.Unknown : value?.ToLowerInvariant() switch
        {
            "true" or "strict" => ProxyShare.All,
            "probe" or "partial" => ProxyShare.Part,
            _ => ProxyShare.None,
        };
        return new OtherProxy("Cilium", share, KubeProxyMode.Other, [Seen(set, "is there"), said]);
    }

    // The DaemonSet's environment comes before the configuration.
    private static async Task<OtherProxy> Calico(IKubernetesApi api, KubeWorkload set, CancellationToken cancel)
    {
        const string variable = "FELIX_BPFENABLED", source = "FelixConfiguration default";
        string? env = Containers(set).SelectMany(one => one.Env ?? []).FirstOrDefault(one => one.Name == variable)?.Value;
        if (env is not null) return Of(IsTrue(env), Seen(set, $"{variable}={env}"));
        (KubeFelixConfiguration? felix, string? problem) = await ProxySurvey.Attempt(() => api.GetAsync(Kube.FelixConfigurations, null, "default", cancel)).ConfigureAwait(false);
        if (problem is not null) return new OtherProxy("Calico", ProxyShare.Unknown, KubeProxyMode.Other, [Seen(set, "is there"), new ProxyEvidence(source, null, problem)]);
        bool bpf = felix?.Spec?.BpfEnabled == true;
        return Of(bpf, new ProxyEvidence(source, felix?.Spec?.BpfEnabled is { } enabled ? $"bpfEnabled: {(enabled ? "true" : "false")}" : "bpfEnabled is not set"));

        static OtherProxy Of(bool bpf, ProxyEvidence evidence) => new(bpf ? "Calico (eBPF)" : "Calico", bpf ? ProxyShare.All : ProxyShare.None, KubeProxyMode.Other, [evidence]);
    }

    private static async Task<OtherProxy> Antrea(IKubernetesApi api, KubeWorkload set, CancellationToken cancel)
    {
        const string key = "antrea-agent.conf";
        // Before v1.8 the name has a hash at its end.
        (ImmutableArray<KubeConfigMap>? maps, string? problem) = await ProxySurvey.Attempt(
            async () => (ImmutableArray<KubeConfigMap>?)await api.ListAsync(Kube.ConfigMaps, set.Metadata.Namespace, "app=antrea", null, cancel).ConfigureAwait(false)).ConfigureAwait(false);
        KubeConfigMap? map = maps?.Where(one => one.Data?.ContainsKey(key) == true).MaxBy(one => one.Metadata.CreationTimestamp);
        string where = $"ConfigMap {set.Metadata.Namespace}/{map?.Metadata.Name ?? "antrea-config"}";
        if (map is null) return new OtherProxy("Antrea", ProxyShare.Unknown, KubeProxyMode.Other, [Seen(set, "is there"), new ProxyEvidence(where, null, problem ?? "there is none")]);
        ManifestField config;
        try
        {
            var yaml = new YamlStream();
            yaml.Load(new StringReader(map.Data![key]));
            config = new ManifestField(yaml.Documents.FirstOrDefault()?.RootNode, where);
        }
        catch (YamlException exception)
        {
            return new OtherProxy("Antrea", ProxyShare.Unknown, KubeProxyMode.Other, [new ProxyEvidence(where, null, $"{key} is not YAML: {exception.Message}")]);
        }

        bool proxy = config["featureGates"]["AntreaProxy"].OptionalText() is not { } gate || IsTrue(gate), enabled = config["antreaProxy"]["enable"].OptionalText() is not { } enable || IsTrue(enable);
        bool all = config["antreaProxy"]["proxyAll"].OptionalText() is { } everything && IsTrue(everything);
        return !proxy || !enabled ? new OtherProxy("Antrea", ProxyShare.None, KubeProxyMode.Other, [new ProxyEvidence(where, "AntreaProxy is off")])
            : new OtherProxy("Antrea", all ? ProxyShare.All : ProxyShare.Part, KubeProxyMode.Other, [new ProxyEvidence(where, $"antreaProxy.proxyAll: {(all ? "true" : "false")}")]);
    }

    private static OtherProxy KubeRouter(KubeWorkload set)
    {
        const string flag = "--run-service-proxy";
        string? said = Containers(set).SelectMany(one => (one.Command ?? []).Concat(one.Args ?? [])).FirstOrDefault(argument => argument == flag || argument.StartsWith(flag + "=", StringComparison.Ordinal));
        bool runs = said is null or flag || IsTrue(said[(flag.Length + 1)..]);
        return new OtherProxy("kube-router", runs ? ProxyShare.All : ProxyShare.None, KubeProxyMode.Ipvs, [Seen(set, said ?? $"has no {flag}, which is true by default")]);
    }

    private static async Task<(ProxyEvidence Said, string? Value)> Value(IKubernetesApi api, KubeWorkload set, string map, string key, CancellationToken cancel)
    {
        string ns = set.Metadata.Namespace ?? ProxySurvey.SystemNamespace, where = $"ConfigMap {ns}/{map}";
        (KubeConfigMap? found, string? problem) = await ProxySurvey.Attempt(() => api.GetAsync(Kube.ConfigMaps, ns, map, cancel)).ConfigureAwait(false);
        if (found is null) return (new ProxyEvidence(where, null, problem ?? "there is none"), null);
        string? value = found.Data?.GetValueOrDefault(key);
        return (new ProxyEvidence(where, value is null ? $"{key} is not set" : $"{key}: {value}"), value);
    }

    private static IEnumerable<KubeContainer> Containers(KubeWorkload set) => set.Spec?.Template?.Spec?.Containers ?? [];

    private static ProxyEvidence Seen(KubeWorkload set, string says) => new($"DaemonSet {set.Metadata.Namespace}/{set.Metadata.Name}", says);

    private static bool IsTrue(string word) => word.Trim('"', '\'').Equals("true", StringComparison.OrdinalIgnoreCase) || word == "1";
}
