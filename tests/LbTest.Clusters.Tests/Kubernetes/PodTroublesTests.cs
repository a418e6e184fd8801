using System.Collections.Immutable;
using System.Text.Json;
using LbTest.Clusters.Kubernetes.Api;
using LbTest.Clusters.Kubernetes.Deploy;

namespace LbTest.Clusters.Tests.Kubernetes;

/// <summary>Why pods wait, out of what a cluster of 1.20.2 said of five that could not run and of two that could not be made (Answers/README.md).</summary>
public sealed class PodTroublesTests
{
    private static readonly ImmutableArray<KubePod> Pods = Read(Kube.Pods, "pods-waiting-1.20.2.json");
    private static readonly ImmutableArray<KubeOccurrence> Events = [.. Read(Kube.Events, "events-waiting-1.20.2.json").OrderBy(one => one.LastTimestamp)];

    [Fact]
    public void An_image_that_is_not_to_be_had_is_hopeless_and_says_why_the_pull_failed()
    {
        PodTroubles troubles = Of("pull-");

        Assert.True(troubles.Hopeless);
        Assert.StartsWith("2 × ErrImagePull: Failed to pull image \"registry.invalid/lbtest:none\": rpc error: code = Unknown desc = failed to pull and unpack image", Assert.Single(troubles.Reasons), StringComparison.Ordinal);
    }

    [Fact]
    public void The_back_off_that_follows_says_the_same()
    {
        KubePod pod = Pods.First(one => one.Name.StartsWith("pull-", StringComparison.Ordinal));
        pod = pod with
        {
            Status = pod.Status! with { ContainerStatuses = [new("endpoint", false, 0, new KubeContainerState(new KubeStateReason("ImagePullBackOff", "Back-off pulling image \"registry.invalid/lbtest:none\"", null), null), null)] },
        };

        Assert.StartsWith("ImagePullBackOff: Failed to pull image \"registry.invalid/lbtest:none\": rpc error", Assert.Single(PodTroubles.Of([pod], Events, unmade: false).Reasons), StringComparison.Ordinal);
        // Who may not read events sees at least that much.
        Assert.Equal("ImagePullBackOff: Back-off pulling image \"registry.invalid/lbtest:none\"", Assert.Single(PodTroubles.Of([pod], [], unmade: false).Reasons));
    }

    [Theory]
    [InlineData("nowhere-", "Unschedulable: 0/3 nodes are available: 3 node(s) didn't match Pod's node affinity.")]
    [InlineData("big-", "Unschedulable: 0/3 nodes are available: 3 Insufficient cpu.")]
    public void A_pod_without_a_node_says_what_the_nodes_lack_and_may_find_one_yet(string pod, string reason)
    {
        PodTroubles troubles = Of(pod);

        Assert.Equal((reason, false), (Assert.Single(troubles.Reasons), troubles.Hopeless));
    }

    [Fact]
    public void A_program_that_ends_again_and_again_is_hopeless()
    {
        PodTroubles troubles = Of("crash-");

        Assert.True(troubles.Hopeless);
        Assert.StartsWith("CrashLoopBackOff: back-off 20s restarting failed container=endpoint", Assert.Single(troubles.Reasons), StringComparison.Ordinal);
    }

    [Fact]
    public void A_full_quota_is_told_by_the_owner_of_the_pods_that_are_not_there()
    {
        PodTroubles troubles = PodTroubles.Of([], Events, unmade: true);

        Assert.True(troubles.Hopeless);
        Assert.Contains("is forbidden: exceeded quota: few, requested: pods=1, used: pods=5, limited: pods=5", Assert.Single(troubles.Reasons), StringComparison.Ordinal);
    }

    [Fact]
    public void Events_of_a_quota_that_has_been_raised_meanwhile_frighten_nobody()
    {
        PodTroubles troubles = PodTroubles.Of([Creating("new")], Events, unmade: false);

        Assert.Equal(("ContainerCreating", false), (Assert.Single(troubles.Reasons), troubles.Hopeless));
    }

    [Fact]
    public void Many_pods_with_one_reason_are_one_line_though_each_names_itself()
    {
        KubePod crash = Pods.First(one => one.Name.StartsWith("crash-", StringComparison.Ordinal));
        KubeContainerStatus status = crash.Status!.ContainerStatuses!.Value[0];
        IEnumerable<KubePod> pods = Enumerable.Range(1, 40).Select(i => crash with
        {
            Metadata = new KubeMeta { Name = $"crash-{i}" },
            Status = crash.Status with { ContainerStatuses = [status with { State = new(new KubeStateReason("CrashLoopBackOff", $"back-off 20s restarting failed container=endpoint pod=crash-{i}", null), null) }] },
        });

        PodTroubles troubles = PodTroubles.Of([Creating("new"), .. pods], [], unmade: false);

        Assert.Equal(["40 × CrashLoopBackOff: back-off 20s restarting failed container=endpoint pod=crash-1", "ContainerCreating"], troubles.Reasons.AsEnumerable());
    }

    [Fact]
    public void A_pod_of_which_nobody_says_anything_has_no_reason() => Assert.Empty(PodTroubles.Of([new KubePod { Metadata = new KubeMeta { Name = "silent" } }], Events, unmade: false).Reasons);

    private static PodTroubles Of(string pods) => PodTroubles.Of(Pods.Where(one => one.Name.StartsWith(pods, StringComparison.Ordinal)), Events, unmade: false);

    private static KubePod Creating(string name) => new()
    {
        Metadata = new KubeMeta { Name = name },
        Status = new KubePodStatus { Phase = "Pending", ContainerStatuses = [new("endpoint", false, 0, new KubeContainerState(new KubeStateReason("ContainerCreating", null, null), null), null)] },
    };

    private static ImmutableArray<T> Read<T>(KubeKind<T> kind, string file) where T : class =>
        JsonSerializer.Deserialize(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Kubernetes", "Answers", file)), kind.ListType)!.Items!.Value;
}
