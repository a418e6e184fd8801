using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using LbTest.Clusters.Kubernetes.Api;
using YamlDotNet.RepresentationModel;

namespace LbTest.Clusters.Tests.Kubernetes;

/// <summary>An API server that answers from files: see Recorded/README.md. Objects can be changed meanwhile; what is changed through it has its version counted.</summary>
internal sealed class RecordedCluster : IKubernetesApi
{
    private readonly string _folder;
    private long _version = 1000;

    private RecordedCluster(string folder) => _folder = folder;

    public string Context => Path.GetFileName(_folder);

    /// <summary>The objects, by kind, namespace and name.</summary>
    internal List<JsonObject> Objects { get; } = [];

    /// <summary>Verbs and resources that are forbidden: <c>list pods</c>.</summary>
    internal HashSet<string> Forbidden { get; } = [];

    /// <summary>What was changed, a line each.</summary>
    internal List<string> Changes { get; } = [];

    /// <summary>Called after each change.</summary>
    internal Action<string>? Changed { get; set; }

    /// <summary>What a program in a container prints, by its command line; set it where a test runs some.</summary>
    internal Func<string, string, string>? Run { get; set; }

    internal static RecordedCluster Recorded(string name) => Open("Recorded", name);

    internal static RecordedCluster Made(string name) => Open("Made", name);

    internal JsonObject? Find(string kind, string name) => Objects.Find(one => (string?)one["kind"] == kind && (string?)one["metadata"]!["name"] == name);

    internal string Answer(string pod, string file) => Path.Combine(_folder, pod, file);

    private static RecordedCluster Open(string kind, string name)
    {
        var api = new RecordedCluster(Path.Combine(Here(), kind, name));
        api.Objects.AddRange(JsonNode.Parse(File.ReadAllText(Path.Combine(api._folder, "objects.json")))!["items"]!.AsArray().Select(one => one!.DeepClone().AsObject()));
        return api;
    }

    private static string Here([CallerFilePath] string file = "") => Path.GetDirectoryName(file)!;

    public Task<T?> GetAsync<T>(KubeKind<T> kind, string? ns, string name, CancellationToken cancel) where T : class
    {
        Allow("get", kind.Resource);
        return Task.FromResult(Of(kind.Resource, ns).Where(one => (string?)one["metadata"]!["name"] == name).Select(one => JsonSerializer.Deserialize(one, kind.Type)).FirstOrDefault());
    }

    public Task<ImmutableArray<T>> ListAsync<T>(KubeKind<T> kind, string? ns, string? labels, string? fields, CancellationToken cancel) where T : class
    {
        Allow("list", kind.Resource);
        string[] wanted = labels?.Split(',') ?? [], places = fields?.Split(',') ?? [];
        return Task.FromResult<ImmutableArray<T>>([.. Of(kind.Resource, ns).Where(one => wanted.All(label => Has(one["metadata"]!["labels"], label)) && places.All(field => HasField(one, field))).Select(one => JsonSerializer.Deserialize(one, kind.Type)!)]);
    }

    // Nothing comes or goes by itself.
    public async IAsyncEnumerable<KubeEvent<T>> WatchAsync<T>(KubeKind<T> kind, string? ns, string? labels, [EnumeratorCancellation] CancellationToken cancel) where T : class
    {
        Allow("watch", kind.Resource);
        await Task.Delay(Timeout.InfiniteTimeSpan, cancel);
        yield break;
    }

    public Task<string> ApplyAsync(string manifest, CancellationToken cancel)
    {
        Changes.Add("apply");
        Allow("patch", "pods");
        var yaml = new YamlStream();
        yaml.Load(new StringReader(manifest));
        foreach (YamlDocument document in yaml.Documents)
        {
            JsonObject one = Json(document.RootNode)!.AsObject();
            // It runs at once, or has rolled out.
            if ((string?)one["kind"] == "Pod") one["status"] = JsonNode.Parse("""{"phase":"Running","conditions":[{"type":"Ready","status":"True"}]}""");
            if ((string?)one["kind"] == "Deployment") (one["metadata"]!["generation"], one["status"]) = (1, RolledOut((long)one["spec"]!["replicas"]!));
            Objects.Add(one);
        }

        Changed?.Invoke("apply");
        return Task.FromResult("");
    }

    public Task PatchAsync<T>(KubeKind<T> kind, string? ns, string name, string patch, CancellationToken cancel) where T : class
    {
        Allow("patch", kind.Resource);
        JsonObject one = Of(kind.Resource, ns).First(one => (string?)one["metadata"]!["name"] == name), change = JsonNode.Parse(patch)!.AsObject();
        if ((string?)change["metadata"]?["resourceVersion"] is { } based && based != (string?)one["metadata"]!["resourceVersion"])
            throw new KubernetesException(KubernetesFault.Conflict, "Could not change it: the object has been modified");
        Merge(one, change);
        one["metadata"]!["resourceVersion"] = $"{++_version}";
        string what = $"patch {kind.Resource} {name}";
        Changes.Add(what);
        Changed?.Invoke(what);
        return Task.CompletedTask;
    }

    public Task DeleteAsync<T>(KubeKind<T> kind, string? ns, string name, TimeSpan? grace, bool wait, CancellationToken cancel) where T : class
    {
        Allow("delete", kind.Resource);
        Changes.Add($"delete {kind.Resource} {name}");
        lock (Objects) foreach (JsonObject one in Of(kind.Resource, ns).Where(one => (string?)one["metadata"]!["name"] == name).ToArray()) _ = Objects.Remove(one);
        return Task.CompletedTask;
    }

    public Task EvictAsync(string ns, string pod, CancellationToken cancel) => throw new NotSupportedException();

    public Task<string> LogsAsync(string ns, string pod, string? container, int? lastLines, CancellationToken cancel) => LogHeadAsync(ns, pod, container, false, int.MaxValue, cancel);

    public Task<string> LogHeadAsync(string ns, string pod, string? container, bool previous, int bytes, CancellationToken cancel)
    {
        Allow("get", "pods/log");
        return File.Exists(Answer(pod, "log")) ? Task.FromResult(File.ReadAllText(Answer(pod, "log"))) : throw new KubernetesException(KubernetesFault.NotFound, $"Could not read the log of pod {pod}: there is none.");
    }

    public Task<string> RawAsync(string path, CancellationToken cancel) => throw new NotSupportedException();

    public Task<bool> MayAsync(string verb, string resource, string? ns, CancellationToken cancel) => Task.FromResult(!Forbidden.Contains($"{verb} {resource}"));

    public KubeStreams Exec(string ns, string pod, string? container, IReadOnlyList<string> command) => throw new NotSupportedException();

    public Task<string> RunAsync(string ns, string pod, string? container, IReadOnlyList<string> command, string? input, CancellationToken cancel) =>
        Task.FromResult((Run ?? throw new NotSupportedException())(pod, string.Join(' ', command)));

    // What the pod says over HTTP: the files of its folder.
    public Task<KubeForward> ForwardAsync(string ns, string pod, int port, CancellationToken cancel)
    {
        Allow("create", "pods/portforward");
        var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        _ = Serve(listener, pod);
        return Task.FromResult(new KubeForward((IPEndPoint)listener.LocalEndpoint, listener.Dispose));
    }

    private async Task Serve(TcpListener listener, string pod)
    {
        try
        {
            while (true)
            {
                using TcpClient client = await listener.AcceptTcpClientAsync();
                if (!File.Exists(Answer(pod, "proxyMode"))) continue;
                using var reader = new StreamReader(client.GetStream());
                string path = (await reader.ReadLineAsync())!.Split(' ')[1].TrimStart('/');
                while (await reader.ReadLineAsync() is { Length: > 0 })
                {
                }

                bool there = File.Exists(Answer(pod, path));
                await client.GetStream().WriteAsync(Encoding.UTF8.GetBytes(there ? $"HTTP/1.0 200 OK\r\n\r\n{await File.ReadAllTextAsync(Answer(pod, path))}" : "HTTP/1.0 404 Not Found\r\n\r\nnone"));
            }
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException or IOException or NullReferenceException)
        {
            // Let go of.
        }
    }

    private void Allow(string verb, string resource)
    {
        string what = $"{verb} {resource.Split('.')[0]}";
        if (Forbidden.Contains(what)) throw new KubernetesException(KubernetesFault.Forbidden, $"Could not {verb} {resource}: User \"someone\" cannot {what}.");
    }

    // 'endpointslices.v1.discovery.k8s.io' is a version too: a server that has another one does not know it.
    private IEnumerable<JsonObject> Of(string resource, string? ns)
    {
        string[] parts = resource.Split('.', 2);
        return Objects.Where(one =>
        {
            string plural = ((string)one["kind"]!).ToLowerInvariant(), version = (string)one["apiVersion"]!;
            string[] group = version.Split('/');
            return (plural == parts[0] || plural + "s" == parts[0]) && (parts.Length == 1 || parts[1] == group[0] || parts[1] == $"{group[^1]}.{group[0]}")
                && (ns is null or "*" || (string?)one["metadata"]!["namespace"] == ns);
        });
    }

    private static JsonObject RolledOut(long replicas) => new() { ["observedGeneration"] = 1, ["replicas"] = replicas, ["readyReplicas"] = replicas, ["updatedReplicas"] = replicas };

    private static bool Has(JsonNode? labels, string label) => label.Split('=') is [{ } name, { } value] ? (string?)labels?[name] == value : labels?[label] is not null;

    private static bool HasField(JsonObject one, string field)
    {
        string[] parts = field.Split('=');
        return (string?)parts[0].Split('.').Aggregate((JsonNode?)one, (node, name) => node?[name]) == parts[1];
    }

    private static JsonNode? Json(YamlNode node) => node switch
    {
        YamlMappingNode mapping => new JsonObject(mapping.Children.Select(pair => KeyValuePair.Create(((YamlScalarNode)pair.Key).Value!, Json(pair.Value)))),
        YamlSequenceNode sequence => new JsonArray([.. sequence.Children.Select(Json)]),
        YamlScalarNode { Style: YamlDotNet.Core.ScalarStyle.Plain, Value: "true" or "false" } flag => JsonValue.Create(flag.Value == "true"),
        YamlScalarNode { Style: YamlDotNet.Core.ScalarStyle.Plain, Value: { } word } when long.TryParse(word, out long number) => JsonValue.Create(number),
        YamlScalarNode text => JsonValue.Create(text.Value),
        _ => null,
    };

    private static void Merge(JsonObject target, JsonObject patch)
    {
        foreach ((string name, JsonNode? value) in patch)
        {
            if (value is null) _ = target.Remove(name);
            else if (value is JsonObject inner && target[name] is JsonObject existing) Merge(existing, inner);
            else target[name] = value.DeepClone();
        }
    }
}
