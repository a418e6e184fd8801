using LbTest.Cmdlets.Parameters;

namespace LbTest.Cmdlets.Clusters;

/// <summary>What cmdlets share that may turn to a Kubernetes cluster.</summary>
public abstract class KubernetesCommand : LbCommand
{
    private protected const string OnKubernetes = "Kubernetes";

    /// <summary>Turns to a Kubernetes cluster.</summary>
    [Parameter(Mandatory = true, ParameterSetName = OnKubernetes)]
    public SwitchParameter Kubernetes { get; set; }

    /// <summary>The kubeconfig's context; the current one if not given.</summary>
    [Parameter(ParameterSetName = OnKubernetes)]
    [ArgumentCompleter(typeof(ContextCompleter))]
    public string? Context { get; set; }

    /// <summary>The kubeconfig file; the one that kubectl takes if not given.</summary>
    [Parameter(ParameterSetName = OnKubernetes)]
    public string? KubeConfig { get; set; }

    /// <summary>The kubeconfig file's path; null where none is given.</summary>
    private protected string? KubeConfigPath => KubeConfig is null ? null : GetUnresolvedProviderPathFromPSPath(KubeConfig);
}
