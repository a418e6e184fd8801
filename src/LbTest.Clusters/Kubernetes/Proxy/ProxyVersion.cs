using System.Globalization;

namespace LbTest.Clusters.Kubernetes.Proxy;

/// <summary>kube-proxy's version, from the tag of its image.</summary>
internal static class ProxyVersion
{
    /// <summary>The version in an image's name, <c>registry.k8s.io/kube-proxy:v1.31.2</c>; null where its tag is none.</summary>
    internal static string? OfImage(string image)
    {
        string tag = image.Split('@')[0] is var name && name.LastIndexOf(':') is > 0 and var colon && !name[colon..].Contains('/', StringComparison.Ordinal) ? name[(colon + 1)..] : "";
        return Minor(tag) is null ? null : tag.StartsWith('v') ? tag : "v" + tag;
    }

    /// <summary>The second number of a version of Kubernetes 1; null where it is none.</summary>
    internal static int? Minor(string version) =>
        version.TrimStart('v').Split('.') is ["1", { } minor, ..] && int.TryParse(minor.TrimEnd('+'), NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : null;
}
