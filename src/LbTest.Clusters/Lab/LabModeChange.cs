using LbTest.Clusters.Lab.Dataplanes;

namespace LbTest.Clusters.Lab;

/// <summary>A change of a lab's mode, without a restart.</summary>
internal sealed class LabModeChange(LabCluster lab, LabMode to) : ProxyModeChange
{
    private readonly LabMode _from = lab.Mode;

    /// <inheritdoc/>
    public override string FromMode => _from.ToString();

    /// <inheritdoc/>
    public override string ToMode => to.ToString();

    /// <inheritdoc/>
    public override bool ToIpvs => to.Mode == ProxyMode.Ipvs;

    /// <inheritdoc/>
    public override bool IsNeeded => to != _from;

    /// <inheritdoc/>
    // Once begun it goes on to its end: nodes in two modes are of no use to anyone.
    public override Task ApplyAsync(TimeSpan timeout, IProgress<string>? progress, CancellationToken cancel) => lab.SetModeAsync(to);
}
