using LbTest.Engine.Sockets;

namespace LbTest.Engine.Serve;

/// <summary>Leaves the last descriptors to others: a .NET runtime that has none cannot start a thread, and ends the process.</summary>
/// <remarks>The kernel gives the lowest free number, so the number of the last one tells how many are left.</remarks>
internal sealed unsafe class DescriptorReserve
{
    private const int RLimitNoFile = 7, Reserved = 32;

    private readonly int _most = int.MaxValue;
    private bool _scarce;

    internal DescriptorReserve()
    {
        ulong* limits = stackalloc ulong[2];
        if (Linux.GetRLimit(RLimitNoFile, limits) == 0) _most = (int)Math.Min(int.MaxValue, limits[0]) - Reserved;
    }

    /// <summary>Notes a descriptor just taken.</summary>
    internal void Took(int fd) => _scarce |= fd >= _most;

    /// <summary>Whether one more may be taken. Costs nothing unless the last one was of the reserve.</summary>
    /// <param name="any">Any open descriptor.</param>
    internal bool MayTake(int any)
    {
        if (!_scarce) return true;
        int next = Linux.Dup(any);
        if (next >= 0) _ = Linux.Close(next);
        _scarce = next < 0 || next >= _most;
        return !_scarce;
    }
}
