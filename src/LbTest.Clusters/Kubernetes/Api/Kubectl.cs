using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Json;
using LbTest.Clusters.Tools;

namespace LbTest.Clusters.Kubernetes.Api;

/// <summary>The API server through <c>kubectl</c>: whatever way in a user's kubeconfig has, it has.</summary>
internal sealed class Kubectl : IKubernetesApi
{
    // A slow server is waited for; one that is gone is not, for ever.
    private const string RequestTimeout = "--request-timeout=60s", Manager = "--field-manager=lbtest";

    private readonly string _program;
    private readonly ImmutableArray<string> _access;

    private Kubectl(string program, ImmutableArray<string> access, string context) => (_program, _access, Context) = (program, access, context);

    /// <inheritdoc/>
    public string Context { get; }

    /// <summary>Finds kubectl and the context to use. Asks no server yet.</summary>
    /// <param name="kubeConfig">The kubeconfig file; null leaves it to kubectl (KUBECONFIG, <c>~/.kube/config</c>).</param>
    /// <param name="context">The context; null for the current one.</param>
    /// <param name="cancel">Ends it.</param>
    /// <exception cref="ToolException">There is no kubectl.</exception>
    /// <exception cref="KubernetesException">The file is none, or has no such context.</exception>
    internal static async Task<Kubectl> FindAsync(string? kubeConfig, string? context, CancellationToken cancel)
    {
        (string program, ImmutableArray<string> file) = Program(kubeConfig);
        KubeConfigView view = await Config(program, file, cancel).ConfigureAwait(false);
        string[] names = [.. view.Contexts?.Select(one => one.Name) ?? []];
        string known = names.Length == 0 ? "it has none" : $"it has {string.Join(", ", names.Order(StringComparer.Ordinal).Take(10))}";
        string? used = context ?? (string.IsNullOrEmpty(view.CurrentContext) ? null : view.CurrentContext);
        if (used is null) throw new KubernetesException(KubernetesFault.Config, $"The kubeconfig{Of(kubeConfig)} names no current context ({known}). Give one with -Context, or another file with -KubeConfig.");
        if (!names.Contains(used)) throw new KubernetesException(KubernetesFault.Config, $"The kubeconfig{Of(kubeConfig)} has no context '{used}' ({known}). Give another with -Context, or another file with -KubeConfig.");
        return new Kubectl(program, [.. file, $"--context={used}"], used);
    }

    /// <summary>The contexts of a kubeconfig.</summary>
    internal static async Task<ImmutableArray<string>> ContextsAsync(string? kubeConfig, CancellationToken cancel)
    {
        (string program, ImmutableArray<string> file) = Program(kubeConfig);
        return [.. (await Config(program, file, cancel).ConfigureAwait(false)).Contexts?.Select(one => one.Name) ?? []];
    }

    /// <inheritdoc/>
    public async Task<T?> GetAsync<T>(KubeKind<T> kind, string? ns, string name, CancellationToken cancel) where T : class
    {
        string json = await Run($"read {kind.Resource} {name}{In(ns)}", ["get", kind.Resource, name, .. Namespace(ns), "-o", "json", "--ignore-not-found", RequestTimeout], null, cancel).ConfigureAwait(false);
        return json.AsSpan().Trim().IsEmpty ? null : JsonSerializer.Deserialize(json, kind.Type);
    }

    /// <inheritdoc/>
    public async Task<ImmutableArray<T>> ListAsync<T>(KubeKind<T> kind, string? ns, string? labels, string? fields, CancellationToken cancel) where T : class
    {
        string json = await Run($"list {kind.Resource}{In(ns)}", ["get", kind.Resource, .. Namespace(ns), .. Selected(labels, fields), "-o", "json", RequestTimeout], null, cancel).ConfigureAwait(false);
        return JsonSerializer.Deserialize(json, kind.ListType)?.Items ?? [];
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<KubeEvent<T>> WatchAsync<T>(KubeKind<T> kind, string? ns, string? labels, [EnumeratorCancellation] CancellationToken cancel) where T : class
    {
        using Process process = Start(["get", kind.Resource, .. Namespace(ns), .. Selected(labels, null), "-o", "json", "--watch", "--output-watch-events"]);
        Task<string> said = process.StandardError.ReadToEndAsync(CancellationToken.None);
        using CancellationTokenRegistration stop = cancel.Register(() => End(process));
        try
        {
            IAsyncEnumerator<KubeEvent<T>?> events = JsonSerializer.DeserializeAsyncEnumerable(process.StandardOutput.BaseStream, kind.EventType, topLevelValues: true, CancellationToken.None).GetAsyncEnumerator(CancellationToken.None);
            await using (events.ConfigureAwait(false))
            {
                while (await Next(events).ConfigureAwait(false))
                {
                    if (events.Current is { } one) yield return one;
                }
            }

            cancel.ThrowIfCancellationRequested();
            await process.WaitForExitAsync(cancel).ConfigureAwait(false);
        }
        finally
        {
            // Whoever has heard enough does not come back here otherwise.
            End(process);
        }

        if (process.ExitCode != 0) throw KubectlError.Read($"watch {kind.Resource}{In(ns)}", Context, await said.ConfigureAwait(false), process.ExitCode);
    }

    /// <inheritdoc/>
    public Task<string> ApplyAsync(string manifest, CancellationToken cancel) => Run("apply what the test needs", ["apply", "--server-side", "--force-conflicts", Manager, "-f", "-", RequestTimeout], manifest, cancel);

    /// <inheritdoc/>
    public Task PatchAsync<T>(KubeKind<T> kind, string? ns, string name, string patch, CancellationToken cancel) where T : class =>
        Run($"change {kind.Resource} {name}{In(ns)}", ["patch", kind.Resource, name, .. Namespace(ns), "--type=strategic", Manager, "-p", patch, RequestTimeout], null, cancel);

    /// <inheritdoc/>
    public Task DeleteAsync<T>(KubeKind<T> kind, string? ns, string name, TimeSpan? grace, bool wait, CancellationToken cancel) where T : class
    {
        string[] how = grace is not { } time ? [] : time == TimeSpan.Zero ? ["--grace-period=0", "--force"] : [string.Create(CultureInfo.InvariantCulture, $"--grace-period={Math.Ceiling(time.TotalSeconds)}")];
        return Run($"delete {kind.Resource} {name}{In(ns)}", ["delete", kind.Resource, name, .. Namespace(ns), "--ignore-not-found", wait ? "--wait=true" : "--wait=false", .. how], null, cancel);
    }

    /// <inheritdoc/>
    public async Task EvictAsync(string ns, string pod, CancellationToken cancel)
    {
        string version = await RawAsync("/apis/policy", cancel).ConfigureAwait(false);
        // policy/v1 came with Kubernetes 1.22.
        string api = version.Contains("\"policy/v1\"", StringComparison.Ordinal) ? "policy/v1" : "policy/v1beta1";
        string eviction = $$"""{"apiVersion":"{{api}}","kind":"Eviction","metadata":{"name":"{{pod}}","namespace":"{{ns}}"} }""";
        _ = await Run($"evict pod {pod}{In(ns)}", ["create", "--raw", $"/api/v1/namespaces/{ns}/pods/{pod}/eviction", "-f", "-"], eviction, cancel).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public Task<string> LogsAsync(string ns, string pod, string? container, int? lastLines, CancellationToken cancel) =>
        Run($"read the log of pod {pod}{In(ns)}", ["logs", pod, .. Namespace(ns), .. Container(container), string.Create(CultureInfo.InvariantCulture, $"--tail={lastLines ?? -1}"), RequestTimeout], null, cancel);

    /// <inheritdoc/>
    public Task<string> LogHeadAsync(string ns, string pod, string? container, bool previous, int bytes, CancellationToken cancel) =>
        Run($"read the log of pod {pod}{In(ns)}", ["logs", pod, .. Namespace(ns), .. Container(container), .. previous ? ["--previous"] : Array.Empty<string>(),
            string.Create(CultureInfo.InvariantCulture, $"--limit-bytes={bytes}"), RequestTimeout], null, cancel);

    /// <inheritdoc/>
    public Task<string> RawAsync(string path, CancellationToken cancel) => Run($"read {path}", ["get", "--raw", path, RequestTimeout], null, cancel);

    /// <inheritdoc/>
    public async Task<bool> MayAsync(string verb, string resource, string? ns, CancellationToken cancel)
    {
        (string output, string said, int code) = await Try(["auth", "can-i", verb, resource, .. Namespace(ns), RequestTimeout], null, cancel).ConfigureAwait(false);
        string answer = output.Trim();
        return answer.StartsWith("yes", StringComparison.Ordinal) || (answer.StartsWith("no", StringComparison.Ordinal) ? false : throw KubectlError.Read($"ask whether you may {verb} {resource}{In(ns)}", Context, said, code));
    }

    /// <inheritdoc/>
    public KubeStreams Exec(string ns, string pod, string? container, IReadOnlyList<string> command) =>
        new(Start(["exec", "-i", pod, .. Namespace(ns), .. Container(container), "--", .. command]));

    /// <inheritdoc/>
    public Task<string> RunAsync(string ns, string pod, string? container, IReadOnlyList<string> command, string? input, CancellationToken cancel) =>
        Run($"run {command[0]} in pod {pod}{In(ns)}", ["exec", .. input is null ? Array.Empty<string>() : ["-i"], pod, .. Namespace(ns), .. Container(container), "--", .. command], input, cancel);

    /// <inheritdoc/>
    public async Task<KubeForward> ForwardAsync(string ns, string pod, int port, CancellationToken cancel)
    {
        Process process = Start(["port-forward", $"pod/{pod}", .. Namespace(ns), "--address=127.0.0.1", string.Create(CultureInfo.InvariantCulture, $":{port}")]);
        Task<string> said = process.StandardError.ReadToEndAsync(CancellationToken.None);
        using CancellationTokenRegistration stop = cancel.Register(() => End(process));
        // Forwarding from 127.0.0.1:40123 -> 10249
        string? line = await process.StandardOutput.ReadLineAsync(cancel).ConfigureAwait(false);
        if (line?.Split(' ') is ["Forwarding", "from", { } address, ..] && IPEndPoint.TryParse(address, out IPEndPoint? local))
        {
            // It says a line for every connection, and would wait for someone to read them.
            _ = process.StandardOutput.BaseStream.CopyToAsync(Stream.Null, CancellationToken.None);
            return new KubeForward(local, () => Dispose(process));
        }

        End(process);
        cancel.ThrowIfCancellationRequested();
        throw KubectlError.Read($"reach port {port} of pod {pod}{In(ns)}", Context, await said.ConfigureAwait(false), 1);
    }

    private static (string Program, ImmutableArray<string> Access) Program(string? kubeConfig)
    {
        string program = Tool.Find("kubectl") ?? throw ToolException.Missing("kubectl");
        if (kubeConfig is null) return (program, []);
        return File.Exists(kubeConfig) ? (program, [$"--kubeconfig={kubeConfig}"]) : throw new KubernetesException(KubernetesFault.Config, $"There is no kubeconfig '{kubeConfig}'. Give another file with -KubeConfig.");
    }

    // Secrets are left out of this view, and only names are read from it.
    private static async Task<KubeConfigView> Config(string program, ImmutableArray<string> file, CancellationToken cancel) =>
        JsonSerializer.Deserialize(await new Kubectl(program, file, "").Run("read the kubeconfig", ["config", "view", "-o", "json"], null, cancel).ConfigureAwait(false), KubeJson.Default.KubeConfigView) ?? new();

    // A kubectl that is ended in the midst of an event leaves half of it.
    private static async ValueTask<bool> Next<T>(IAsyncEnumerator<T> events)
    {
        try
        {
            return await events.MoveNextAsync().ConfigureAwait(false);
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private async Task<string> Run(string wanted, IReadOnlyList<string> arguments, string? input, CancellationToken cancel)
    {
        (string output, string said, int code) = await Try(arguments, input, cancel).ConfigureAwait(false);
        return code == 0 ? output : throw KubectlError.Read(wanted, Context.Length == 0 ? null : Context, said, code);
    }

    private async Task<(string Output, string Said, int Code)> Try(IReadOnlyList<string> arguments, string? input, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        using Process process = Start(arguments);
        using CancellationTokenRegistration stop = cancel.Register(() => End(process));
        Task<string> said = process.StandardError.ReadToEndAsync(CancellationToken.None), output = process.StandardOutput.ReadToEndAsync(CancellationToken.None);
        try
        {
            if (input is not null) await process.StandardInput.WriteAsync(input.AsMemory(), CancellationToken.None).ConfigureAwait(false);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It ended before it read all; its exit code and stderr say why.
        }

        await process.WaitForExitAsync(CancellationToken.None).ConfigureAwait(false);
        cancel.ThrowIfCancellationRequested();
        return (await output.ConfigureAwait(false), await said.ConfigureAwait(false), process.ExitCode);
    }

    // In a session of its own: Ctrl+C and the end of the terminal are for the shell, which still wants to hear what was measured until then.
    private Process Start(IEnumerable<string> arguments)
    {
        string? setsid = Tool.Find("setsid");
        var start = new ProcessStartInfo(setsid ?? _program) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        if (setsid is not null) start.ArgumentList.Add(_program);
        foreach (string argument in _access.Concat(arguments)) start.ArgumentList.Add(argument);
        return Process.Start(start) ?? throw ToolException.Missing("kubectl");
    }

    private static void End(Process process)
    {
        try
        {
            process.Kill(entireProcessTree: true);
        }
        catch (InvalidOperationException)
        {
            // It had ended already.
        }
    }

    private static void Dispose(Process process)
    {
        End(process);
        _ = process.WaitForExit(1000);
        process.Dispose();
    }

    private static string[] Namespace(string? ns) => ns switch { null => [], "*" => ["--all-namespaces"], _ => [$"--namespace={ns}"] };

    private static string[] Container(string? container) => container is null ? [] : [$"--container={container}"];

    private static string[] Selected(string? labels, string? fields) => [.. labels is null ? Array.Empty<string>() : [$"--selector={labels}"], .. fields is null ? Array.Empty<string>() : [$"--field-selector={fields}"]];

    private static string In(string? ns) => ns switch { null => "", "*" => " in all namespaces", _ => $" in namespace {ns}" };

    private static string Of(string? file) => file is null ? "" : $" '{file}'";
}
