using LbTest.Clusters.Kubernetes.Api;
using LbTest.Clusters.Lab.Dataplanes;
using LbTest.Engine;

namespace LbTest.Clusters.Kubernetes.Proxy;

/// <summary>Whether a cluster's proxy mode can be changed by its ConfigMap and DaemonSet, and what to do where it cannot.</summary>
internal static class ProxyChangeable
{
    /// <summary>The DaemonSet to restart.</summary>
    /// <exception cref="PlanException">There is none, or no configuration; the message says how the mode is changed there.</exception>
    internal static KubeWorkload Require(ProxySurvey survey, string cluster)
    {
        PlanException Fault(string problem, string remedy) => new("Cluster", cluster, problem, remedy);
        if (survey.Others.FirstOrDefault(one => one.Share == ProxyShare.All) is { } other)
            throw Fault($"has no proxy mode to change: {other.Name} does kube-proxy's work ({other.Evidence[^1]})", $"Change {other.Name}'s own configuration, or have kube-proxy do the work again");
        if (survey.ConfigMap is not null && !survey.ConfigMap.Metadata.Name.Equals("kube-proxy", StringComparison.Ordinal))
        {
            throw Fault($"keeps kube-proxy's configuration in {survey.ConfigMapName}, which a managed add-on writes (EKS)",
                "Change the add-on: aws eks update-addon --addon-name kube-proxy --configuration-values '{\"mode\": \"ipvs\", \"ipvs\": {\"scheduler\": \"rr\"}}'");
        }

        if (survey.ConfigMap is null) throw Fault(Absence(survey), Remedy(survey));
        if (survey.Config is null)
        {
            string problem = survey.ConfigMap.Data?.ContainsKey(survey.Key) == true ? survey.Unread.First(one => one.Source == survey.ConfigMapName).Problem!.TrimEnd('.')
                : $"has no '{ProxySurvey.ConfigKey}' in {survey.ConfigMapName} ({ProxySurvey.Keys(survey.ConfigMap)})";
            throw Fault(problem, "LbTest changes the mode where kubeadm, kind and minikube keep it, in config.conf; elsewhere change it as your distribution says");
        }

        KubeWorkload daemonSet = survey.DaemonSets.FirstOrDefault(one => one.Metadata.Name == "kube-proxy") ?? survey.DaemonSets.FirstOrDefault()
            ?? throw Fault($"has {survey.ConfigMapName}, but no DaemonSet of kube-proxy that could be restarted with it", Remedy(survey));
        if (daemonSet.Spec?.UpdateStrategy?.Type == "OnDelete")
            throw Fault($"has a DaemonSet {daemonSet.Metadata.Namespace}/{daemonSet.Metadata.Name} with the update strategy OnDelete, which no restart reaches", "Set it to RollingUpdate: kubectl -n kube-system edit daemonset kube-proxy");
        return daemonSet;
    }

    /// <summary>Finds out that the version has the mode, as far as its image's tag says.</summary>
    /// <exception cref="PlanException">It has not.</exception>
    internal static void RequireVersion(KubeWorkload daemonSet, ProxyMode mode)
    {
        string? version = daemonSet.Spec?.Template?.Spec?.Containers?.Select(one => one.Image is null ? null : ProxyVersion.OfImage(one.Image)).FirstOrDefault(one => one is not null);
        bool old = version is not null && mode == ProxyMode.Nftables && ProxyVersion.Minor(version) < 29;
        PlanException.Require(!old, nameof(ProxyMode), mode, $"is no mode of kube-proxy {version}", "It came with Kubernetes v1.31 (v1.29 with the feature gate NFTablesProxyMode): use Iptables or Ipvs, or a newer cluster");
    }

    private static string Absence(ProxySurvey survey)
    {
        ProxyEvidence? unread = survey.Unread.FirstOrDefault(one => one.Source == survey.ConfigMapName);
        return $"has no {survey.ConfigMapName} to change{(unread?.Problem is { } problem && problem != "there is none" ? $" ({problem.TrimEnd('.')})" : "")}";
    }

    private static string Remedy(ProxySurvey survey)
    {
        string version = survey.Nodes.FirstOrDefault()?.Status?.NodeInfo?.KubeletVersion ?? "";
        bool Has(string label) => survey.Nodes.Any(node => node.Metadata.Labels?.Keys.Any(key => key.StartsWith(label, StringComparison.Ordinal)) == true);
        return version.Contains("+k3s", StringComparison.Ordinal) ? "k3s has kube-proxy in its own process: set 'kube-proxy-arg: [proxy-mode=ipvs, ipvs-scheduler=rr]' in /etc/rancher/k3s/config.yaml on every node and restart k3s"
            : version.Contains("+rke2", StringComparison.Ordinal) ? "Set 'kube-proxy-arg: [proxy-mode=ipvs, ipvs-scheduler=rr]' in /etc/rancher/rke2/config.yaml on every node and restart rke2-server or rke2-agent"
            : Has("microk8s.io/") ? "Set --proxy-mode in /var/snap/microk8s/current/args/kube-proxy on every node and restart MicroK8s"
            : version.Contains("-gke.", StringComparison.Ordinal) || Has("cloud.google.com/gke") ? "GKE manages kube-proxy itself, as static pods: its mode cannot be changed there"
            : Has("kubernetes.azure.com/") ? "AKS manages kube-proxy itself: az aks update --kube-proxy-config FILE"
            : Has("eks.amazonaws.com/") ? "Use the EKS add-on kube-proxy: aws eks update-addon --addon-name kube-proxy --configuration-values '{\"mode\": \"ipvs\"}'"
            : "LbTest changes the mode where kubeadm, kind and minikube keep it; elsewhere change it as your distribution says";
    }
}
