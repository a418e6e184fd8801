using System.Text.RegularExpressions;
using LbTest.Clusters.Kubernetes.Api;

namespace LbTest.Clusters.Kubernetes.Proxy;

/// <summary>What a kube-proxy is asked for now.</summary>
/// <param name="Source">By what.</param>
/// <param name="Mode">The mode; empty where it is left open.</param>
/// <param name="Scheduler">The scheduler; empty where it is left open.</param>
internal sealed partial record ProxyAsked(string Source, string Mode, string Scheduler)
{
    /// <summary>What its configuration says, else its flags; null where neither can be read. With a configuration file, flags mean nothing.</summary>
    internal static ProxyAsked? Of(ProxySurvey survey, KubePod pod)
    {
        IEnumerable<KubeContainer> containers = pod.Spec?.Containers ?? [];
        string command = string.Join(' ', containers.Where(one => one.Name == ProxyModeReport.KubeProxy || pod.Spec!.Containers!.Value.Length == 1).SelectMany(one => (one.Command ?? []).Concat(one.Args ?? [])));
        if (ConfigFlag().IsMatch(command) || command.Length == 0) return survey.Config is null ? null : new ProxyAsked(survey.ConfigMapName, survey.Config.Mode, survey.Config.Scheduler);
        return new ProxyAsked($"flags of {pod.Metadata.Namespace}/{pod.Name}", ModeFlag().Match(command).Groups["value"].Value, SchedulerFlag().Match(command).Groups["value"].Value);
    }

    /// <inheritdoc/>
    public override string ToString() => $"mode: \"{Mode}\", ipvs.scheduler: \"{Scheduler}\"";

    [GeneratedRegex(@"--config[= ]\S")]
    private static partial Regex ConfigFlag();

    [GeneratedRegex(@"--proxy-mode[= ][""']?(?<value>\w+)")]
    private static partial Regex ModeFlag();

    [GeneratedRegex(@"--ipvs-scheduler[= ][""']?(?<value>\w+)")]
    private static partial Regex SchedulerFlag();
}
