using System.Buffers.Binary;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using LbTest.Engine;

namespace LbTest.Clusters.Lab;

/// <summary>The unix sockets that detached labs listen on.</summary>
/// <remarks>
/// Their names are abstract (unix(7)): the kernel frees them with the lab's last process, however that ends, so no file is ever left
/// and a name in use is really in use. Both sides ask the kernel who the other one is (SO_PEERCRED): only the owner gets through.
/// </remarks>
internal static partial class LabSocket
{
    private const int SolSocket = 1, SoPeerCred = 17;

    internal static string NameOf(string lab) => $"{Prefix}{lab}";

    /// <summary>The names of this user's detached labs that are alive.</summary>
    internal static IEnumerable<string> Labs()
    {
        // Abstract names are listed with a leading '@'; a listening socket has the flag 00010000 (__SO_ACCEPTCON).
        foreach (string line in File.Exists("/proc/net/unix") ? File.ReadLines("/proc/net/unix").Skip(1) : [])
        {
            string[] fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (fields.Length > 7 && fields[3] == "00010000" && fields[7].StartsWith('@' + Prefix, StringComparison.Ordinal)) yield return fields[7][(Prefix.Length + 1)..];
        }
    }

    /// <exception cref="PlanException">A lab of this name is running.</exception>
    internal static Socket Listen(string name)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Bind(new UnixDomainSocketEndPoint('\0' + name));
            socket.Listen();
            return socket;
        }
        catch (SocketException exception) when (exception.SocketErrorCode == SocketError.AddressAlreadyInUse)
        {
            socket.Dispose();
            throw LabCluster.NameInUse(name[(name.LastIndexOf('/') + 1)..]);
        }
    }

    /// <summary>Connects to a lab; null when there is none of that name, or it is not ours.</summary>
    internal static Socket? Connect(string lab)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint('\0' + NameOf(lab)));
            if (PeerIsOwner(socket)) return socket;
        }
        catch (SocketException)
        {
            // Gone, or never there.
        }

        socket.Dispose();
        return null;
    }

    internal static bool PeerIsOwner(Socket socket)
    {
        // struct ucred: pid, uid, gid. The kernel translates the uid into this process's user namespace.
        Span<byte> credentials = stackalloc byte[12];
        return socket.GetRawSocketOption(SolSocket, SoPeerCred, credentials) == 12 && BinaryPrimitives.ReadUInt32LittleEndian(credentials[4..]) == EffectiveUser();
    }

    private static string Prefix => $"lbtest/{EffectiveUser()}/";

    [LibraryImport("libc", EntryPoint = "geteuid")]
    internal static partial uint EffectiveUser();
}
