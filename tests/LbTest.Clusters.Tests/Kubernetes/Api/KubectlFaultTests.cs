using System.Diagnostics;
using System.Globalization;
using LbTest.Clusters.Kubernetes;
using LbTest.Clusters.Kubernetes.Api;
using LbTest.Clusters.Tools;

namespace LbTest.Clusters.Tests.Kubernetes.Api;

/// <summary>The way to a cluster and its faults: the real kubectl against a server that misbehaves.</summary>
[System.Runtime.Versioning.SupportedOSPlatform("linux")]
public sealed class KubectlFaultTests : IDisposable
{
    private static readonly TimeSpan Guard = TimeSpan.FromSeconds(60);

    private readonly FakeApiServer _server = new();

    [SkippableFact]
    public async Task A_server_without_faults_answers()
    {
        Kubectl api = await FindAsync();

        Assert.Equal(["a"], (await api.ListAsync(Kube.Pods, "n", "app=x", null, default)).Select(pod => pod.Name));
        Assert.Equal("fake", api.Context);
        Assert.Contains(_server.Asked, one => one.StartsWith("GET /api/v1/namespaces/n/pods?", StringComparison.Ordinal) && one.Contains("labelSelector=app%3Dx", StringComparison.Ordinal));
    }

    [SkippableFact]
    public async Task A_server_without_EndpointSlices_is_asked_for_Endpoints()
    {
        Kubectl api = await FindAsync();

        _ = await EndpointRead.ReadAsync(api, "n", "s", default);

        Assert.Contains(_server.Asked, one => one.StartsWith("GET /api/v1/namespaces/n/endpoints/s", StringComparison.Ordinal));
    }

    [SkippableFact]
    public async Task No_such_context()
    {
        NeedKubectl();
        var fault = await FaultAsync(() => Clusters.Kubernetes.Api.Kubectl.FindAsync(_server.KubeConfig, "prod", default));

        Assert.Equal((KubernetesFault.Config, $"The kubeconfig '{_server.KubeConfig}' has no context 'prod' (it has fake). Give another with -Context, or another file with -KubeConfig."), (fault.Fault, fault.Message));
    }

    [SkippableTheory, InlineData("just some text, ünd more"), InlineData("{ a: [ b"), InlineData("\0\u0001binary")]
    public async Task A_kubeconfig_that_is_none(string text)
    {
        NeedKubectl();
        await File.WriteAllTextAsync(_server.KubeConfig, text);

        var fault = await FaultAsync(() => Clusters.Kubernetes.Api.Kubectl.FindAsync(_server.KubeConfig, null, default));

        Assert.Equal(KubernetesFault.Config, fault.Fault);
        Assert.StartsWith("Could not read the kubeconfig: ", fault.Message, StringComparison.Ordinal);
        Assert.Contains("-KubeConfig", fault.Message, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task A_kubeconfig_that_is_not_there()
    {
        NeedKubectl();
        var fault = await FaultAsync(() => Clusters.Kubernetes.Api.Kubectl.FindAsync("/no/such/file", null, default));

        Assert.Equal(KubernetesFault.Config, fault.Fault);
        Assert.Contains("/no/such/file", fault.Message, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task A_server_that_does_not_listen()
    {
        Kubectl api = await FindAsync();
        int port = _server.Port;
        _server.Dispose();
        using var other = new FakeApiServer();
        await File.WriteAllTextAsync(other.KubeConfig, (await File.ReadAllTextAsync(other.KubeConfig)).Replace($":{other.Port}", $":{port}", StringComparison.Ordinal));
        api = await Clusters.Kubernetes.Api.Kubectl.FindAsync(other.KubeConfig, null, default);

        var fault = await FaultAsync(() => api.ListAsync(Kube.Pods, "n", null, null, default));

        Assert.Equal((KubernetesFault.Unreachable,
            $"Could not list pods in namespace n in context 'fake': The connection to the server 127.0.0.1:{port} was refused - did you specify the right host or port? See whether 'kubectl get nodes' works there; give another cluster with -Context or -KubeConfig."),
            (fault.Fault, fault.Message));
    }

    [SkippableTheory]
    [InlineData(403, "Forbidden", "pods is forbidden: User \"u\" cannot list resource \"pods\" in API group \"\" in the namespace \"n\"", KubernetesFault.Forbidden, "cannot list resource \"pods\"")]
    [InlineData(401, "Unauthorized", "Unauthorized", KubernetesFault.Unauthorized, "Log in again")]
    [InlineData(403, "Forbidden", "pods \"x\" is forbidden: exceeded quota: small, requested: pods=1, used: pods=5, limited: pods=5", KubernetesFault.Invalid, "exceeded quota: small")]
    [InlineData(403, "Forbidden", "pods \"x\" is forbidden: unable to create new content in namespace n because it is being terminated", KubernetesFault.Invalid, "is being terminated")]
    [InlineData(503, "ServiceUnavailable", "etcdserver: leader changed", KubernetesFault.Unreachable, "etcdserver: leader changed")]
    [InlineData(504, "Timeout", "request did not complete within 10s", KubernetesFault.Unreachable, "did not complete")]
    public async Task What_the_server_refuses_is_named(int code, string reason, string message, KubernetesFault expected, string mention)
    {
        Kubectl api = await FindAsync();
        _server.Status = (code, reason, message);
        _server.Answering = Answering.WithStatus;

        var fault = await FaultAsync(() => api.ListAsync(Kube.Pods, "n", null, null, default));

        Assert.Equal(expected, fault.Fault);
        Assert.StartsWith("Could not list pods in namespace n in context 'fake': ", fault.Message, StringComparison.Ordinal);
        Assert.Contains(mention, fault.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("s3cr3t", fault.Message, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task A_server_that_takes_ten_seconds_is_waited_for()
    {
        Kubectl api = await FindAsync();
        _server.Answering = Answering.Slowly;

        Assert.Equal(["a"], (await api.ListAsync(Kube.Pods, "n", null, null, default)).Select(pod => pod.Name));
    }

    [SkippableFact]
    public async Task A_server_that_is_gone_in_the_middle_of_an_answer()
    {
        Kubectl api = await FindAsync();
        _server.Answering = Answering.Half;

        var fault = await FaultAsync(() => api.ListAsync(Kube.Pods, "n", null, null, default));

        Assert.Equal(KubernetesFault.Unreachable, fault.Fault);
    }

    [SkippableFact]
    public async Task A_watch_ends_when_the_server_is_gone_and_has_told_what_came()
    {
        Kubectl api = await FindAsync();

        var seen = new List<string>();
        await foreach (KubeEvent<KubePod> one in api.WatchAsync(Kube.Pods, "n", null, default)) seen.Add($"{one.Type} {one.Object.Name}");

        Assert.Equal("ADDED a", seen[0]);
    }

    public static TheoryData<string> Calls => ["list", "get", "watch", "apply", "patch", "delete", "logs", "raw", "may", "run", "forward"];

    [SkippableTheory, MemberData(nameof(Calls))]
    public async Task Every_call_can_be_cancelled_and_leaves_no_process(string call)
    {
        Kubectl api = await FindAsync();
        (_server.Answering, _server.Delay) = (Answering.Slowly, TimeSpan.FromHours(1));
        using var cancel = new CancellationTokenSource();
        Task asked = Ask(api, call, cancel.Token);
        await UntilAsync(() => asked.IsCompleted || !_server.Asked.IsEmpty);
        Assert.False(asked.IsCompleted, $"{asked.Exception}");

        var since = Stopwatch.StartNew();
        await cancel.CancelAsync();
        _ = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asked.WaitAsync(Guard));

        await UntilAsync(() => !ProcessesOf(_server.KubeConfig).Any());
        // A second on a machine that has time; many tests run beside each other here.
        Assert.True(since.Elapsed < TimeSpan.FromSeconds(5), $"{call} took {since.Elapsed}.");
    }

    [SkippableFact]
    public async Task What_kubectl_started_to_log_in_ends_with_it()
    {
        string plugin = Path.Combine(_server.Folder, "log-in");
        await File.WriteAllTextAsync(plugin, "#!/bin/sh\n: > \"$0.started\"\nsleep 3600 & wait\n");
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(plugin, UnixFileMode.UserRead | UnixFileMode.UserExecute | UnixFileMode.UserWrite);
        _server.WriteConfig($"exec: {{apiVersion: client.authentication.k8s.io/v1beta1, command: {plugin}}}", "https");
        NeedKubectl();
        using var cancel = new CancellationTokenSource();
        // A kubectl that asks for the server's version first, as gcloud's does, logs in for everything.
        Task asked = Task.Run(async () =>
        {
            Kubectl api = await Clusters.Kubernetes.Api.Kubectl.FindAsync(_server.KubeConfig, null, cancel.Token);
            _ = await api.ListAsync(Kube.Pods, "n", null, null, cancel.Token);
        });
        await UntilAsync(() => asked.IsCompleted || File.Exists($"{plugin}.started"));

        await cancel.CancelAsync();
        _ = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asked.WaitAsync(Guard));

        await UntilAsync(() => !ProcessesOf(plugin).Any());
        Assert.Empty(ProcessesOf(plugin));
    }

    [SkippableFact]
    public async Task A_login_that_fails_tells_why_and_no_secret()
    {
        string plugin = Path.Combine(_server.Folder, "log-in");
        await File.WriteAllTextAsync(plugin, "#!/bin/sh\necho 'cannot refresh: Authorization: Bearer abc.def.ghi refresh_token=xyz123' >&2\nexit 1\n");
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(plugin, UnixFileMode.UserRead | UnixFileMode.UserExecute | UnixFileMode.UserWrite);
        _server.WriteConfig($"exec: {{apiVersion: client.authentication.k8s.io/v1beta1, command: {plugin}}}", "https");
        Kubectl api = await FindAsync();

        var fault = await FaultAsync(() => api.ListAsync(Kube.Pods, "n", null, null, default));

        Assert.Equal(KubernetesFault.Unauthorized, fault.Fault);
        Assert.Contains("getting credentials", fault.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("abc.def", fault.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("xyz123", fault.Message, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task An_exec_that_cannot_be_has_an_end_and_a_reason()
    {
        Kubectl api = await FindAsync();
        _server.Status = (403, "Forbidden", "pods \"a\" is forbidden: User \"u\" cannot create resource \"pods/exec\" in API group \"\" in the namespace \"n\"");
        _server.Answering = Answering.WithStatus;

        using KubeStreams streams = api.Exec("n", "a", null, ["/lbtest", "agent"]);

        Assert.Equal(-1, await Task.Run(streams.Output.ReadByte).WaitAsync(Guard));
        Assert.Contains("pods/exec", streams.Said(), StringComparison.Ordinal);
    }

    private static Task Ask(Kubectl api, string call, CancellationToken cancel) => call switch
    {
        "list" => api.ListAsync(Kube.Pods, "n", null, null, cancel),
        "get" => api.GetAsync(Kube.Pods, "n", "a", cancel),
        "watch" => WatchAsync(api, cancel),
        "apply" => api.ApplyAsync("""{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","namespace":"n"},"spec":{"containers":[{"name":"c","image":"i"}]}}""", cancel),
        "patch" => api.PatchAsync(Kube.Pods, "n", "a", "{}", cancel),
        "delete" => api.DeleteAsync(Kube.Pods, "n", "a", null, true, cancel),
        "logs" => api.LogsAsync("n", "a", null, null, cancel),
        "raw" => api.RawAsync("/version", cancel),
        "may" => api.MayAsync("list", "pods", "n", cancel),
        "run" => api.RunAsync("n", "a", null, ["true"], null, cancel),
        _ => api.ForwardAsync("n", "a", 80, cancel),
    };

    private static async Task WatchAsync(Kubectl api, CancellationToken cancel)
    {
        await foreach (KubeEvent<KubePod> one in api.WatchAsync(Kube.Pods, "n", null, cancel)) _ = one;
    }

    private static void NeedKubectl() => Skip.If(Tool.Find("kubectl") is null, "There is no kubectl on PATH.");

    private Task<Kubectl> FindAsync()
    {
        NeedKubectl();
        return Clusters.Kubernetes.Api.Kubectl.FindAsync(_server.KubeConfig, null, default);
    }

    private static async Task<KubernetesException> FaultAsync(Func<Task> call) => await Assert.ThrowsAsync<KubernetesException>(() => call().WaitAsync(Guard));

    private static async Task UntilAsync(Func<bool> condition)
    {
        for (var since = Stopwatch.StartNew(); !condition() && since.Elapsed < Guard;) await Task.Delay(20);
    }

    /// <summary>The processes with a word in their command line.</summary>
    private static IEnumerable<int> ProcessesOf(string word)
    {
        foreach (string folder in Directory.GetDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(folder), CultureInfo.InvariantCulture, out int id)) continue;
            string line;
            try
            {
                line = File.ReadAllText(Path.Combine(folder, "cmdline"));
            }
            catch (IOException)
            {
                continue;
            }

            if (line.Contains(word, StringComparison.Ordinal)) yield return id;
        }
    }

    public void Dispose()
    {
        if (Directory.Exists(_server.Folder)) _server.Dispose();
    }
}
