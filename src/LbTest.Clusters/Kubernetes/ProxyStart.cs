using System.Text.RegularExpressions;

namespace LbTest.Clusters.Kubernetes;

/// <summary>One start of kube-proxy, as its log tells it.</summary>
/// <remarks>The messages are those of kubernetes/kubernetes, <c>cmd/kube-proxy/app</c> and <c>pkg/proxy/ipvs</c>, from v1.8 to v1.36.</remarks>
internal sealed partial class ProxyStart
{
    private readonly Dictionary<string, string> _flags = new(StringComparer.Ordinal);
    private ProxyModeReport? _report;
    private string? _requested, _fallback, _scheduler, _failure;
    private bool? _default, _dualStack;
    private string? _version;
    private bool _sure;

    /// <summary>True once the log has told a mode that was not given up.</summary>
    internal bool HasMode => _report is not null && _failure is null;

    /// <summary>The line with which it failed; null when it did not.</summary>
    internal string? Failure => _failure is not null && _scheduler is not null ? $"{_failure} (scheduler '{_scheduler}')" : _failure;

    /// <summary>Takes what a line tells.</summary>
    /// <returns>False where the line belongs to the next start.</returns>
    internal bool Take(ProxyLogLine line, string text, long number)
    {
        string message = line.Message;
        if (Using().Match(message) is { Success: true } found)
        {
            if (_sure || _failure is not null) return false;
            (_report, _sure) = (Report(Word(found.Groups["mode"].Value), text, number), true);
            return true;
        }

        return Ends(line, text) || (Precedes(line, text, number) is { } mine ? mine : Follows(line, text, number));
    }

    /// <summary>What it all comes to.</summary>
    internal ProxyModeReport Finish(string? source)
    {
        string? asked = _requested ?? Flag("proxy-mode"), scheduler = _scheduler ?? Flag("ipvs-scheduler");
        ProxyModeReport report = _report!;
        bool ipvs = report.Mode == KubeProxyMode.Ipvs, another = !string.IsNullOrEmpty(asked) && !asked.Equals(report.Mode.ToString(), StringComparison.OrdinalIgnoreCase);
        report = report with
        {
            Source = source, RequestedMode = another ? asked : null, FallbackReason = another ? _fallback : null, DualStack = _dualStack, Version = _version,
            Scheduler = ipvs ? scheduler : null,
            // It says so where it takes the default; where it went on without saying so, one was chosen.
            SchedulerIsDefault = !ipvs ? null : _default ?? (scheduler is not null || (_sure && _version is not null) ? false : null),
        };
        return report with { Explanation = ProxyModeText.Of(report, unset: asked is { Length: 0 }) };
    }

    // What is said before the mode is: after a mode it is the next start's.
    private bool? Precedes(ProxyLogLine line, string text, long number)
    {
        string message = line.Message;
        Match flag = FlagLine().Match(message), assumed = Assuming().Match(message), cannot = Cannot().Match(message);
        bool unset = message == "Using iptables proxy";
        if (!flag.Success && !assumed.Success && !cannot.Success && !unset) return null;
        if (_sure || _failure is not null) return false;
        if (flag.Success) _flags[flag.Groups["name"].Value] = flag.Groups["value"].Value;
        else if (unset) (_requested, _report) = ("", _report ?? Report(KubeProxyMode.Iptables, text, number));
        else if (assumed.Success)
        {
            _requested = line["proxyMode"] ?? assumed.Groups["asked"].Value;
            _fallback = $"'{_requested}' is no proxy mode that it knows";
            _report = Report(Word(assumed.Groups["mode"].Value), text, number);
        }
        else
        {
            // ipvs may fall back to iptables and that to userspace: the first was what was asked for.
            _requested ??= cannot.Groups["asked"].Value.ToLowerInvariant();
            _fallback ??= line["err"] ?? (cannot.Groups["why"] is { Success: true } why ? why.Value : null);
            if (cannot.Groups["next"] is { Success: true } next) _report = Report(Word(next.Value), text, number);
        }

        return true;
    }

    // What is said after it, or around it.
    private bool Follows(ProxyLogLine line, string text, long number)
    {
        string message = line.Message;
        if (Stack().Match(message) is { Success: true } stack)
        {
            if (_version is not null) return false;
            _dualStack = stack.Groups["dual"].Success;
            if (stack.Groups["mode"] is { Success: true } mode) _report ??= Report(Word(mode.Value), text, number);
        }
        else if (DefaultScheduler().Match(message) is { Success: true } rule)
        {
            (_scheduler, _default) = (rule.Groups["scheduler"].Value, true);
            _report ??= Report(KubeProxyMode.Ipvs, text, number);
        }
        else if (message.StartsWith("The ipvs proxier is now deprecated", StringComparison.Ordinal)) _report ??= Report(KubeProxyMode.Ipvs, text, number);
        else if (message.Contains("ummy VS", StringComparison.Ordinal) && line["scheduler"] is { Length: > 0 } tried) _scheduler = tried;
        else if (VersionLine().Match(message) is { Success: true } version) _version = line["version"] ?? version.Groups["version"].Value;
        return true;
    }

    // The end of a start that came to nothing. What happens to a proxy that runs does not take back what mode it was in.
    private bool Ends(ProxyLogLine line, string text)
    {
        bool ends = line.Fatal || line.Message is "command failed" or "Error running ProxyServer" or "Failed complete" or "Failed validate";
        if (!ends || (HasMode && !(line.Message + line["err"]).Contains("proxier", StringComparison.OrdinalIgnoreCase))) return false;
        _failure ??= text.Trim();
        return true;
    }

    // Flags mean nothing to a kube-proxy that has a configuration file.
    private string? Flag(string name) => _flags.GetValueOrDefault("config") is { Length: > 0 } || _flags.GetValueOrDefault(name) is not { } value ? null
        : value.Length > 0 || name == "proxy-mode" ? value : null;

    private static ProxyModeReport Report(KubeProxyMode mode, string text, long number) => new() { Mode = mode, Reason = text.Trim(), LineNumber = number };

    private static KubeProxyMode Word(string mode) => Enum.Parse<KubeProxyMode>(mode, ignoreCase: true);

    [GeneratedRegex(@"^Using (?<mode>iptables|ipvs|nftables|userspace|kernelspace) Proxier\.?$", RegexOptions.IgnoreCase)]
    private static partial Regex Using();

    [GeneratedRegex("""^FLAG: --(?<name>config|proxy-mode|ipvs-scheduler)="(?<value>[^"]*)"$""")]
    private static partial Regex FlagLine();

    [GeneratedRegex("""^(?:Flag proxy-mode="(?<asked>[^"]*)" unknown|Unknown proxy mode(?: "(?<asked>[^"]*)")?), assuming (?<mode>iptables|kernelspace) proxy$""")]
    private static partial Regex Assuming();

    [GeneratedRegex("""
        ^can't\ (?:determine\ whether\ to\ )?use\ (?:the\ )?(?<asked>ipvs|iptables)\ prox(?:y|ier)
        (?:,\ (?:error|(?:trying|using)\ (?<next>iptables|userspace)\ proxier))?(?::\ (?<why>.+))?$
        """, RegexOptions.IgnoreCase | RegexOptions.IgnorePatternWhitespace)]
    private static partial Regex Cannot();

    [GeneratedRegex(@"^(?:kube-proxy running in (?:(?<dual>dual)|single)-stack mode|(?<dual>creating dualStackProxier for )(?<mode>iptables|ipvs)\.?$)", RegexOptions.IgnoreCase)]
    private static partial Regex Stack();

    [GeneratedRegex(@"^IPVS scheduler not specified, use (?<scheduler>\w+) by default$", RegexOptions.IgnoreCase)]
    private static partial Regex DefaultScheduler();

    [GeneratedRegex(@"^Version(?: info|: (?<version>\S+))$")]
    private static partial Regex VersionLine();
}
