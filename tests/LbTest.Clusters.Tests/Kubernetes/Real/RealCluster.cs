using LbTest.Clusters.Kubernetes.Api;

namespace LbTest.Clusters.Tests.Kubernetes.Real;

/// <summary>The real cluster that tests run against, one after the other: the one that KUBECONFIG names. Without it they are skipped.</summary>
/// <remarks>
/// With LBTEST_TEST_CLUSTER=1 <c>bootstrap.sh test</c> makes one (tests/cluster), loads the image of this version into its nodes, and names it. On a cluster of the user's own the
/// image has to be where its nodes find it.
/// </remarks>
public sealed class RealCluster
{
    private static int s_number;

    /// <summary>Skips the test where there is no cluster.</summary>
    internal static async Task<IKubernetesApi> RequireAsync()
    {
        Skip.If(string.IsNullOrEmpty(Environment.GetEnvironmentVariable("KUBECONFIG")),
            "KUBECONFIG names no cluster: 'export KUBECONFIG=$(tests/cluster/up.sh)' makes one, and so does LBTEST_TEST_CLUSTER=1 with './bootstrap.sh test'");
        return await Kubectl.FindAsync(null, null, CancellationToken.None);
    }

    /// <summary>Skips the test where the cluster is not there to be tampered with: for what goes beyond a namespace of our own.</summary>
    internal static Task<IKubernetesApi> RequireOursAsync()
    {
        Skip.If(Environment.GetEnvironmentVariable("LBTEST_TEST_CLUSTER") != "1", "this changes the cluster itself: LBTEST_TEST_CLUSTER=1 permits that");
        return RequireAsync();
    }

    /// <summary>A name for a namespace of a test's own.</summary>
    internal static string NewNamespace() => $"lbtest-{Environment.ProcessId}-{Interlocked.Increment(ref s_number)}";
}

/// <summary>Tests against the real cluster do not run at the same time.</summary>
[CollectionDefinition(nameof(RealCluster))]
public sealed class RealClusterTests : ICollectionFixture<RealCluster>;
