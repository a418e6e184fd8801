using System.Collections.Immutable;
using System.Text.Json.Nodes;
using LbTest.Clusters.Kubernetes;
using LbTest.Clusters.Kubernetes.Api;
using LbTest.Clusters.Kubernetes.Nodes;

namespace LbTest.Clusters.Tests.Kubernetes.Nodes;

/// <summary>Pods that look into nodes: where they are, what they run, and that they are gone afterwards.</summary>
public sealed class NodePodsTests
{
    private static readonly KubernetesSpec Spec = new() { Namespace = "tests", NodeAccess = true };

    [Fact]
    public async Task Each_node_gets_a_privileged_pod_that_is_gone_afterwards()
    {
        var api = RecordedCluster.Made("nothing");
        var ran = new List<string>();
        JsonObject? pod = null, space = null;
        api.Run = (name, command) =>
        {
            (pod, space) = (api.Find("Pod", name), api.Find("Namespace", "tests-node"));
            lock (ran) ran.Add(command);
            return $"from {name}";
        };

        ImmutableArray<string> found = await new NodePods(api, Spec).LookAsync(["b", "a"], async (node, shell) => ImmutableArray.Create($"{node} {await shell.RunAsync(false, "ipvsadm", "-Ln")}"), CancellationToken.None);

        Assert.Equal(["a from", "b from"], found.Select(line => line[..6]));
        Assert.All(ran, command => Assert.Equal("/lbtest node tool -- ipvsadm -Ln", command));
        Assert.Equal("privileged", (string)space!["metadata"]!["labels"]!["pod-security.kubernetes.io/enforce"]!);
        Assert.True((bool)pod!["spec"]!["hostPID"]! && (bool)pod["spec"]!["hostNetwork"]! && (bool)pod["spec"]!["containers"]![0]!["securityContext"]!["privileged"]!);
        Assert.Contains((string)pod["spec"]!["nodeName"]!, (string[])["a", "b"]);
        Assert.DoesNotContain(api.Objects, one => (string?)one["kind"] == "Pod");
    }

    [Fact]
    public async Task A_tool_that_fails_and_Ctrl_C_leave_no_pod_either()
    {
        var api = RecordedCluster.Made("nothing");
        api.Run = (_, _) => throw new KubernetesException(KubernetesFault.Other, "no such tool");
        KubernetesException failure = await Assert.ThrowsAsync<KubernetesException>(() => new NodePods(api, Spec).LookAsync(["a"], async (_, shell) => ImmutableArray.Create(await shell.RunAsync(false, "x")), CancellationToken.None));
        Assert.Equal("no such tool", failure.Message);
        Assert.DoesNotContain(api.Objects, one => (string?)one["kind"] == "Pod");

        using var stop = new CancellationTokenSource();
        api.Run = (_, _) =>
        {
            stop.Cancel();
            throw new OperationCanceledException(stop.Token);
        };
        _ = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => new NodePods(api, Spec).LookAsync(["a"], async (_, shell) => ImmutableArray.Create(await shell.RunAsync(false, "x")), stop.Token));
        Assert.DoesNotContain(api.Objects, one => (string?)one["kind"] == "Pod");
    }

    [Fact]
    public async Task Pods_that_cannot_be_removed_are_named_with_the_command_that_does_it()
    {
        var api = RecordedCluster.Made("nothing");
        api.Run = (_, _) => "";
        _ = api.Forbidden.Add("delete pods");

        KubernetesException failure = await Assert.ThrowsAsync<KubernetesException>(() => new NodePods(api, Spec).LookAsync(["a"], async (_, shell) => ImmutableArray.Create(await shell.RunAsync(true, "iptables-save")), CancellationToken.None));

        Assert.Contains("kubectl --context nothing -n tests-node delete pods -l lbtest/run=", failure.Message, StringComparison.Ordinal);
        Assert.Contains("cannot delete pods", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Who_has_pressed_Ctrl_C_is_told_of_pods_that_cannot_be_removed()
    {
        var api = RecordedCluster.Made("nothing");
        _ = api.Forbidden.Add("delete pods");
        using var stop = new CancellationTokenSource();
        api.Run = (_, _) =>
        {
            stop.Cancel();
            throw new OperationCanceledException(stop.Token);
        };
        string told = "";
        Aftercare.ToldTo(left => told = left);

        _ = await Assert.ThrowsAsync<KubernetesException>(() => new NodePods(api, Spec).LookAsync(["a"], async (_, shell) => ImmutableArray.Create(await shell.RunAsync(false, "x")), stop.Token));

        Assert.Contains("kubectl --context nothing -n tests-node delete pods -l lbtest/run=", told, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_namespace_goes_when_it_is_ours_and_stays_when_it_is_not()
    {
        var api = RecordedCluster.Made("nothing");
        api.Objects.Add(JsonNode.Parse("""{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"tests-node"} }""")!.AsObject());
        await NodePods.RemoveAllAsync(api, "tests", CancellationToken.None);
        Assert.NotNull(api.Find("Namespace", "tests-node"));

        api.Find("Namespace", "tests-node")!["metadata"]!["labels"] = new JsonObject { ["app.kubernetes.io/managed-by"] = "lbtest" };
        await NodePods.RemoveAllAsync(api, "tests", CancellationToken.None);
        Assert.Null(api.Find("Namespace", "tests-node"));
    }
}
