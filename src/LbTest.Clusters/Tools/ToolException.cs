namespace LbTest.Clusters.Tools;

/// <summary>A tool of the system is missing or failed; the message names the tool, what it said and the remedy.</summary>
public sealed class ToolException : Exception
{
    private static readonly Dictionary<string, string> Packages = new(StringComparer.Ordinal)
    {
        ["nft"] = "nftables", ["ip"] = "iproute2", ["unshare"] = "util-linux", ["setsid"] = "util-linux", ["conntrack"] = "conntrack",
        ["linux.uml"] = "user-mode-linux", ["ipvsadm"] = "ipvsadm", ["ipset"] = "ipset", ["tc"] = "iproute2",
        ["iptables"] = "iptables", ["iptables-restore"] = "iptables", ["iptables-save"] = "iptables",
        ["ip6tables-restore"] = "iptables", ["ip6tables-save"] = "iptables", ["kubectl"] = "kubectl",
    };

    private ToolException(string tool, string message) : base(message) => Tool = tool;

    /// <summary>The tool's name.</summary>
    public string Tool { get; }

    internal static ToolException Missing(string tool) =>
        new(tool, $"The tool '{tool}' is not on this machine. Install it: {Remedy(tool)}.");

    internal static ToolException Failed(string tool, IReadOnlyList<string> arguments, int exitCode, string error) =>
        new(tool, $"'{tool} {string.Join(' ', arguments)}' ended with code {exitCode}: {FirstLines(error)}");

    internal static string Remedy(string tool) =>
        $"'apt-get install {Packages.GetValueOrDefault(tool, tool)}' on Debian and Ubuntu, or your distribution's package of that name";

    private static string FirstLines(string text)
    {
        string[] lines = text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        return lines.Length == 0 ? "it said nothing." : string.Join(" / ", lines.Take(4));
    }
}
