using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using LbTest.Clusters.Kubernetes.Api;

namespace LbTest.Clusters.Kubernetes.Proxy;

/// <summary>What a kube-proxy that runs says of itself.</summary>
/// <param name="Mode">The mode in force, by <c>/proxyMode</c>.</param>
/// <param name="AskedMode">The mode in the configuration with which it was started, by <c>/configz</c>; empty where that left it open, null where it does not tell.</param>
/// <param name="Scheduler">The scheduler in that; empty where it left it open, null where it does not tell.</param>
internal sealed record ProxyProcess(string Mode, string? AskedMode, string? Scheduler)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>Asks it, over its own loopback address, where it listens unless someone told it otherwise.</summary>
    /// <exception cref="KubernetesException">The API server does not lead there.</exception>
    /// <exception cref="IOException">It does not answer, or with something else.</exception>
    internal static async Task<ProxyProcess> AskAsync(IKubernetesApi api, string ns, string pod, int port, CancellationToken cancel)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        patience.CancelAfter(Patience);
        try
        {
            using KubeForward forward = await api.ForwardAsync(ns, pod, port, patience.Token).ConfigureAwait(false);
            (int code, string mode) = await Get(forward.Local, "/proxyMode", patience.Token).ConfigureAwait(false);
            if (code != 200 || mode.Trim() is not { Length: > 0 and < 30 } word) throw new IOException($"it answered with HTTP code {code}");
            (code, string config) = await Get(forward.Local, "/configz", patience.Token).ConfigureAwait(false);
            (string? asked, string? scheduler) = code == 200 ? Configuration(config) : (null, null);
            return new ProxyProcess(word, asked, scheduler);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            throw new IOException($"it did not answer within {Patience.TotalSeconds} seconds");
        }
        catch (SocketException exception)
        {
            throw new IOException(exception.Message, exception);
        }
    }

    // One request, and the server closes: a proxy in the environment has no business here, nor has a pool of connections.
    private static async Task<(int Code, string Body)> Get(IPEndPoint server, string path, CancellationToken cancel)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(server, cancel).ConfigureAwait(false);
        NetworkStream stream = client.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n"), cancel).ConfigureAwait(false);
        using var reader = new StreamReader(stream, Encoding.UTF8);
        string answer = await reader.ReadToEndAsync(cancel).ConfigureAwait(false);
        int body = answer.IndexOf("\r\n\r\n", StringComparison.Ordinal);
        return body > 0 && answer.Split(' ', 3) is ["HTTP/1.0" or "HTTP/1.1", { } code, _] && int.TryParse(code, out int number) ? (number, answer[(body + 4)..])
            : throw new IOException(answer.Length == 0 ? "it closed the connection: nothing of its listens on that port of the loopback address" : "it answered with something else than HTTP");
    }

    private static (string? Mode, string? Scheduler) Configuration(string json)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(json);
            JsonElement? config = Field(document.RootElement, "kubeproxy.config.k8s.io");
            return (Text(Field(config, "Mode")), Text(Field(Field(config, "IPVS"), "Scheduler")));
        }
        catch (JsonException)
        {
            return (null, null);
        }
    }

    // Versions differ in how they write names.
    private static JsonElement? Field(JsonElement? element, string name) => element is not { ValueKind: JsonValueKind.Object } some ? null
        : some.EnumerateObject().Where(field => field.Name.Equals(name, StringComparison.OrdinalIgnoreCase)).Select(field => (JsonElement?)field.Value).FirstOrDefault();

    private static string? Text(JsonElement? element) => element is { ValueKind: JsonValueKind.String } text ? text.GetString() : null;
}
