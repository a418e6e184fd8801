using LbTest.Clusters.Kubernetes.Api;

namespace LbTest.Clusters.Kubernetes;

/// <summary>The contexts of a kubeconfig.</summary>
public static class KubeContexts
{
    /// <summary>Their names. Asks no server.</summary>
    /// <param name="kubeConfig">The kubeconfig file; null leaves it to kubectl.</param>
    /// <param name="cancel">Ends it.</param>
    /// <exception cref="Tools.ToolException">There is no kubectl.</exception>
    /// <exception cref="KubernetesException">The file is none.</exception>
    public static Task<ImmutableArray<string>> NamesAsync(string? kubeConfig, CancellationToken cancel) => Kubectl.ContextsAsync(kubeConfig, cancel);
}
