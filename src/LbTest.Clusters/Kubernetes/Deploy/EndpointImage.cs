using LbTest.Engine;
using LbTest.Engine.Serve;

namespace LbTest.Clusters.Kubernetes.Deploy;

/// <summary>What an image of endpoints is started with: our own, or a server of the public tools whose protocols ours speaks.</summary>
/// <param name="Command">Its program; empty for the image's own.</param>
/// <param name="Arguments">Its arguments.</param>
/// <param name="Serves">The kind of test that it answers; null for both, which is our agent.</param>
internal sealed record EndpointImage(ImmutableArray<string> Command, ImmutableArray<string> Arguments, ServedService? Serves)
{
    /// <summary>True when it is our agent: only then can tests start in it.</summary>
    internal bool Own => Serves is null;

    /// <summary>Knows an image by its name.</summary>
    internal static EndpointImage Of(string image)
    {
        // registry/path/name:tag@digest
        string name = image.Split('/')[^1].Split('@')[0].Split(':')[0];
        return name.Contains("mconnect", StringComparison.OrdinalIgnoreCase) ? new(["mconnect"], ["-server", "-udp", "-address", "[::]:5001"], ServedService.Connect)
            : name.Contains("ctraffic", StringComparison.OrdinalIgnoreCase) ? new(["ctraffic"], ["-server", "-address", "[::]:5003"], ServedService.Traffic)
            : new([], [], null);
    }

    /// <summary>The port by which its readiness is known.</summary>
    internal int ReadyPort => Serves == ServedService.Traffic ? ClusterObjects.TrafficPort : ClusterObjects.ConnectPort;

    /// <summary>Sees that endpoints of this image answer tests of a kind.</summary>
    /// <exception cref="PlanException">They do not.</exception>
    internal static void Require(string image, ServedService service)
    {
        if (Of(image).Serves is not { } serves || serves == service) return;
        throw service == ServedService.Traffic ? new PlanException("Image", image, "answers no traffic tests", "Start the cluster with LbTest's own image, or one of ctraffic")
            : new PlanException("Image", image, "answers no connect tests", "Start the cluster with LbTest's own image, or one of mconnect");
    }
}
