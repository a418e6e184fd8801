namespace LbTest.Clusters.Kubernetes.Api;

/// <summary>Why a Kubernetes API server did not do what it was asked for.</summary>
public enum KubernetesFault
{
    /// <summary>Anything else; the message says what.</summary>
    Other,

    /// <summary>It cannot be reached, or did not answer in time.</summary>
    Unreachable,

    /// <summary>The kubeconfig, or the context in it, is not good.</summary>
    Config,

    /// <summary>It does not know who asks.</summary>
    Unauthorized,

    /// <summary>The one who asks may not do that.</summary>
    Forbidden,

    /// <summary>There is no such object, or no such kind of object.</summary>
    NotFound,

    /// <summary>It exists already, or has changed meanwhile, or belongs to another manager.</summary>
    Conflict,

    /// <summary>It is not valid: a quota or an admission rule is against it, for example.</summary>
    Invalid,
}

/// <summary>A Kubernetes API server refused, or could not be asked. The message says what was wanted, why it failed and what to do.</summary>
public sealed class KubernetesException : Exception
{
    internal KubernetesException(KubernetesFault fault, string message, Exception? inner = null) : base(message, inner) => Fault = fault;

    /// <summary>What kind of failure it is.</summary>
    public KubernetesFault Fault { get; }
}
