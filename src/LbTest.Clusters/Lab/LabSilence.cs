using LbTest.Clusters.Tools;

namespace LbTest.Clusters.Lab;

/// <summary>Cuts an endpoint or a node off: everything to, from and through its network namespace is dropped, before anything else sees it.</summary>
internal static class LabSilence
{
    private const string Table = "inet lbtest-silence";

    // Priority -350 comes before connection tracking and NAT (-200, -100); what a node forwards passes prerouting too.
    private static readonly string Drop = $$"""
        add table {{Table}}
        delete table {{Table}}
        table {{Table}} {
          chain in {
            type filter hook prerouting priority -350
            drop
          }
          chain out {
            type filter hook output priority -350
            drop
          }
        }

        """;

    // Both work in the network namespace of the calling thread.
    internal static void Begin() => _ = Tool.Run("nft", ["-f", "-"], Drop);

    internal static void End() => _ = Tool.Run("nft", ["-f", "-"], $"add table {Table}\ndelete table {Table}\n");
}
