using System.Globalization;
using System.Text.RegularExpressions;

namespace LbTest.Clusters.Tests.Dataplanes;

/// <summary>Rules as <c>iptables-save</c> writes and <c>iptables-restore</c> reads them, in a form that can be compared.</summary>
internal static partial class SavedRules
{
    /// <summary>A table's rules by chain, without what only iptables-save adds.</summary>
    internal static Dictionary<string, string[]> Chains(string text, string table = "nat")
    {
        string[] lines = [.. text.Split('\n').SkipWhile(line => line != "*" + table).TakeWhile(line => line != "COMMIT")];
        ILookup<string, string> rules = lines.Where(line => line.StartsWith("-A ", StringComparison.Ordinal))
            .ToLookup(line => line.Split(' ')[1], line => Normal(line[(line.IndexOf(' ', 3) + 1)..]));
        return lines.Where(line => line.StartsWith(':')).Select(line => line[1..].Split(' ')[0])
            .ToDictionary(chain => chain, chain => rules[chain].ToArray());
    }

    /// <summary>A chain's rules in an order that can be compared: kube-proxy walks its services in no particular one. Rules of endpoints do have one.</summary>
    internal static IEnumerable<string> InOrder(string chain, string[] rules) =>
        chain is "KUBE-SERVICES" or "KUBE-NODEPORTS" && rules.Length > 0 ? rules.SkipLast(1).Order().Append(rules[^1]) : rules;

    // The kernel keeps a probability in 31 bits. iptables-save writes the mask of an affinity that is by full source address.
    private static string Normal(string rule) => Probability().Replace(rule, match =>
            double.Parse(match.Value, CultureInfo.InvariantCulture).ToString("G6", CultureInfo.InvariantCulture))
        .Replace(" --mask 255.255.255.255", "", StringComparison.Ordinal).Replace(" --mask ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "", StringComparison.Ordinal);

    [GeneratedRegex(@"(?<=--probability )\S+")]
    private static partial Regex Probability();
}
