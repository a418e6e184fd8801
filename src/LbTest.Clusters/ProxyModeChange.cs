namespace LbTest.Clusters;

/// <summary>A change of a cluster's proxy mode, worked out but not made yet.</summary>
public abstract class ProxyModeChange
{
    /// <summary>What is in force: <c>Nftables</c>, <c>Ipvs (rr)</c>.</summary>
    public abstract string FromMode { get; }

    /// <summary>What is to be.</summary>
    public abstract string ToMode { get; }

    /// <summary>True when the change is to mode IPVS.</summary>
    public abstract bool ToIpvs { get; }

    /// <summary>False when all is as it is to be.</summary>
    public abstract bool IsNeeded { get; }

    /// <summary>What would be changed in a file, as <c>diff -u</c> shows it; empty where none is.</summary>
    public virtual string Diff => "";

    /// <summary>What to know before.</summary>
    public virtual ImmutableArray<string> Warnings => [];

    /// <summary>Makes the change and finds out that it is in force; when it is not, all is as it was before.</summary>
    /// <param name="timeout">How long it may take.</param>
    /// <param name="progress">Told how far it is.</param>
    /// <param name="cancel">Ends it, and takes it back.</param>
    /// <exception cref="InvalidOperationException">It did not come into force; the message says why, and what is now.</exception>
    public abstract Task ApplyAsync(TimeSpan timeout, IProgress<string>? progress, CancellationToken cancel);
}
