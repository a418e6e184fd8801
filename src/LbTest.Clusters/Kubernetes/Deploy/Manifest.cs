using System.Globalization;
using System.Reflection;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace LbTest.Clusters.Kubernetes.Deploy;

/// <summary>One of the project's manifests, whose fields can be set before it is applied.</summary>
internal sealed class Manifest
{
    private readonly YamlStream _stream = [];

    private Manifest(TextReader text) => _stream.Load(text);

    /// <summary>Reads a file of the folder <c>manifests</c>, which is part of this assembly.</summary>
    internal static Manifest Load(string name)
    {
        using Stream stream = Assembly.GetExecutingAssembly().GetManifestResourceStream($"manifests/{name}.yaml") ?? throw new InvalidOperationException($"There is no manifest '{name}'.");
        using var text = new StreamReader(stream);
        return new Manifest(text);
    }

    /// <summary>The object of this kind.</summary>
    internal YamlMappingNode this[string kind] => All.Single(one => Text(one, "kind") == kind);

    /// <summary>All objects.</summary>
    internal IEnumerable<YamlMappingNode> All => _stream.Documents.Select(document => (YamlMappingNode)document.RootNode);

    /// <summary>Gives every object this namespace; one that is a namespace, this name.</summary>
    internal Manifest In(string ns)
    {
        foreach (YamlMappingNode one in All) Set(one, Text(one, "kind") == "Namespace" ? "metadata.name" : "metadata.namespace", ns);
        return this;
    }

    /// <summary>Leaves only what <paramref name="wanted"/>.</summary>
    internal Manifest Where(Func<YamlMappingNode, bool> wanted)
    {
        foreach (YamlDocument document in _stream.Documents.Where(document => !wanted((YamlMappingNode)document.RootNode)).ToArray()) _ = _stream.Documents.Remove(document);
        return this;
    }

    /// <summary>Sets a field of an object; mappings on the way that are not there are made.</summary>
    /// <param name="node">The object.</param>
    /// <param name="path">The field, <c>spec.replicas</c>; an item of a list by its place, <c>containers.0.image</c>.</param>
    /// <param name="value">The value; null removes the field. Text stays text, even <c>"true"</c>.</param>
    internal static void Set(YamlMappingNode node, string path, object? value)
    {
        string[] steps = path.Split('.');
        YamlNode at = node;
        foreach (string step in steps[..^1])
        {
            if (at is YamlSequenceNode list) at = list.Children[int.Parse(step, CultureInfo.InvariantCulture)];
            else if (((YamlMappingNode)at).Children.TryGetValue(new YamlScalarNode(step), out YamlNode? next)) at = next;
            else
            {
                var made = new YamlMappingNode();
                ((YamlMappingNode)at).Add(step, made);
                at = made;
            }
        }

        var owner = (YamlMappingNode)at;
        var key = new YamlScalarNode(steps[^1]);
        if (value is null) _ = owner.Children.Remove(key);
        else owner.Children[key] = Node(value);
    }

    /// <summary>A field's text; null when it is not there.</summary>
    internal static string? Text(YamlNode node, string path)
    {
        foreach (string step in path.Split('.'))
        {
            if (node is not YamlMappingNode mapping || !mapping.Children.TryGetValue(new YamlScalarNode(step), out YamlNode? next)) return null;
            node = next;
        }

        return (node as YamlScalarNode)?.Value;
    }

    /// <summary>A value as YAML.</summary>
    internal static YamlNode Node(object value) => value switch
    {
        YamlNode node => node,
        int number => new YamlScalarNode(number.ToString(CultureInfo.InvariantCulture)),
        bool flag => new YamlScalarNode(flag ? "true" : "false"),
        IEnumerable<KeyValuePair<string, string>> pairs => new YamlMappingNode(pairs.Select(pair => KeyValuePair.Create((YamlNode)new YamlScalarNode(pair.Key), Node(pair.Value)))),
        IEnumerable<string> items => new YamlSequenceNode(items.Select(item => Node(item))),
        _ => new YamlScalarNode((string)value) { Style = ScalarStyle.DoubleQuoted },
    };

    /// <summary>The manifest as YAML, as the API server takes it.</summary>
    public override string ToString()
    {
        using var text = new StringWriter(CultureInfo.InvariantCulture);
        _stream.Save(text, assignAnchors: false);
        return text.ToString().TrimEnd().TrimEnd('.').TrimEnd() + "\n";
    }
}
