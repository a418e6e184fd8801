using System.Text;

namespace LbTest.Clusters.Ipvs;

/// <summary>Reads what <c>ipvsadm</c> prints: <c>-L</c> and <c>-l</c>, with or without <c>-n</c>, <c>--stats</c>, <c>--rate</c>, <c>--thresholds</c>, <c>--persistent-conn</c>
/// or <c>--tun-info</c>, and the rules of <c>-S</c>.</summary>
/// <remarks>
/// <para>Several outputs may follow each other, those of several nodes for instance; each server of each output is an object of its own. Titles may be missing, where the
/// columns say by themselves what they are: without titles five numbers are taken for the counters of <c>--stats</c>. A line <c>==&gt; name &lt;==</c>, as <c>head</c> and
/// <c>tail</c> put it before each of several files, names the node of what follows. Empty lines and lines that begin with <c>#</c> say nothing.</para>
/// <para>Without <c>--exact</c> ipvsadm cuts large counters down to thousands (K), millions (M), milliards (G) or billions (T) of 1000 each: <c>123456K</c> is read as
/// 123,456,000 and may have been up to 999 more. Without <c>-n</c> it cuts IPv4 names with their ports to 28 characters (in rules, and for IPv6, to 59): of what is as long as
/// that the port is not known, only its beginning (<see cref="VirtualServer.PortName"/>), or nothing of it.</para>
/// <para>The time it takes grows with the length of the text, whatever the text is.</para>
/// </remarks>
public static class IpvsadmText
{
    /// <summary>What ipvsadm says where the kernel has no IPVS, and none that it could load.</summary>
    internal const string NoIpvs = "Can't initialize ipvs";

    /// <summary>Reads a whole text.</summary>
    /// <param name="text">What was printed.</param>
    /// <param name="nodeName">The node that it is from; null when that is not known.</param>
    /// <exception cref="FormatException">A line is none that ipvsadm prints. The message has its number, the line and what was expected.</exception>
    public static ImmutableArray<VirtualServer> Parse(string text, string? nodeName = null)
    {
        ArgumentNullException.ThrowIfNull(text);
        return Parse([text], nodeName);
    }

    /// <summary>Reads a text that comes in pieces.</summary>
    /// <param name="lines">What was printed: lines without their ends, or several in one.</param>
    /// <param name="nodeName">The node that it is from; null when that is not known.</param>
    /// <exception cref="FormatException">A line is none that ipvsadm prints. The message has its number, the line and what was expected.</exception>
    public static ImmutableArray<VirtualServer> Parse(IEnumerable<string> lines, string? nodeName = null)
    {
        ArgumentNullException.ThrowIfNull(lines);
        var reader = new IpvsadmReader(nodeName);
        foreach (string some in lines)
        {
            // Not split all at once: a text may be as large as memory allows.
            for (int start = 0; start <= some.Length;)
            {
                int end = some.IndexOf('\n', start);
                if (end < 0) end = some.Length;
                // What ends with a line end has no empty line after it.
                if (end > start || end < some.Length || some.Length == 0) reader.Read(some[start..end]);
                start = end + 1;
            }
        }

        return reader.Servers();
    }

    /// <summary>Writes servers as <c>ipvsadm -Ln</c> does, or as <c>ipvsadm -Ln --stats --exact</c>, those of several nodes after each other with <c>==&gt; name &lt;==</c> above.</summary>
    /// <param name="servers">The servers, those of a node together; with schedulers and connections, or for <paramref name="counters"/> with counters.</param>
    /// <param name="counters">True for counters. Servers that have none are left out.</param>
    public static string Format(IEnumerable<VirtualServer> servers, bool counters = false)
    {
        ArgumentNullException.ThrowIfNull(servers);
        var text = new StringBuilder();
        string? node = null;
        bool first = true;
        foreach (VirtualServer server in servers.Where(server => !counters || server.Counters is not null))
        {
            if (first || server.NodeName != node)
            {
                if (!first) _ = text.Append('\n');
                if (server.NodeName is not null) _ = text.Append("==> ").Append(server.NodeName).Append(" <==\n");
                _ = text.Append(counters ? IpvsadmLayout.CountersTitle : IpvsadmLayout.Title).Append('\n');
                (node, first) = (server.NodeName, false);
            }

            _ = text.Append(counters ? IpvsadmLayout.CountersLine(server) : IpvsadmLayout.Line(server)).Append('\n');
            foreach (RealServer real in server.RealServers) _ = text.Append(counters ? IpvsadmLayout.CountersLine(real) : IpvsadmLayout.Line(real)).Append('\n');
        }

        return text.ToString();
    }
}
