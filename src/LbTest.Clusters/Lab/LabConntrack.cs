using LbTest.Engine.Connect;

namespace LbTest.Clusters.Lab;

/// <summary>The connection tracking of the nodes that traffic enters through: whether its tables have room, and what they dropped.</summary>
internal sealed class LabConntrack(LabTopology topology)
{
    private readonly long _before = Drops(topology);

    /// <summary>A warning for each node whose table has no room for its share of the connections.</summary>
    internal ImmutableArray<string> Room(long connections)
    {
        long share = connections / Math.Max(1, topology.EntryNodes.Length);
        return
        [
            .. topology.EntryNodes.Select(node => (node.Name, Room: LabNetwork.Namespace(node.Name).Run(Preflight.ConntrackRoom))).Where(node => node.Room < share)
                .Select(node => $"The connection-tracking table of {node.Name} has room for {node.Room} more entries, fewer than the connections planned: it may fill up and drop them."),
        ];
    }

    /// <summary>A warning when tables were full since this was made and packets were dropped because of that.</summary>
    internal ImmutableArray<string> Full()
    {
        long drops = Drops(topology) - _before;
        // Single packets are dropped for other reasons too (two first packets of one connection at once). A table that was full still nearly is: entries outlive a test.
        if (drops == 0 || topology.EntryNodes.All(node => LabNetwork.Namespace(node.Name).Run(Preflight.ConntrackRoom) > Spare)) return [];
        return [$"The nodes' connection tracking dropped {drops} packets during the test: its table is full. Failures may come from there."];
    }

    private const long Spare = 1000;

    // Columns "drop" and "early_drop" of the per-processor statistics (hexadecimal), of this namespace alone.
    private static long Drops(LabTopology topology) => topology.EntryNodes.Sum(node => LabNetwork.Namespace(node.Name).Run(() =>
    {
        const string path = "/proc/thread-self/net/stat/nf_conntrack";
        string[] lines = File.Exists(path) ? File.ReadAllLines(path) : [];
        if (lines.Length == 0) return 0;
        string[] names = lines[0].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        int[] columns = [Array.IndexOf(names, "drop"), Array.IndexOf(names, "early_drop")];
        return lines.Skip(1).Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Sum(values => columns.Where(c => c >= 0).Sum(c => Convert.ToInt64(values[c], 16)));
    }));
}
