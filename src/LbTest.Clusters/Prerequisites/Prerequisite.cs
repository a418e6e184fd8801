namespace LbTest.Clusters.Prerequisites;

/// <summary>One thing that a kind of test needs of this machine.</summary>
/// <param name="Mode">What needs it: <c>Lab</c> (every lab), <c>Iptables</c>, <c>Nftables</c>, <c>Ipvs</c>, <c>Disturb</c> (some disturbances of traffic tests).</param>
/// <param name="Name">What it is.</param>
/// <param name="Present">Whether it is there.</param>
/// <param name="Detail">What was found.</param>
/// <param name="Remedy">What to do when it is missing; empty when it is there.</param>
public sealed record Prerequisite(string Mode, string Name, bool Present, string Detail, string Remedy);
