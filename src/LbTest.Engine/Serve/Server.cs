using System.Text;
using LbTest.Engine.Sockets;

namespace LbTest.Engine.Serve;

/// <summary>Serves any number of endpoints, each with its own name and, if wanted, its own network namespace, from one process.</summary>
/// <remarks>
/// Speaks the protocol of the public <c>mconnect</c> tool: on accept it sends its name, then answers every read with its name; UDP
/// answers each datagram with its name. Linux: one epoll loop per worker thread over the listeners of all endpoints, constant memory.
/// Elsewhere .NET's sockets, without network namespaces and without <see cref="EndpointBehavior.Drop"/>.
/// </remarks>
public abstract class Server : IDisposable
{
    /// <summary>Starts to serve; when this returns, every endpoint answers.</summary>
    /// <param name="endpoints">At least one.</param>
    /// <param name="threads">Worker threads, 1 or more.</param>
    /// <param name="portable">True takes the path on .NET's sockets even where the native one is there.</param>
    /// <exception cref="PlanException">An address cannot be bound, or a name is empty or too long. Nothing is left open.</exception>
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
        }

        return portable || !OperatingSystem.IsLinux() ? new PortableServer(endpoints) : new EpollServer(endpoints, threads);
    }

    /// <summary>Where each endpoint listens, in the order given; ports that the kernel chose are filled in.</summary>
    public abstract ImmutableArray<IPEndPoint> Addresses { get; }

    /// <summary>Connections accepted and datagrams answered so far, per endpoint in the order given.</summary>
    public abstract ImmutableArray<long> Accepted { get; }

    /// <summary>Changes how one endpoint treats what comes from now on; connections that exist already keep being served.</summary>
    /// <param name="index">The endpoint's place in the list given at the start.</param>
    /// <param name="behavior">The new behaviour.</param>
    public abstract void SetBehavior(int index, EndpointBehavior behavior);

    /// <summary>Stops serving and closes every socket.</summary>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Stops serving.</summary>
    protected abstract void Dispose(bool disposing);

    internal static byte[] Greeting(string name, EndpointBehavior behavior)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(name);
        return behavior == EndpointBehavior.Partial ? bytes[..((bytes.Length + 1) / 2)] : bytes;
    }

    internal static PlanException CannotListen(ServedEndpoint endpoint, string why) =>
        new("Address", endpoint.Address, $"cannot be listened on: {why}", "Give an address of this machine and a free port");
}
