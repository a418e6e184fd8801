using LbTest.Clusters.Kubernetes.Api;

namespace LbTest.Clusters.Kubernetes.Deploy;

/// <summary>Why pods are not ready yet, in the cluster's own words.</summary>
/// <param name="Reasons">The reasons, the most frequent first: <c>3 × ImagePullBackOff: Back-off pulling image …</c>.</param>
/// <param name="Hopeless">True when waiting will hardly change it: an image that is not to be had, a quota that is full.</param>
internal sealed record PodTroubles(ImmutableArray<string> Reasons, bool Hopeless)
{
    private static readonly string[] HopelessReasons = ["ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "CreateContainerConfigError", "CreateContainerError", "RunContainerError", "CrashLoopBackOff"];

    // What waits for the image and has no other reason.
    private static readonly string[] Ordinary = ["ContainerCreating", "PodInitializing"];

    /// <summary>Looks at pods that are not ready, and at what happened to them and to their owners.</summary>
    /// <param name="waiting">The pods.</param>
    /// <param name="events">The events of the namespace, the latest last.</param>
    /// <param name="unmade">True when there are fewer pods than wanted: only then what events of an hour say of pods that could not be made is still so.</param>
    internal static PodTroubles Of(IEnumerable<KubePod> waiting, IEnumerable<KubeOccurrence> events, bool unmade)
    {
        KubeOccurrence[] warnings = [.. events.Where(one => one.Type == "Warning")];
        var reasons = new List<(string? Reason, string? Message)>();
        bool hopeless = false;
        foreach (KubePod pod in waiting)
        {
            KubeStateReason? state = pod.Halted;
            KubeCondition? unplaced = pod.Status?.Conditions?.FirstOrDefault(one => one is { Type: "PodScheduled", Status: "False" });
            KubeOccurrence? warning = warnings.LastOrDefault(one => one.InvolvedObject is { Kind: "Pod" } about && about.Name == pod.Name && one.Reason != "Unhealthy");
            hopeless |= HopelessReasons.Contains(state?.Reason);
            (string? Reason, string? Message) trouble = unplaced is not null ? (unplaced.Reason, unplaced.Message)
                : state is not null && !Ordinary.Contains(state.Reason) ? (state.Reason, HopelessReasons.Contains(state.Reason) ? Pull(warnings, pod) ?? state.Message : state.Message)
                : warning is not null ? (warning.Reason, warning.Message)
                : state is not null ? (state.Reason, null) : (pod.Status?.Reason, pod.Status?.Message);
            if (trouble.Reason is not null) reasons.Add(trouble);
        }

        // Pods that could not even be made: their owner's events say why.
        if (unmade && warnings.LastOrDefault(one => one is { Reason: "FailedCreate" }) is { } failed)
        {
            hopeless |= failed.Message?.Contains("exceeded quota", StringComparison.Ordinal) == true || failed.Message?.Contains("forbidden", StringComparison.Ordinal) == true;
            reasons.Add((failed.Reason, failed.Message));
        }

        // The messages of one reason name each its own pod: one of them will do.
        return new PodTroubles([.. reasons.GroupBy(one => one.Reason).OrderByDescending(group => group.Count()).Select(group => (group.Count() == 1 ? "" : $"{group.Count()} × ") + Say(group.First())).Take(4)], hopeless);
    }

    // The back-off hides why the pull failed; the event before it does not.
    private static string? Pull(KubeOccurrence[] warnings, KubePod pod) =>
        warnings.LastOrDefault(one => one.InvolvedObject?.Name == pod.Name && one is { Reason: "Failed", Message: { } text } && text.StartsWith("Failed to pull", StringComparison.Ordinal))?.Message;

    private static string Say((string? Reason, string? Message) trouble)
    {
        string text = (trouble.Message ?? "").Split('\n')[0].Trim();
        if (text.Length > 200) text = text[..200] + "…";
        return text.Length == 0 ? trouble.Reason! : $"{trouble.Reason}: {text}";
    }
}
