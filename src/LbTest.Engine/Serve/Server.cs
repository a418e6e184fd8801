using System.Text;
using LbTest.Engine.Sockets;

namespace LbTest.Engine.Serve;

/// <summary>Serves any number of endpoints, each with its own name and, if wanted, its own network namespace, from one process.</summary>
/// <remarks>
/// A connect endpoint speaks the protocol of the public <c>mconnect</c> tool: on accept it sends its name, then answers every read with its
/// name; UDP answers each datagram with its name. A traffic endpoint speaks that of <c>ctraffic</c>: an echo with its name at the beginning.
/// Linux: one epoll loop per worker thread over the listeners of all endpoints, a few tens of bytes per connection. Elsewhere .NET's sockets,
/// without traffic endpoints, network namespaces and <see cref="EndpointBehavior.Drop"/>.
/// </remarks>
public abstract class Server : IDisposable
{
    /// <summary>So much is awaited before a traffic endpoint answers: the name goes to its beginning (<c>ctraffic</c>).</summary>
    internal const int FirstPacket = 64;

    /// <summary>Starts to serve; when this returns, every endpoint answers.</summary>
    /// <param name="endpoints">At least one.</param>
    /// <param name="threads">Worker threads, 1 or more.</param>
    /// <param name="portable">True takes the path on .NET's sockets even where the native one is there.</param>
    /// <exception cref="PlanException">An address cannot be bound, a name is empty or too long, or an endpoint cannot behave so. Nothing is left open.</exception>
    /// <exception cref="PlatformNotSupportedException">A traffic endpoint, a namespace or a behaviour needs Linux.</exception>
    public static Server Start(IReadOnlyList<ServedEndpoint> endpoints, int threads = 1, bool portable = false)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        foreach (ServedEndpoint endpoint in endpoints)
        {
            if (Encoding.UTF8.GetByteCount(endpoint.Name) is < 1 or > 255)
            {
                throw new PlanException("Name", endpoint.Name, "is not a name an endpoint can answer with", "Give 1 to 255 bytes");
            }

            RequireBehavior(endpoint, endpoint.Behavior);
        }

        return portable || !OperatingSystem.IsLinux() ? new PortableServer(endpoints) : new EpollServer(endpoints, threads);
    }

    /// <summary>Where each endpoint listens, in the order given; ports that the kernel chose are filled in.</summary>
    public abstract ImmutableArray<IPEndPoint> Addresses { get; }

    /// <summary>Connections accepted and datagrams answered so far, per endpoint in the order given.</summary>
    public abstract ImmutableArray<long> Accepted { get; }

    /// <summary>Changes how one endpoint behaves, before this returns. Connections that exist already keep being served, but for what <see cref="EndpointBehavior"/> says.</summary>
    /// <param name="index">The endpoint's place in the list given at the start.</param>
    /// <param name="behavior">The new behaviour.</param>
    /// <exception cref="PlanException">The endpoint cannot behave so, or cannot listen any more.</exception>
    public abstract void SetBehavior(int index, EndpointBehavior behavior);

    /// <summary>Closes the established connections of one endpoint, before this returns; what it does to new ones is <see cref="SetBehavior"/>'s affair.</summary>
    /// <remarks>From any thread. The server on .NET's sockets, which has no traffic endpoints, leaves its connections alone.</remarks>
    /// <param name="index">The endpoint's place in the list given at the start.</param>
    /// <param name="reset">True sends RST; false FIN, then reads what the client still sends, 2 s at most, so that it sees an orderly end.</param>
    public abstract void Disconnect(int index, bool reset);

    /// <summary>Stops serving and closes every socket.</summary>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Stops serving.</summary>
    protected abstract void Dispose(bool disposing);

    internal static byte[] Greeting(ServedEndpoint endpoint, EndpointBehavior behavior)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(endpoint.Name);
        if (endpoint.Service == ServedService.Connect) return behavior == EndpointBehavior.Partial ? bytes[..((bytes.Length + 1) / 2)] : bytes;
        // Clients look for the NUL that follows, and send nothing else there. Not in the midst of a character.
        int length = Math.Min(bytes.Length, FirstPacket - 1);
        while (length < bytes.Length && (bytes[length] & 0xc0) == 0x80) length--;
        return bytes[..length];
    }

    internal static void RequireBehavior(ServedEndpoint endpoint, EndpointBehavior behavior) => PlanException.Require(
        endpoint.Service == ServedService.Connect || behavior != EndpointBehavior.Partial,
        "Behavior", behavior, "is not a behaviour of a traffic endpoint", "Give Serve, Refuse, Drop, Hang or Reset");

    internal static PlanException CannotListen(ServedEndpoint endpoint, string why) =>
        new("Address", endpoint.Address, $"cannot be listened on: {why}", "Give an address of this machine and a free port");
}
