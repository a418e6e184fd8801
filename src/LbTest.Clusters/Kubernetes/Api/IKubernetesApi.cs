namespace LbTest.Clusters.Kubernetes.Api;

/// <summary>All that LbTest wants of a Kubernetes API server. <see cref="Kubectl"/> is the one way to it today; a client library could be another.</summary>
/// <remarks>
/// Every method throws <see cref="KubernetesException"/> when the server refuses or cannot be reached, <see cref="Tools.ToolException"/> when this machine lacks what it takes, and
/// <see cref="OperationCanceledException"/> when it is cancelled.
/// </remarks>
internal interface IKubernetesApi
{
    /// <summary>The name of the kubeconfig's context in use.</summary>
    string Context { get; }

    /// <summary>Reads an object; null when it does not exist.</summary>
    Task<T?> GetAsync<T>(KubeKind<T> kind, string? ns, string name, CancellationToken cancel) where T : class;

    /// <summary>Reads the objects of a kind.</summary>
    /// <param name="kind">The kind.</param>
    /// <param name="ns">The namespace; null for kinds that have none, <c>*</c> for all of them.</param>
    /// <param name="labels">Only those with these labels, <c>app=lbtest,role=endpoint</c>; null for all.</param>
    /// <param name="fields">Only those with these fields, <c>spec.nodeName=node-1</c>; null for all.</param>
    /// <param name="cancel">Ends it.</param>
    Task<ImmutableArray<T>> ListAsync<T>(KubeKind<T> kind, string? ns, string? labels, string? fields, CancellationToken cancel) where T : class;

    /// <summary>Tells of the objects of a kind that exist, then of every change, until it is cancelled or the server is gone.</summary>
    IAsyncEnumerable<KubeEvent<T>> WatchAsync<T>(KubeKind<T> kind, string? ns, string? labels, CancellationToken cancel) where T : class;

    /// <summary>Server-side apply of one or several objects of ours, as JSON or YAML. Fields that others have changed meanwhile become again what they are to be.</summary>
    /// <returns>What it did, a line for each object.</returns>
    Task<string> ApplyAsync(string manifest, CancellationToken cancel);

    /// <summary>Merges a JSON patch into an object, lists by their merge keys (strategic merge patch).</summary>
    Task PatchAsync<T>(KubeKind<T> kind, string? ns, string name, string patch, CancellationToken cancel) where T : class;

    /// <summary>Deletes an object; one that does not exist is no error.</summary>
    /// <param name="kind">The kind.</param>
    /// <param name="ns">Its namespace; null for kinds that have none.</param>
    /// <param name="name">Its name.</param>
    /// <param name="grace">How long it may take to end; null leaves it to the object, zero forces it.</param>
    /// <param name="wait">True returns when it is gone.</param>
    /// <param name="cancel">Ends it.</param>
    Task DeleteAsync<T>(KubeKind<T> kind, string? ns, string name, TimeSpan? grace, bool wait, CancellationToken cancel) where T : class;

    /// <summary>Asks the eviction API to end a pod, which respects disruption budgets.</summary>
    Task EvictAsync(string ns, string pod, CancellationToken cancel);

    /// <summary>Reads a container's log.</summary>
    /// <param name="ns">The namespace.</param>
    /// <param name="pod">The pod.</param>
    /// <param name="container">The container; null for the only one.</param>
    /// <param name="lastLines">How many of the last lines; null for all.</param>
    /// <param name="cancel">Ends it.</param>
    Task<string> LogsAsync(string ns, string pod, string? container, int? lastLines, CancellationToken cancel);

    /// <summary>Reads the beginning of a container's log.</summary>
    /// <param name="ns">The namespace.</param>
    /// <param name="pod">The pod.</param>
    /// <param name="container">The container; null for the only one.</param>
    /// <param name="previous">True for the container's run before this one.</param>
    /// <param name="bytes">How much of it.</param>
    /// <param name="cancel">Ends it.</param>
    Task<string> LogHeadAsync(string ns, string pod, string? container, bool previous, int bytes, CancellationToken cancel);

    /// <summary>Reads a path of the API server itself: <c>/version</c>.</summary>
    Task<string> RawAsync(string path, CancellationToken cancel);

    /// <summary>Whether the user may do something: <c>create</c>, <c>deployments.apps</c>.</summary>
    Task<bool> MayAsync(string verb, string resource, string? ns, CancellationToken cancel);

    /// <summary>Runs a program in a container and connects to its stdin and stdout.</summary>
    KubeStreams Exec(string ns, string pod, string? container, IReadOnlyList<string> command);

    /// <summary>Runs a program in a container to its end.</summary>
    /// <returns>What it wrote to stdout.</returns>
    Task<string> RunAsync(string ns, string pod, string? container, IReadOnlyList<string> command, string? input, CancellationToken cancel);

    /// <summary>Opens a TCP connection to a port inside a pod's network, loopback included, as an address on this machine's loopback.</summary>
    Task<KubeForward> ForwardAsync(string ns, string pod, int port, CancellationToken cancel);
}

/// <summary>A change of an object.</summary>
/// <param name="Type"><c>ADDED</c>, <c>MODIFIED</c> or <c>DELETED</c>.</param>
/// <param name="Object">The object after it; before it, where it was deleted.</param>
internal sealed record KubeEvent<T>(string Type, T Object);
