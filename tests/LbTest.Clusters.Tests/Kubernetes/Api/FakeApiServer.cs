using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace LbTest.Clusters.Tests.Kubernetes.Api;

/// <summary>How the fake server answers a request; everything else it answers as a server without faults and without objects.</summary>
internal enum Answering
{
    Well,

    /// <summary>With a Status object, see <see cref="FakeApiServer.Status"/>.</summary>
    WithStatus,

    /// <summary>After <see cref="FakeApiServer.Delay"/>.</summary>
    Slowly,

    /// <summary>With the first half of an answer, then the connection ends.</summary>
    Half,
}

/// <summary>An API server of a few kinds of objects on 127.0.0.1, which can be slow, refuse, or be gone in the middle of an answer. Plain http: kubectl takes that too.</summary>
internal sealed class FakeApiServer : IDisposable
{
    private const string Kinds = """{"kind":"APIResourceList","groupVersion":"v1","resources":[{"name":"pods","singularName":"pod","namespaced":true,"kind":"Pod","verbs":["create","delete","get","list","patch","watch"]},{"name":"pods/log","singularName":"","namespaced":true,"kind":"Pod","verbs":["get"]},{"name":"endpoints","singularName":"endpoints","namespaced":true,"kind":"Endpoints","verbs":["get","list"]}]}""";

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();

    internal FakeApiServer()
    {
        _listener.Start();
        Folder = Directory.CreateTempSubdirectory("lbtest-api-").FullName;
        KubeConfig = Path.Combine(Folder, "config");
        WriteConfig("token: s3cr3t-t0k3n");
        _ = AcceptAsync();
    }

    internal string Folder { get; }

    internal string KubeConfig { get; }

    internal int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    internal Answering Answering { get; set; }

    internal (int Code, string Reason, string Message) Status { get; set; }

    internal TimeSpan Delay { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>The requests for objects, as they came.</summary>
    internal ConcurrentQueue<string> Asked { get; } = new();

    /// <summary>Writes the kubeconfig. Without TLS, which is not spoken here, kubectl leaves out who the user is.</summary>
    internal void WriteConfig(string user, string scheme = "http") => File.WriteAllText(KubeConfig, $$"""
        apiVersion: v1
        kind: Config
        clusters: [{name: fake, cluster: { server: "{{scheme}}://127.0.0.1:{{Port}}" } }]
        users: [{name: someone, user: { {{user}} } }]
        contexts: [{name: fake, context: { cluster: fake, user: someone } }]
        current-context: fake
        """);

    private async Task AcceptAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                _ = ServeAsync(await _listener.AcceptTcpClientAsync(_stop.Token));
            }
            catch (Exception exception) when (exception is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                return;
            }
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using (client)
        {
            try
            {
                using var reader = new StreamReader(client.GetStream(), Encoding.ASCII);
                string[] request = (await reader.ReadLineAsync(_stop.Token))?.Split(' ') ?? [];
                while (await reader.ReadLineAsync(_stop.Token) is { Length: > 0 })
                {
                }

                if (request.Length == 3) await client.GetStream().WriteAsync(await AnswerAsync(request[0], request[1]), _stop.Token);
            }
            catch (Exception exception) when (exception is OperationCanceledException or IOException or SocketException)
            {
                // The client has gone, or the server.
            }
        }
    }

    private async Task<byte[]> AnswerAsync(string verb, string address)
    {
        string path = address.Split('?')[0];
        if (path == "/api") return Reply(200, """{"kind":"APIVersions","versions":["v1"]}""");
        if (path == "/apis") return Reply(200, """{"kind":"APIGroupList","apiVersion":"v1","groups":[]}""");
        if (path == "/api/v1") return Reply(200, Kinds);
        Asked.Enqueue($"{verb} {address}");
        if (Answering == Answering.Slowly) await Task.Delay(Delay, _stop.Token);
        if (Answering == Answering.WithStatus)
        {
            return Reply(Status.Code, string.Create(CultureInfo.InvariantCulture, $$"""{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"{{Status.Message.Replace("\"", "\\\"", StringComparison.Ordinal)}}","reason":"{{Status.Reason}}","code":{{Status.Code}}}"""));
        }

        bool watch = address.Contains("watch=true", StringComparison.Ordinal);
        byte[] whole = watch ? Reply(200, """{"type":"ADDED","object":{"kind":"Pod","apiVersion":"v1","metadata":{"name":"a","namespace":"n"}}}""" + "\n")
            : Reply(200, """{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"1"},"items":[{"metadata":{"name":"a","namespace":"n"}}]}""");
        return Answering == Answering.Half ? whole[..^20] : whole;
    }

    private static byte[] Reply(int code, string json) =>
        Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"HTTP/1.1 {code} X\r\nContent-Type: application/json\r\nContent-Length: {Encoding.UTF8.GetByteCount(json)}\r\nConnection: close\r\n\r\n{json}"));

    public void Dispose()
    {
        _stop.Cancel();
        _listener.Dispose();
        _stop.Dispose();
        Directory.Delete(Folder, recursive: true);
    }
}
