using System.Net.Sockets;
using LbTest.Clusters.Lab.Dataplanes;
using LbTest.Clusters.Lab.Kernels;
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
    internal static void Begin()
    {
        if (Guest.Inside) Raw("DROP");
        else _ = Tool.Run("nft", ["-f", "-"], Drop);
    }

    internal static void End()
    {
        if (Guest.Inside) Raw("ACCEPT");
        else _ = Tool.Run("nft", ["-f", "-"], $"add table {Table}\ndelete table {Table}\n");
    }

    /// <summary>What becomes of all packets in a user-mode kernel, which has no such tables: the policy of one of its own that nobody else uses, and that comes before connection tracking too.</summary>
    internal static string RawTable(string policy) => $"*raw\n:PREROUTING {policy} [0:0]\n:OUTPUT {policy} [0:0]\nCOMMIT\n";

    private static void Raw(string policy)
    {
        foreach (AddressFamily family in NodeView.Families) _ = Tool.Run(IptablesDataplane.Name(family) + "-restore", ["-w", "5"], RawTable(policy));
    }
}
