namespace LbTest.Clusters.Kubernetes;

/// <summary>Reads which proxy mode is in force from what kube-proxy logs as it starts.</summary>
/// <remarks>
/// Line by line, so that a log need not fit into memory. Of several starts of one kube-proxy the last one decides. Lines of several pods in one stream
/// (<c>kubectl logs -l k8s-app=kube-proxy --prefix</c>) are told apart by their prefixes; without these they pass for one pod that restarted.
/// </remarks>
public sealed class ProxyLog
{
    private readonly Dictionary<string, History> _histories = new(StringComparer.Ordinal);
    private readonly List<History> _order = [];
    private readonly Dictionary<string, long> _lines = new(StringComparer.Ordinal);

    /// <summary>Reads a whole log.</summary>
    /// <param name="lines">Its lines.</param>
    /// <param name="source">Where it comes from; null where nobody knows.</param>
    public static ImmutableArray<ProxyLogReading> Read(IEnumerable<string> lines, string? source = null)
    {
        ArgumentNullException.ThrowIfNull(lines);
        var log = new ProxyLog();
        foreach (string line in lines) log.Add(line, source);
        return log.Finish();
    }

    /// <summary>Takes the next line; a text of several lines will do.</summary>
    /// <param name="text">The line.</param>
    /// <param name="source">Where it comes from, a file for example; null where nobody knows. Lines are counted by source.</param>
    public void Add(string text, string? source = null)
    {
        ArgumentNullException.ThrowIfNull(text);
        foreach (ReadOnlySpan<char> line in text.AsSpan().TrimEnd("\r\n").EnumerateLines()) AddLine(line.ToString(), source);
    }

    /// <summary>What the lines so far tell: one reading for each source, in the order in which they came.</summary>
    public ImmutableArray<ProxyLogReading> Finish()
    {
        // Among lines with prefixes, those without are not of a kube-proxy's (kubectl's own, for example).
        bool prefixed = _order.Exists(history => history.Pod is not null);
        History[] histories = [.. _order.Where(history => !prefixed || history.Pod is not null || history.Current.HasMode || history.Current.Failure is not null)];
        return histories.Length == 0 ? [ProxyModeText.NotFound(null, 0)] : [.. histories.Select(history => history.Finish())];
    }

    private void AddLine(string text, string? source)
    {
        long number = _lines[source ?? ""] = _lines.GetValueOrDefault(source ?? "") + 1;
        var line = ProxyLogLine.Read(text);
        string key = $"{source}\n{line.Source}";
        if (!_histories.TryGetValue(key, out History? history))
        {
            _histories[key] = history = new History(line.Source, line.Source is null || source is null ? line.Source ?? source : $"{source}: {line.Source}");
            _order.Add(history);
        }

        history.Add(line, text, number);
    }

    /// <summary>The starts of one kube-proxy.</summary>
    private sealed class History(string? pod, string? source)
    {
        private ProxyStart? _before;
        private long _lines;

        internal string? Pod => pod;

        internal ProxyStart Current { get; private set; } = new();

        internal void Add(ProxyLogLine line, string text, long number)
        {
            _lines++;
            if (Current.Take(line, text, number)) return;
            // A start of which only the beginning is there takes nothing back.
            if (Current.HasMode || Current.Failure is not null) _before = Current;
            Current = new ProxyStart();
            _ = Current.Take(line, text, number);
        }

        internal ProxyLogReading Finish()
        {
            ProxyStart last = Current.HasMode || Current.Failure is not null ? Current : _before ?? Current;
            return last.HasMode ? new ProxyLogReading(source, last.Finish(source))
                : last.Failure is { } failure ? ProxyModeText.NotStarted(source, failure)
                : ProxyModeText.NotFound(source, _lines);
        }
    }
}
