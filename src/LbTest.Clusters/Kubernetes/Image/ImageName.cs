using System.Text.RegularExpressions;
using LbTest.Engine;

namespace LbTest.Clusters.Kubernetes.Image;

/// <summary>The name of an image.</summary>
/// <param name="Short">As users write it: <c>lbtest:0.1.0</c>.</param>
/// <param name="Full">As container engines keep it: <c>docker.io/library/lbtest:0.1.0</c>. A kubelet finds an image by this alone.</param>
internal sealed partial record ImageName(string Short, string Full)
{
    /// <summary>Reads a name.</summary>
    /// <param name="text">The name; without a tag it gets <paramref name="tag"/>.</param>
    /// <param name="tag">A tag other than <c>latest</c>, which a kubelet would always want to pull.</param>
    /// <exception cref="PlanException">It is none.</exception>
    internal static ImageName Parse(string text, string tag)
    {
        Match match = Name().Match(text);
        PlanException.Require(match.Success, "Name", text, "is no name of an image", "Give one in lower case with a tag, e.g. lbtest:1.2 or registry.example.com/team/lbtest:1.2");
        string host = match.Groups["host"].Value, path = match.Groups["path"].Value, given = match.Groups["tag"] is { Success: true, Value: { } own } ? own : tag;
        string full = host.Length > 0 && host != "docker.io" ? $"{host}/{path}" : path.Contains('/', StringComparison.Ordinal) ? $"docker.io/{path}" : $"docker.io/library/{path}";
        return new ImageName($"{(host.Length > 0 ? $"{host}/" : "")}{path}:{given}", $"{full}:{given}");
    }

    // What is in front of the first slash is a host when it has a dot or a port, or is "localhost" (the grammar of docker's references).
    [GeneratedRegex(@"^((?<host>localhost(:\d+)?|[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+(:\d+)?|[A-Za-z0-9-]+:\d+)/)?(?<path>[a-z0-9]+(([._]|__|-+)[a-z0-9]+)*(/[a-z0-9]+(([._]|__|-+)[a-z0-9]+)*)*)(:(?<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?\z", RegexOptions.ExplicitCapture)]
    private static partial Regex Name();
}
