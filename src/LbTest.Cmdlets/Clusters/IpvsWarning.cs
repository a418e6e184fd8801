using LbTest.Clusters.Ipvs;

namespace LbTest.Cmdlets.Clusters;

/// <summary>Warns that upstream has deprecated IPVS mode: once in a process, whichever cmdlet meets it first.</summary>
internal static class IpvsWarning
{
    private static int _said;

    /// <summary>Writes the warning unless it has been written. Call it on the pipeline's thread, where IPVS mode was chosen or found.</summary>
    internal static void Once(Cmdlet cmdlet)
    {
        if (Interlocked.Exchange(ref _said, 1) == 0) cmdlet.WriteWarning(IpvsDeprecation.Notice);
    }
}
