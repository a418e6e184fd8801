using System.Text.Json;
using System.Text.RegularExpressions;

namespace LbTest.Clusters.Kubernetes;

/// <summary>A line of kube-proxy's log without what others wrapped it in.</summary>
/// <remarks>
/// klog's text (<c>I0520 12:15:44.123456 1 server_linux.go:231] "Using ipvs Proxier"</c>, before Kubernetes v1.21 without quotes) and JSON
/// (<c>{"ts":…,"msg":"Using ipvs Proxier"}</c>); behind the prefixes of <c>kubectl logs --prefix --timestamps</c>, of a container runtime's file, of stern
/// or of syslog; inside the <c>{"log":…}</c> of Docker's file. A line without any of it is a message as it is.
/// </remarks>
/// <param name="Source">The pod, where a prefix names it.</param>
/// <param name="Fatal">True where kube-proxy ended with it.</param>
/// <param name="Message">The message, without its attributes.</param>
/// <param name="Attributes">The attributes behind the message, by name.</param>
internal sealed partial record ProxyLogLine(string? Source, bool Fatal, string Message, IReadOnlyDictionary<string, string> Attributes)
{
    private static readonly IReadOnlyDictionary<string, string> None = new Dictionary<string, string>();

    /// <summary>An attribute; null where there is none of this name.</summary>
    internal string? this[string name] => Attributes.GetValueOrDefault(name);

    internal static ProxyLogLine Read(string text)
    {
        text = text.TrimEnd().TrimStart('\uFEFF');
        string? pod = null;
        if (PodPrefix().Match(text) is { Success: true } prefix) (pod, text) = (prefix.Groups["pod"].Value, text[prefix.Length..]);
        int brace = text.IndexOf('{', StringComparison.Ordinal);
        // JSON stands alone, or behind a time and a stream: whatever comes before it has no bracket of klog's.
        if (brace >= 0 && text.EndsWith('}') && !Header().IsMatch(text[..brace]) && Json(text[brace..]) is { } json) return json with { Source = pod ?? json.Source };
        return Text(pod, text);
    }

    private static ProxyLogLine Text(string? pod, string text)
    {
        bool fatal = false;
        if (Header().Match(text) is { Success: true } header) (fatal, text) = (header.Groups["severity"].Value == "F", text[(header.Index + header.Length)..]);
        if (!text.StartsWith('"') || Quoted().Match(text) is not { Success: true } quoted) return new ProxyLogLine(pod, fatal, text.Trim(), None);
        var attributes = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (Match attribute in Attribute().Matches(text[quoted.Length..]))
        {
            attributes[attribute.Groups["name"].Value.Trim()] = attribute.Groups["quoted"] is { Success: true } value ? Unescape(value.Value) : attribute.Groups["bare"].Value;
        }

        return new ProxyLogLine(pod, fatal, Unescape(quoted.Groups["text"].Value).Trim(), attributes);
    }

    private static ProxyLogLine? Json(string text)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(text);
            if (document.RootElement.ValueKind != JsonValueKind.Object) return null;
            Dictionary<string, string> fields = document.RootElement.EnumerateObject().DistinctBy(field => field.Name)
                .ToDictionary(field => field.Name, field => field.Value.ValueKind == JsonValueKind.String ? field.Value.GetString()! : field.Value.GetRawText(), StringComparer.Ordinal);
            return fields.GetValueOrDefault("log") is { } inner ? Read(inner)
                : fields.GetValueOrDefault("msg") is { } message ? new ProxyLogLine(null, false, message.Trim(), fields)
                : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static string Unescape(string text) => Escape().Replace(text, match => match.Value[1] switch { 'n' => "\n", 't' => "\t", var character => character.ToString() });

    // kubectl logs --prefix: [pod/NAME/CONTAINER]; stern: NAME kube-proxy.
    [GeneratedRegex(@"^\s*(?:\[(?:\S+/)?pods?/(?<pod>[^/\]]+)[^\]]*\]\s+|(?<pod>[\w.-]+) kube-proxy (?=[IWEF]\d{4} |\{))")]
    private static partial Regex PodPrefix();

    [GeneratedRegex(@"(?<severity>[IWEF])\d{4} \d\d:\d\d:\d\d\.\d+\s+\d+ [\w.-]+:\d+\] ")]
    private static partial Regex Header();

    [GeneratedRegex("""^"(?<text>(?:[^"\\]|\\.)*)"(?=\s|$)""")]
    private static partial Regex Quoted();

    [GeneratedRegex("""\s(?<name>[^\s="][^="]*)=(?:"(?<quoted>(?:[^"\\]|\\.)*)"|(?<bare>\S*))""")]
    private static partial Regex Attribute();

    [GeneratedRegex(@"\\.")]
    private static partial Regex Escape();
}
