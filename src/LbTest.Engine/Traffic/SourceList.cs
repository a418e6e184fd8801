namespace LbTest.Engine.Traffic;

/// <summary>Source addresses one by one, as a file lists them for <c>ctraffic -srcfile</c>: an address a line, with or without a port.</summary>
public static class SourceList
{
    /// <summary>The addresses in a text; empty lines and those that begin with '#' are passed over.</summary>
    /// <param name="text">The file's text.</param>
    /// <param name="name">The file's name, for the error message.</param>
    /// <exception cref="PlanException">There is no address in it, or a line is none.</exception>
    public static ImmutableArray<string> Parse(string text, string name)
    {
        ArgumentNullException.ThrowIfNull(text);
        ImmutableArray<string> lines = [.. text.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Where(line => !line.StartsWith('#'))];
        PlanException.Require(lines.Length > 0, "SourceFile", name, "holds no address", "Write one address a line, e.g. 10.0.0.7 or [fd00::7]:4000");
        foreach (string line in lines) _ = ParseOne(line);
        return lines;
    }

    /// <summary>One address, with a port or (port 0) without.</summary>
    /// <exception cref="PlanException">It is none.</exception>
    internal static IPEndPoint ParseOne(string line)
    {
        string bare = line.Trim('[', ']');
        // IPEndPoint would read the last group of a bare IPv6 address as a port only within brackets, so this order is safe.
        return IPAddress.TryParse(bare, out IPAddress? address) ? new IPEndPoint(address, 0)
            : IPEndPoint.TryParse(line, out IPEndPoint? both) ? both
            : throw new PlanException("SourceFile", line, "is not an address", "Write one address a line, e.g. 10.0.0.7, 10.0.0.7:4000 or [fd00::7]:4000");
    }
}
