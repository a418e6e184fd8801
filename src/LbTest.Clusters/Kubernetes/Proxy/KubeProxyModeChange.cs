using System.Runtime.ExceptionServices;
using System.Text.Json;
using LbTest.Clusters.Kubernetes.Api;
using LbTest.Clusters.Lab;
using LbTest.Clusters.Lab.Dataplanes;
using LbTest.Clusters.Prerequisites;

namespace LbTest.Clusters.Kubernetes.Proxy;

/// <summary>A change of the mode in kube-proxy's ConfigMap, with a restart of its DaemonSet.</summary>
internal sealed class KubeProxyModeChange : ProxyModeChange
{
    private readonly IKubernetesApi _api;
    private readonly ProxySurvey _survey;
    private readonly KubeWorkload _daemonSet;
    private readonly LabMode _to;
    private readonly string _before, _after;
    private ImmutableArray<string> _warnings;
    private bool _isBack;

    // How a change that was stopped goes back.
    private ProxyRestart? _unawaited;

    private KubeProxyModeChange(IKubernetesApi api, ProxySurvey survey, KubeWorkload daemonSet, LabMode to, ImmutableArray<ProxyModeReport> inForce)
    {
        (_api, _survey, _daemonSet, _to) = (api, survey, daemonSet, to);
        _before = survey.ConfigMap!.Data![survey.Key];
        _after = survey.Config!.With(Word(to.Mode), to.Scheduler?.Word());
        FromMode = string.Join(", ", inForce.Select(Words).Distinct());
        IsNeeded = _before != _after || inForce.Any(report => !new ProxyGoal(to).IsMet(report));
        Diff = UnifiedDiff.Of(_before, _after, $"{survey.ConfigMapName}, {survey.Key}");
        _warnings = ProxyNeeds.Of(to, survey.Nodes);
    }

    /// <inheritdoc/>
    public override string FromMode { get; }

    /// <inheritdoc/>
    public override string ToMode => _to.ToString();

    /// <inheritdoc/>
    public override bool ToIpvs => _to.Mode == ProxyMode.Ipvs;

    /// <inheritdoc/>
    public override bool IsNeeded { get; }

    /// <inheritdoc/>
    public override string Diff { get; }

    /// <inheritdoc/>
    public override ImmutableArray<string> Warnings => _warnings;

    /// <summary>The mode that it changes over to.</summary>
    internal ProxyMode Mode => _to.Mode;

    /// <summary>Works it out. Changes nothing.</summary>
    /// <param name="api">The API server.</param>
    /// <param name="mode">The mode to change over to; null leaves it.</param>
    /// <param name="scheduler">The scheduler to change over to; null leaves it.</param>
    /// <param name="cancel">Ends it.</param>
    /// <exception cref="Engine.PlanException">The cluster's proxy mode cannot be changed so; the message says how else.</exception>
    internal static async Task<KubeProxyModeChange> PlanAsync(IKubernetesApi api, ProxyMode? mode, IpvsScheduler? scheduler, CancellationToken cancel)
    {
        ProxySurvey survey = await ProxySurvey.MakeAsync(api, cancel).ConfigureAwait(false);
        KubeWorkload daemonSet = ProxyChangeable.Require(survey, api.Context);
        ProxyConfig config = survey.Config!;
        ProxyMode asked = Enum.TryParse(config.Mode, ignoreCase: true, out ProxyMode known) ? known : ProxyMode.Iptables;
        // A scheduler that LbTest has no name for stays where it is: only what is given is changed.
        IpvsScheduler current = Enum.GetValues<IpvsScheduler>().FirstOrDefault(one => one.Word() == config.Scheduler);
        LabMode to = new LabMode(asked, current).To(mode, scheduler);
        ProxyChangeable.RequireVersion(daemonSet, to.Mode);
        ImmutableArray<ProxyModeReport> inForce = await new ProxyModeReader(api).ReadAsync(survey, cancel).ConfigureAwait(false);
        return new KubeProxyModeChange(api, survey, daemonSet, to, inForce);
    }

    /// <summary>Warns of what nodes lack, now that somebody has looked.</summary>
    /// <param name="found">What each node has and lacks.</param>
    internal void Found(ImmutableArray<Prerequisite> found) => _warnings = ProxyNeeds.Missing(_to, found);

    /// <summary>Says why it warns of all that nodes need, although somebody was to look what they lack.</summary>
    /// <param name="why">Why nobody could look.</param>
    internal void NotFound(string why) => _warnings = [.. _warnings[..^1], $"{_warnings[^1]} What they lack could not be looked at: {why}"];

    /// <inheritdoc/>
    public override async Task ApplyAsync(TimeSpan timeout, IProgress<string>? progress, CancellationToken cancel)
    {
        Exception failure;
        bool written = false;
        try
        {
            await WriteAsync(_after, _survey.ConfigMap!.Metadata.ResourceVersion, cancel).ConfigureAwait(false);
            written = true;
            var restart = new ProxyRestart(_api, _survey, _daemonSet);
            await restart.RunAsync(new ProxyGoal(_to), timeout, progress, cancel).ConfigureAwait(false);
            return;
        }
#pragma warning disable CA1031 // Whatever went wrong: what was changed is changed back.
        catch (Exception exception) when (written || exception is not InvalidOperationException)
#pragma warning restore CA1031
        {
            failure = exception;
        }

        bool stopped = failure is OperationCanceledException;
        progress?.Report("Changing it back");
        (bool done, string back) = await BackAsync(written, wait: !stopped, timeout).ConfigureAwait(false);
        if (back.Length == 0) ExceptionDispatchInfo.Throw(failure);
        if (stopped && !done) Aftercare.Tell($"The change of the proxy mode was stopped. {back}");
        throw stopped ? new OperationCanceledException(back, failure) : new InvalidOperationException($"{failure.Message} {back}", failure);
    }

    /// <summary>Takes the change back after it has been made: what the configuration said is in force again.</summary>
    /// <param name="wait">False does not wait until kube-proxy runs with it.</param>
    /// <param name="timeout">How long that may take.</param>
    /// <exception cref="InvalidOperationException">It could not be taken back; the message says what to do.</exception>
    internal async Task RevertAsync(bool wait, TimeSpan timeout)
    {
        if (_isBack)
        {
            if (wait && _unawaited is { } restart) await restart.FollowAsync(null, timeout, null, CancellationToken.None).ConfigureAwait(false);
            return;
        }

        (bool done, string words) = await BackAsync(written: true, wait, timeout).ConfigureAwait(false);
        if (!done) throw new InvalidOperationException(words);
    }

    // Whether it was, and what became of it, in a sentence; no word where nothing had been changed.
    private async Task<(bool Done, string Words)> BackAsync(bool written, bool wait, TimeSpan timeout)
    {
        string ns = _survey.Namespace, map = _survey.ConfigMapName, kubectl = $"kubectl --context {_api.Context} -n {ns}", edit = $"{kubectl} edit configmap {_survey.ConfigMap!.Metadata.Name}", restart = $"{kubectl} rollout restart daemonset/{_daemonSet.Metadata.Name}";
        string byHand = $"Do it by hand: {edit} (mode: \"{_survey.Config!.Mode}\", ipvs.scheduler: \"{_survey.Config.Scheduler}\"), then {restart}";
        using IDisposable care = Aftercare.Begin($"A change of the proxy mode was still being taken back. {byHand}");
        try
        {
            if (_before != _after)
            {
                KubeConfigMap? now = await _api.GetAsync(Kube.ConfigMaps, ns, _survey.ConfigMap.Metadata.Name, CancellationToken.None).ConfigureAwait(false);
                string? text = now?.Data?.GetValueOrDefault(_survey.Key);
                if (text != _after && text != _before)
                    return (false, $"Meanwhile someone else has changed {map}, so it was left as it is now: see to its mode ({edit}), then restart kube-proxy ({restart}).");
                // Of a change that was not confirmed nobody knows whether it was made.
                if (text == _before && !written) return (true, "");
                if (text == _after) await WriteAsync(_before, now!.Metadata.ResourceVersion, CancellationToken.None).ConfigureAwait(false);
            }

            var again = new ProxyRestart(_api, _survey, _daemonSet);
            await again.StartAsync(CancellationToken.None).ConfigureAwait(false);
            if (wait) await again.FollowAsync(null, timeout, null, CancellationToken.None).ConfigureAwait(false);
            (_isBack, _unawaited) = (true, wait ? null : again);
            return (true, $"It was changed back: {map} is what it was, and kube-proxy {(wait ? "runs" : "is being restarted")} with that.");
        }
        catch (Exception exception) when (exception is KubernetesException or InvalidOperationException or IOException)
        {
            return (false, $"Changing it back did not succeed either: {exception.Message} {byHand}");
        }
    }

    // With the version that it is based on: who else has edited it meanwhile loses nothing.
    private async Task WriteAsync(string text, string? version, CancellationToken cancel)
    {
        if (_before == _after) return;
        string patch = $$"""{"metadata":{"resourceVersion":{{Json(version ?? "")}}},"data":{{{Json(_survey.Key)}}:{{Json(text)}}} }""";
        try
        {
            await _api.PatchAsync(Kube.ConfigMaps, _survey.Namespace, _survey.ConfigMap!.Metadata.Name, patch, cancel).ConfigureAwait(false);
        }
        catch (KubernetesException exception) when (exception.Fault == KubernetesFault.Conflict)
        {
            throw new InvalidOperationException($"{_survey.ConfigMapName} was edited by someone else meanwhile. Nothing was changed: look at it, and try again.", exception);
        }
    }

    private static string Json(string text) => $"\"{JsonEncodedText.Encode(text)}\"";

    private static string Word(ProxyMode mode) => mode.ToString().ToLowerInvariant();

    private static string Words(ProxyModeReport report) => report.Scheduler is { } scheduler ? $"{report.Mode} ({scheduler})" : report.Mode.ToString();
}
