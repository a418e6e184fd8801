namespace LbTest.Clusters.Kubernetes.Deploy;

/// <summary>What an image of endpoints is started with: our own, or a server of the public tools whose protocols ours speaks.</summary>
/// <param name="Command">Its program; empty for the image's own.</param>
/// <param name="Arguments">Its arguments.</param>
/// <param name="Own">True when it is our agent: only then can tests start in it.</param>
internal sealed record EndpointImage(ImmutableArray<string> Command, ImmutableArray<string> Arguments, bool Own)
{
    /// <summary>Knows an image by its name.</summary>
    internal static EndpointImage Of(string image)
    {
        // registry/path/name:tag@digest
        string name = image.Split('/')[^1].Split('@')[0].Split(':')[0];
        return name.Contains("mconnect", StringComparison.OrdinalIgnoreCase) ? new(["mconnect"], ["-server", "-udp", "-address", "[::]:5001"], Own: false)
            : name.Contains("ctraffic", StringComparison.OrdinalIgnoreCase) ? new(["ctraffic"], ["-server", "-address", "[::]:5003"], Own: false)
            : new([], [], Own: true);
    }

    /// <summary>The port by which its readiness is known.</summary>
    internal int ReadyPort => Arguments.Contains("[::]:5003") ? 5003 : 5001;
}
