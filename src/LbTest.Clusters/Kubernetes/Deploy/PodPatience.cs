using System.Diagnostics;

namespace LbTest.Clusters.Kubernetes.Deploy;

/// <summary>How long to wait for pods: up to a limit, and not much longer than there is hope.</summary>
/// <param name="limit">The limit, from now on.</param>
internal sealed class PodPatience(TimeSpan limit)
{
    // An image may be loaded into a node while its pods say that it is not to be had.
    private static readonly TimeSpan Hopeless = TimeSpan.FromSeconds(10);

    private readonly Stopwatch _elapsed = Stopwatch.StartNew();
    private TimeSpan? _hopelessSince;

    /// <summary>How long it has been.</summary>
    internal TimeSpan Elapsed => _elapsed.Elapsed;

    /// <summary>The limit has passed.</summary>
    internal bool Over => Elapsed > limit;

    /// <summary>Waiting will not help: there has been no hope for 10 s, see <see cref="PodTroubles.Hopeless"/>.</summary>
    /// <param name="hopeless">Whether there is none now.</param>
    internal bool InVain(bool hopeless)
    {
        _hopelessSince = hopeless ? _hopelessSince ?? Elapsed : null;
        return Elapsed - _hopelessSince > Hopeless;
    }
}
