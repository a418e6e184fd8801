using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace LbTest.Clusters.Protocol;

/// <summary>Asks for a name's addresses by the C library's older call.</summary>
/// <remarks>The newer one, which .NET uses, sorts the answer (RFC 6724): the address most like one's own comes first, whatever order a DNS server has chosen to spread its clients.</remarks>
internal static unsafe partial class NameLookup
{
    // A DNS message has at most 64 KB, and an address takes no more here than there.
    private const int Enough = 1 << 16;

    // NO_DATA of netdb.h: the name is known, and has no address of this family.
    private const int NoData = 4;

    /// <summary>The first address, in the order of the answer.</summary>
    /// <param name="host">The name, to be completed as the system's settings say.</param>
    /// <param name="family">IPv4 or IPv6.</param>
    /// <exception cref="InvalidOperationException">There is none.</exception>
    internal static IPAddress First(string host, AddressFamily family)
    {
        byte[] buffer = new byte[Enough];
        fixed (byte* start = buffer)
        {
            HostEntry entry;
            HostEntry* found = null;
            int error;
            int status = GetHost(host, family == AddressFamily.InterNetwork ? 2 : 10, &entry, start, Enough, &found, &error);
            return status == 0 && found is not null && *found->Addresses is not null ? new IPAddress(new ReadOnlySpan<byte>(*found->Addresses, found->Length))
                : throw new InvalidOperationException(error == NoData
                    ? $"The cluster's DNS knows the name '{host}', but no IPv{(family == AddressFamily.InterNetwork ? 4 : 6)} address of it. See whether it is set up for that family."
                    : $"The name '{host}' does not resolve. See whether the cluster's DNS works: kubectl get pods -n kube-system -l k8s-app=kube-dns");
        }
    }

    [LibraryImport("libc", EntryPoint = "gethostbyname2_r", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int GetHost(string name, int family, HostEntry* entry, byte* buffer, nuint size, HostEntry** result, int* error);

    // struct hostent
    [StructLayout(LayoutKind.Sequential)]
    private struct HostEntry
    {
        internal byte* Name;
        internal byte** Aliases;
        internal int Family;
        internal int Length;
        internal byte** Addresses;
    }
}
