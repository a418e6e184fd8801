using System.Runtime.InteropServices;

namespace LbTest.Clusters.Lab.Netlink;

/// <summary>The kernel refused a change to the network; the message says what was asked, and what it said.</summary>
internal sealed class NetlinkException : Exception
{
    /// <param name="asked">The change, in the words of ip(8).</param>
    /// <param name="error">The number of the error (errno(3)).</param>
    /// <param name="said">What the kernel had to say beyond that; empty for nothing.</param>
    internal NetlinkException(string asked, int error, string said = "")
        : base($"The kernel refused '{asked}': {Marshal.GetPInvokeErrorMessage(error)}{(said.Length == 0 ? "" : $" ({said.TrimEnd('.')})")}.") => (Asked, Error) = (asked, error);

    /// <summary>The change that was refused, in the words of ip(8).</summary>
    internal string Asked { get; }

    /// <summary>The number of the error (errno(3)).</summary>
    internal int Error { get; }
}
