using System.Globalization;
using YamlDotNet.RepresentationModel;

namespace LbTest.Clusters.Kubernetes;

/// <summary>A place in a manifest: its value, if it has one, and how to tell a user where it is.</summary>
/// <param name="Node">The value; null when the field is absent.</param>
/// <param name="Where">The document or object that the field is in.</param>
/// <param name="Path">The field's path in that.</param>
internal readonly record struct ManifestField(YamlNode? Node, string Where, string Path = "")
{
    /// <summary>Whether there is a value; null, <c>~</c> and the empty string count as none.</summary>
    internal bool IsPresent => Node is not (null or YamlScalarNode { Value: null or "" or "null" or "~" });

    /// <summary>A field of this one, which is absent or a mapping.</summary>
    internal ManifestField this[string key]
    {
        get
        {
            string path = Path.Length == 0 ? key : $"{Path}.{key}";
            if (!IsPresent) return new ManifestField(null, Where, path);
            if (Node is not YamlMappingNode mapping) throw Fault("is not a mapping. Write 'name: value' pairs there");
            mapping.Children.TryGetValue(new YamlScalarNode(key), out YamlNode? value);
            return new ManifestField(value, Where, path);
        }
    }

    /// <summary>The items of this field, which is absent or a sequence.</summary>
    internal IEnumerable<ManifestField> Items()
    {
        if (!IsPresent) yield break;
        if (Node is not YamlSequenceNode sequence) throw Fault("is not a list. Write one item per line, each after a '-'");
        for (int i = 0; i < sequence.Children.Count; i++) yield return new ManifestField(sequence.Children[i], Where, $"{Path}[{i}]");
    }

    internal string? OptionalText()
    {
        if (!IsPresent) return null;
        return Node is YamlScalarNode scalar ? scalar.Value : throw Fault("is not a single value. Write one word or number there");
    }

    internal string Text() => OptionalText() ?? throw Fault("is missing. Add it");

    internal int? OptionalNumber(int least, int most)
    {
        if (OptionalText() is not { } text) return null;
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number >= least && number <= most
            ? number : throw Fault($"is '{text}'. Give a number from {least} to {most}");
    }

    internal int Number(int least, int most) =>
        OptionalNumber(least, most) ?? throw Fault($"is missing. Give a number from {least} to {most}");

    internal IPAddress Address() =>
        IPAddress.TryParse(Text(), out IPAddress? address) ? address : throw Fault($"is '{Text()}'. Give an IPv4 or IPv6 address");

    /// <summary>One of some words; the first when the field is absent.</summary>
    internal int Choice(params ReadOnlySpan<string> words)
    {
        if (OptionalText() is not { } text) return 0;
        int index = words.IndexOf(text);
        return index >= 0 ? index : throw Fault($"is '{text}'. Use {string.Join(" or ", words.ToArray())}");
    }

    internal FormatException Fault(string problem)
    {
        string line = Node is null ? "" : $", line {Node.Start.Line}";
        return new FormatException($"{Where}{line}: {(Path.Length == 0 ? "it" : $"field '{Path}'")} {problem}.");
    }
}
