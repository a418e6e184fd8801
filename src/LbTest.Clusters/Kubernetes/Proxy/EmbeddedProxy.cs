using System.Text.Json;
using System.Text.RegularExpressions;
using LbTest.Clusters.Kubernetes.Api;

namespace LbTest.Clusters.Kubernetes.Proxy;

/// <summary>kube-proxy as a part of a distribution's own process on the node, where no pod of its can be asked: k3s and MicroK8s.</summary>
internal static partial class EmbeddedProxy
{
    private const string K3sArguments = "k3s.io/node-args";

    /// <summary>What is known of a node's; null where it is none of these distributions'.</summary>
    internal static ProxyModeReport? Of(KubeNode node, IEnumerable<KubeNode> nodes)
    {
        if (node.Metadata.Labels?.ContainsKey("microk8s.io/cluster") == true)
        {
            return Report(node, KubeProxyMode.Unknown, null, "", new ProxyEvidence($"node {node.Name}", "label microk8s.io/cluster"),
                "MicroK8s runs kube-proxy in a process of its own on the node; the API server does not tell its mode. On the node, /var/snap/microk8s/current/args/kube-proxy does.");
        }

        if (node.Status?.NodeInfo?.KubeletVersion is not { } version || !version.Contains("+k3s", StringComparison.Ordinal)) return null;
        // Servers decide for all whether there is one at all.
        if (nodes.FirstOrDefault(one => Arguments(one).Contains("--disable-kube-proxy")) is { } server)
        {
            return new ProxyModeReport
            {
                Node = node.Name, Proxy = "", Mode = KubeProxyMode.None, Reason = $"The k3s server on {server.Name} was started with --disable-kube-proxy.",
                Explanation = $"{node.Name}: k3s runs no kube-proxy (--disable-kube-proxy on {server.Name}), and nothing else was found that balances.",
                Evidence = [new ProxyEvidence($"node {server.Name}, {K3sArguments}", "--disable-kube-proxy")],
            };
        }

        string arguments = string.Join(' ', Arguments(node)), word = Mode().Match(arguments).Groups["mode"].Value, scheduler = Scheduler().Match(arguments).Groups["scheduler"].Value;
        KubeProxyMode mode = word.Length == 0 ? KubeProxyMode.Iptables : Enum.TryParse(word, ignoreCase: true, out KubeProxyMode known) ? known : KubeProxyMode.Unknown;
        string asked = word.Length == 0 ? "no argument names a mode, and iptables is the default" : $"it was started with proxy-mode={word}";
        return Report(node, mode, version, scheduler, new ProxyEvidence($"node {node.Name}, {K3sArguments}", arguments.Length == 0 ? "none" : arguments),
            $"k3s runs kube-proxy in a process of its own on the node; {asked}. Whether that is in force only the node can tell: curl http://localhost:10249/proxyMode.");
    }

    private static ProxyModeReport Report(KubeNode node, KubeProxyMode mode, string? version, string scheduler, ProxyEvidence evidence, string explanation) => new()
    {
        Node = node.Name, Mode = mode, Version = version, Reason = evidence.ToString(), Explanation = $"{node.Name}: {explanation}", Evidence = [evidence],
        Scheduler = mode != KubeProxyMode.Ipvs ? null : scheduler.Length > 0 ? scheduler : ProxyModeReader.DefaultScheduler,
        SchedulerIsDefault = mode == KubeProxyMode.Ipvs ? scheduler.Length == 0 : null,
    };

    private static ImmutableArray<string> Arguments(KubeNode node)
    {
        if (node.Metadata.Annotations?.GetValueOrDefault(K3sArguments) is not { } json) return [];
        try
        {
            using JsonDocument document = JsonDocument.Parse(json);
            return [.. document.RootElement.EnumerateArray().Select(one => one.ToString())];
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            return [];
        }
    }

    [GeneratedRegex(@"--kube-proxy-arg[= ](?:--)?proxy-mode=(?<mode>\w+)")]
    private static partial Regex Mode();

    [GeneratedRegex(@"--kube-proxy-arg[= ](?:--)?ipvs-scheduler=(?<scheduler>\w+)")]
    private static partial Regex Scheduler();
}
