using System.Collections.Immutable;
using System.Text.Json;
using LbTest.Clusters.Kubernetes.Api;

namespace LbTest.Clusters.Tests.Kubernetes;

/// <summary>An API server that knows answers, by resource, and has no other kinds of objects.</summary>
internal sealed class RecordedApi : IKubernetesApi
{
    private readonly Dictionary<string, string> _answers = [];
    private readonly Dictionary<string, KubernetesFault> _faults = [];

    public string Context => "recorded";

    /// <summary>What it was asked for.</summary>
    internal List<string> Asked { get; } = [];

    /// <summary>Answers requests for a resource with a file of <c>Answers</c>.</summary>
    internal RecordedApi With(string resource, string file) => WithJson(resource, File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Kubernetes", "Answers", file)));

    internal RecordedApi WithJson(string resource, string json)
    {
        _answers[resource] = json;
        return this;
    }

    internal RecordedApi Refusing(string resource, KubernetesFault fault = KubernetesFault.Forbidden)
    {
        _faults[resource] = fault;
        return this;
    }

    public Task<T?> GetAsync<T>(KubeKind<T> kind, string? ns, string name, CancellationToken cancel) where T : class =>
        Answer(kind.Resource, $"{kind.Resource} {ns}/{name}", json => JsonSerializer.Deserialize(json, kind.Type));

    public Task<ImmutableArray<T>> ListAsync<T>(KubeKind<T> kind, string? ns, string? labels, string? fields, CancellationToken cancel) where T : class =>
        Answer(kind.Resource, $"{kind.Resource} {ns} {labels}{fields}", json => JsonSerializer.Deserialize(json, kind.ListType)!.Items!.Value);

    private Task<T> Answer<T>(string resource, string asked, Func<string, T> read)
    {
        Asked.Add(asked);
        KubernetesFault fault = _faults.GetValueOrDefault(resource, KubernetesFault.NotFound);
        return _answers.TryGetValue(resource, out string? json) && !_faults.ContainsKey(resource)
            ? Task.FromResult(read(json))
            : Task.FromException<T>(new KubernetesException(fault, $"Could not list {resource}: {fault}."));
    }

    public IAsyncEnumerable<KubeEvent<T>> WatchAsync<T>(KubeKind<T> kind, string? ns, string? labels, CancellationToken cancel) where T : class => throw new NotSupportedException();

    public Task<string> ApplyAsync(string manifest, CancellationToken cancel) => throw new NotSupportedException();

    public Task PatchAsync<T>(KubeKind<T> kind, string? ns, string name, string patch, CancellationToken cancel) where T : class => throw new NotSupportedException();

    public Task DeleteAsync<T>(KubeKind<T> kind, string? ns, string name, TimeSpan? grace, bool wait, CancellationToken cancel) where T : class => throw new NotSupportedException();

    public Task EvictAsync(string ns, string pod, CancellationToken cancel) => throw new NotSupportedException();

    public Task<string> LogsAsync(string ns, string pod, string? container, int? lastLines, CancellationToken cancel) => throw new NotSupportedException();

    public Task<string> LogHeadAsync(string ns, string pod, string? container, bool previous, int lines, CancellationToken cancel) => throw new NotSupportedException();

    public Task<string> RawAsync(string path, CancellationToken cancel) => throw new NotSupportedException();

    public Task<bool> MayAsync(string verb, string resource, string? ns, CancellationToken cancel) => throw new NotSupportedException();

    public KubeStreams Exec(string ns, string pod, string? container, IReadOnlyList<string> command) => throw new NotSupportedException();

    public Task<string> RunAsync(string ns, string pod, string? container, IReadOnlyList<string> command, string? input, CancellationToken cancel) => throw new NotSupportedException();

    public Task<KubeForward> ForwardAsync(string ns, string pod, int port, CancellationToken cancel) => throw new NotSupportedException();
}
