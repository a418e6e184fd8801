using YamlDotNet.Core;
using YamlDotNet.Core.Events;
using YamlDotNet.RepresentationModel;

namespace LbTest.Clusters.Kubernetes.Proxy;

/// <summary>kube-proxy's configuration file: what it asks for, and how to change that without touching anything else in it.</summary>
internal sealed class ProxyConfig
{
    private const string ModeKey = "mode", IpvsKey = "ipvs", SchedulerKey = "scheduler";

    private readonly string _text, _where;
    private readonly YamlMappingNode _root;

    private ProxyConfig(string text, string where, YamlMappingNode root) => (_text, _where, _root) = (text, where, root);

    /// <summary>The mode asked for; empty where it is left to kube-proxy.</summary>
    internal string Mode => Field(_root, ModeKey);

    /// <summary>The scheduler asked for; empty where it is left to kube-proxy.</summary>
    internal string Scheduler => Child(_root, IpvsKey) is YamlMappingNode ipvs ? Field(ipvs, SchedulerKey) : "";

    /// <summary>The port on which it tells how it is.</summary>
    internal int MetricsPort => int.TryParse(Field(_root, "metricsBindAddress").Split(':')[^1], out int port) && port > 0 ? port : DefaultMetricsPort;

    internal const int DefaultMetricsPort = 10249;

    /// <summary>Reads it.</summary>
    /// <param name="text">The file.</param>
    /// <param name="where">Where it is from, for messages.</param>
    /// <exception cref="FormatException">It is none.</exception>
    internal static ProxyConfig Read(string text, string where)
    {
        YamlMappingNode[] documents = [.. Load(text, where).Select(document => document.RootNode).OfType<YamlMappingNode>()];
        YamlMappingNode? root = Array.Find(documents, document => Field(document, "kind") == "KubeProxyConfiguration");
        return root is not null ? new ProxyConfig(text, where, root)
            : throw new FormatException($"{where} has no KubeProxyConfiguration in it. See 'kubectl explain' of your distribution, or 'kube-proxy --write-config-to' for what belongs there.");
    }

    /// <summary>The text with another mode and scheduler. Every other byte of it stays.</summary>
    /// <param name="mode">The mode; null leaves it.</param>
    /// <param name="scheduler">The scheduler; null leaves it.</param>
    /// <exception cref="FormatException">It is written in a way that cannot be edited so.</exception>
    internal string With(string? mode, string? scheduler)
    {
        string text = _text;
        try
        {
            if (mode is not null && mode != Mode) text = Set(ModeKey, mode);
            if (scheduler is not null && scheduler != Scheduler) text = Read(text, _where).SetScheduler(scheduler);
            ProxyConfig result = Read(text, _where);
            // Whatever a file may look like: nothing but what was to be changed has been.
            if (result.Mode == (mode ?? Mode) && result.Scheduler == (scheduler ?? Scheduler) && SameBut(Load(_text, _where), Load(text, _where))) return text;
        }
        catch (FormatException) when (text != _text)
        {
            // What came of it is no configuration any more.
        }

        throw new FormatException($"{_where} is written in a way in which LbTest cannot change it alone. Set 'mode' and 'ipvs.scheduler' there by hand.");
    }

    private string SetScheduler(string scheduler) => Child(_root, IpvsKey) switch
    {
        YamlMappingNode ipvs => Set(ipvs, SchedulerKey, scheduler),
        _ => Set(IpvsKey, $$"""{scheduler: "{{scheduler}}"}""", plain: true),
    };

    private string Set(string key, string value, bool plain = false) => Set(_root, key, value, plain);

    private string Set(YamlMappingNode mapping, string key, string value, bool plain = false)
    {
        if (mapping.Children.TryGetValue(new YamlScalarNode(key), out YamlNode? old))
        {
            if (old is not YamlScalarNode scalar) throw new FormatException($"{_where}, line {old.Start.Line}: '{key}' is not a single value. Correct it there.");
            int start = (int)scalar.Start.Index, end = (int)scalar.End.Index;
            string word = plain ? value : Quoted(value, scalar.Style);
            if (start < end) return string.Concat(_text.AsSpan(0, start), word, _text.AsSpan(end));
            // What has no value at all gets it behind its key's colon.
            YamlNode name = mapping.Children.Keys.First(one => one is YamlScalarNode scalarKey && scalarKey.Value == key);
            return _text.Insert(_text.IndexOf(':', (int)name.End.Index) + 1, " " + word);
        }

        string quoted = plain ? value : Quoted(value, ScalarStyle.DoubleQuoted);
        if (mapping.Style == MappingStyle.Flow) return _text.Insert((int)mapping.Start.Index + 1, $"\"{key}\": {quoted}{(mapping.Children.Count > 0 ? ", " : "")}");
        // In the order of the alphabet, as kubeadm writes it, and before the comment of what comes next.
        YamlNode next = mapping.Children.Keys.FirstOrDefault(one => one is YamlScalarNode { Value: { } name } && string.CompareOrdinal(name, key) > 0) ?? mapping.Children.Keys.First();
        int at = BeforeComments(LineStart((int)next.Start.Index));
        string indent = new(' ', (int)next.Start.Column - 1), lineEnd = _text.Contains("\r\n", StringComparison.Ordinal) ? "\r\n" : "\n";
        return _text.Insert(at, $"{indent}{key}: {quoted}{lineEnd}");
    }

    private int LineStart(int index) => index == 0 ? 0 : _text.LastIndexOf('\n', index - 1) + 1;

    private int BeforeComments(int line)
    {
        while (line > 0)
        {
            int before = LineStart(line - 1);
            if (!_text.AsSpan(before, line - before).TrimStart().StartsWith("#")) return line;
            line = before;
        }

        return line;
    }

    private static string Quoted(string value, ScalarStyle style) => style switch
    {
        ScalarStyle.SingleQuoted => $"'{value}'",
        ScalarStyle.Plain => value,
        _ => $"\"{value}\"",
    };

    private static IList<YamlDocument> Load(string text, string where)
    {
        var stream = new YamlStream();
        try
        {
            stream.Load(new StringReader(text));
        }
        catch (YamlException fault)
        {
            throw new FormatException($"{where}, line {fault.Start.Line}: this is not YAML: {fault.Message} Correct it there.", fault);
        }

        return stream.Documents;
    }

    private static bool SameBut(IList<YamlDocument> before, IList<YamlDocument> after)
    {
        return before.Count == after.Count && before.Zip(after).All(pair => Rest(pair.First).Equals(Rest(pair.Second)));

        static YamlNode Rest(YamlDocument document)
        {
            if (document.RootNode is not YamlMappingNode root || Field(root, "kind") != "KubeProxyConfiguration") return document.RootNode;
            _ = root.Children.Remove(new YamlScalarNode(ModeKey));
            if (Child(root, IpvsKey) is YamlMappingNode ipvs) _ = ipvs.Children.Remove(new YamlScalarNode(SchedulerKey));
            if (Child(root, IpvsKey) is YamlScalarNode or YamlMappingNode { Children.Count: 0 }) _ = root.Children.Remove(new YamlScalarNode(IpvsKey));
            return root;
        }
    }

    private static YamlNode? Child(YamlMappingNode mapping, string key) => mapping.Children.TryGetValue(new YamlScalarNode(key), out YamlNode? value) ? value : null;

    // Null, '~' and nothing at all are what an empty text is.
    private static string Field(YamlMappingNode mapping, string key) =>
        Child(mapping, key) is YamlScalarNode { Value: { } value } scalar && !(scalar.Style == ScalarStyle.Plain && value is "null" or "~") ? value : "";
}
