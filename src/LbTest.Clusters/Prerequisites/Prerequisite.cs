using LbTest.Clusters.Lab.Kernels;
using LbTest.Clusters.Tools;

namespace LbTest.Clusters.Prerequisites;

/// <summary>One thing that a kind of test needs of this machine.</summary>
/// <param name="Mode">What needs it: <c>Lab</c> (every lab), <c>Iptables</c>, <c>Nftables</c>, <c>Ipvs</c>, <c>Disturb</c> (some disturbances of traffic tests).</param>
/// <param name="Name">What it is.</param>
/// <param name="Present">Whether it is there.</param>
/// <param name="Detail">What was found.</param>
/// <param name="Remedy">What to do when it is missing; empty when it is there.</param>
public sealed record Prerequisite(string Mode, string Name, bool Present, string Detail, string Remedy)
{
    /// <summary>Whose kernel it is about: the host's, or that of user-mode labs.</summary>
    public LabKernel Kernel { get; init; } = LabKernel.Host;

    /// <summary>The node of a cluster that it is about; null for this machine.</summary>
    public string? Node { get; init; }

    /// <summary>True for what only some tests need: a scheduler other than round robin, room for many connections, all that only disturbances need.</summary>
    public bool Optional { get; init; }

    internal static Prerequisite Found(string mode, string name, string detail) => new(mode, name, true, detail, "");

    internal static Prerequisite Missing(string mode, string name, string detail, string remedy) => new(mode, name, false, detail, remedy);

    internal static Prerequisite OfTool(string mode, string tool) =>
        Tool.Find(tool) is { } path ? Found(mode, tool, path) : Missing(mode, tool, "", ToolException.Missing(tool).Message);
}
