using System.Text.RegularExpressions;

namespace LbTest.Clusters.Kubernetes.Api;

/// <summary>Turns what kubectl says on stderr into what a user can do something about.</summary>
internal static partial class KubectlError
{
    /// <summary>The error that kubectl's words mean.</summary>
    /// <param name="wanted">What was wanted, as a user would say it: <c>read pods in namespace lbtest</c>.</param>
    /// <param name="context">The context in use; null before it is known.</param>
    /// <param name="said">What it said.</param>
    /// <param name="exitCode">The code with which it ended.</param>
    internal static KubernetesException Read(string wanted, string? context, string said, int exitCode)
    {
        string text = WithoutSecrets(FirstLines(said));
        KubernetesFault fault = Classify(text);
        // Before there is a context nothing but the kubeconfig has been read.
        if (context is null && fault == KubernetesFault.Other) fault = KubernetesFault.Config;
        string where = context is null ? "" : $" in context '{context}'";
        string problem = text.Length == 0 ? $"kubectl ended with code {exitCode} and said nothing" : Prefix().Replace(text, "").TrimEnd('.');
        return new KubernetesException(fault, $"Could not {wanted}{where}: {problem}{(problem.EndsWith('?') ? "" : ".")} {Remedy(fault)}".TrimEnd());
    }

    /// <summary>The text without anything that could let someone in: tokens, passwords, keys.</summary>
    internal static string WithoutSecrets(string text) => Secret().Replace(text, match => $"{match.Groups["name"].Value}***");

    private static KubernetesFault Classify(string text)
    {
        if (ServerReason().Match(text) is { Success: true } server)
        {
            return server.Groups[1].Value switch
            {
                "Forbidden" when text.Contains("exceeded quota", StringComparison.Ordinal) || text.Contains("is being terminated", StringComparison.Ordinal)
                    || text.Contains("violates PodSecurity", StringComparison.Ordinal) => KubernetesFault.Invalid,
                "Forbidden" => KubernetesFault.Forbidden,
                "NotFound" => KubernetesFault.NotFound,
                "AlreadyExists" or "Conflict" => KubernetesFault.Conflict,
                "Invalid" or "BadRequest" => KubernetesFault.Invalid,
                "Unauthorized" => KubernetesFault.Unauthorized,
                "ServiceUnavailable" or "Timeout" or "ServerTimeout" => KubernetesFault.Unreachable,
                _ => KubernetesFault.Other,
            };
        }

        bool Says(string words) => text.Contains(words, StringComparison.OrdinalIgnoreCase);
        return Says("Apply failed with") ? KubernetesFault.Conflict
            : Says("logged in to the server") || Says("(Unauthorized)") || Says("getting credentials") ? KubernetesFault.Unauthorized
            : Says("does not exist") && Says("context") || Says("error loading config file") || Says("invalid configuration") || Says("kubeconfig") || Says("no configuration has been provided") ? KubernetesFault.Config
            : Says("Unable to connect to the server") || Says("was refused") || Says("connection refused") || Says("i/o timeout") || Says("Client.Timeout") || Says("no route to host")
                || Says("unexpected EOF") || Says("error dialing backend") || Says("http2: ") || Says("TLS handshake") ? KubernetesFault.Unreachable
            : Says("the server doesn't have a resource type") || Says("could not find the requested resource") || Says("no matches for kind") ? KubernetesFault.NotFound
            : KubernetesFault.Other;
    }

    private static string Remedy(KubernetesFault fault) => fault switch
    {
        KubernetesFault.Unreachable => "See whether 'kubectl get nodes' works there; give another cluster with -Context or -KubeConfig.",
        KubernetesFault.Config => "'kubectl config get-contexts' shows what there is; give another file with -KubeConfig, another context with -Context.",
        KubernetesFault.Unauthorized => "Log in again as you do for kubectl.",
        KubernetesFault.Forbidden => "Ask for that right, or use another context; manifests/rights.yaml lists all that LbTest needs.",
        _ => "",
    };

    private static string FirstLines(string said)
    {
        string[] lines = said.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        IEnumerable<string> telling = lines.Where(line => !Noise().IsMatch(line));
        return string.Join(" / ", (telling.Any() ? telling : lines.TakeLast(1)).Distinct().Take(4));
    }

    [GeneratedRegex(@"^(Error from server|error|Error) ?(\([A-Za-z]+\))?: ?")]
    private static partial Regex Prefix();

    [GeneratedRegex(@"Error from server \(([A-Za-z]+)\)")]
    private static partial Regex ServerReason();

    // klog's own lines, and what comes beside an error that another line tells.
    [GeneratedRegex(@"^([EWI]\d{4} |Warning: |Defaulted container |Defaulting container name |Use 'kubectl describe |Please review the fields above|\* |See https?://)")]
    private static partial Regex Noise();

    // By what stands in front of them; a user and password in an address; and tokens that tell what they are by their beginning (JWT, RFC 7519).
    [GeneratedRegex(@"(?<name>(bearer|basic)\s+|(token|password|secret|client-key-data|client-certificate-data|access_?key)[""']?\s*[:=]\s*[""']?)[^\s""',;]+|(?<name>://)[^/\s:@]+:[^/\s@]+(?=@)|\beyJ[\w-]+\.[\w-]+\.[\w-]*", RegexOptions.IgnoreCase | RegexOptions.ExplicitCapture)]
    private static partial Regex Secret();
}
