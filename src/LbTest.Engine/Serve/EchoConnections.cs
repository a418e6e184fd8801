using LbTest.Engine.Sockets;

namespace LbTest.Engine.Serve;

/// <summary>What a worker does on the connections of traffic endpoints, as the public <c>ctraffic</c> tool's server does it: an echo.</summary>
/// <remarks>
/// The first 64 bytes are awaited and get the endpoint's name over their beginning; after that one recv and one send per packet, from a
/// buffer that all connections share. What the client's window does not take is kept, and nothing more read until it is gone, so a client
/// that does not read is stopped by its own send buffer and loses nothing.
/// </remarks>
internal sealed unsafe class EchoConnections
{
    private readonly Listeners _listeners;
    private readonly ServedConnections _connections;
    private readonly Epoll _epoll;
    private readonly byte* _buffer;
    private readonly int _size;
    private readonly EndpointBehavior[] _followed;

    /// <param name="listeners">The endpoints.</param>
    /// <param name="connections">The worker's connections.</param>
    /// <param name="epoll">Where they are watched.</param>
    /// <param name="buffer">The worker's buffer.</param>
    /// <param name="size">Its size in bytes.</param>
    internal EchoConnections(Listeners listeners, ServedConnections connections, Epoll epoll, byte* buffer, int size)
    {
        (_listeners, _connections, _epoll, _size) = (listeners, connections, epoll, size);
        _buffer = buffer;
        _followed = [.. listeners.Behaviors];
    }

    /// <summary>Prepares a connection just accepted; returns the events it waits for.</summary>
    internal uint Admit(int slot)
    {
        ref ServedConnection connection = ref _connections[slot];
        // It has inherited silence if the listener kept it while the handshake ended, whatever the listener does now.
        if (_listeners.HasDropped(connection.Endpoint)) Silence(connection.Fd, _listeners.Behaviors[connection.Endpoint] == EndpointBehavior.Drop);
        return Interest(connection);
    }

    /// <summary>Makes the established connections of an endpoint do what it does now.</summary>
    internal void Follow(int endpoint)
    {
        EndpointBehavior behavior = _listeners.Behaviors[endpoint], before = _followed[endpoint];
        _followed[endpoint] = behavior;
        if (!IsSilent(behavior) && !IsSilent(before)) return;
        for (int slot = 0; slot < _connections.Count; slot++)
        {
            ref ServedConnection connection = ref _connections[slot];
            if (connection.Endpoint != endpoint || connection.State is ConnectionState.Free or ConnectionState.Ending) continue;
            if (behavior == EndpointBehavior.Drop || before == EndpointBehavior.Drop) Silence(connection.Fd, behavior == EndpointBehavior.Drop);
            _epoll.Modify(connection.Fd, Interest(connection), _connections.Key(slot));
        }
    }

    internal void Handle(int slot, uint events)
    {
        ref ServedConnection connection = ref _connections[slot];
        if (IsSilent(_listeners.Behaviors[connection.Endpoint]))
        {
            if ((events & (Linux.EpollErr | Linux.EpollHup | Linux.EpollRdHup)) != 0) _connections.Close(slot);
        }
        else if (connection.State == ConnectionState.Blocked) Flush(ref connection, slot);
        else Echo(ref connection, slot);
    }

    private void Echo(ref ServedConnection connection, int slot)
    {
        byte* start = _buffer + Server.FirstPacket;
        nint length = Linux.Receive(connection.Fd, start, _size - Server.FirstPacket, 0);
        if (length <= 0)
        {
            if (length == 0 || Linux.LastError is not (Linux.EAGAIN or Linux.EINTR)) _connections.Close(slot);
            return;
        }

        if (connection.State == ConnectionState.Introducing && !Introduce(ref connection, ref start, ref length)) return;
        nint sent = Linux.Send(connection.Fd, start, length, Linux.MsgNoSignal);
        if (sent == length) return;
        if (sent < 0)
        {
            if (Linux.LastError is not (Linux.EAGAIN or Linux.EINTR))
            {
                _connections.Close(slot);
                return;
            }

            sent = 0;
        }

        connection.Hold(new ReadOnlySpan<byte>(start + sent, (int)(length - sent)));
        connection.State = ConnectionState.Blocked;
        _epoll.Modify(connection.Fd, Linux.EpollOut, _connections.Key(slot));
    }

    /// <summary>Puts the name at the beginning of the first bytes; false while there are not enough of them.</summary>
    private bool Introduce(ref ServedConnection connection, ref byte* start, ref nint length)
    {
        if (connection.Held is not null)
        {
            // There is room for them in front of what has just been read.
            int held = connection.HeldTo;
            start -= held;
            length += held;
            connection.Held.AsSpan(0, held).CopyTo(new Span<byte>(start, held));
            connection.Release();
        }

        if (length < Server.FirstPacket)
        {
            connection.Hold(new ReadOnlySpan<byte>(start, (int)length));
            return false;
        }

        _listeners.Greetings[connection.Endpoint].CopyTo(new Span<byte>(start, Server.FirstPacket));
        connection.State = ConnectionState.Echoing;
        return true;
    }

    private void Flush(ref ServedConnection connection, int slot)
    {
        nint sent;
        fixed (byte* held = connection.Held) sent = Linux.Send(connection.Fd, held + connection.HeldFrom, connection.HeldTo - connection.HeldFrom, Linux.MsgNoSignal);
        if (sent < 0)
        {
            if (Linux.LastError is not (Linux.EAGAIN or Linux.EINTR)) _connections.Close(slot);
            return;
        }

        connection.HeldFrom += (int)sent;
        if (connection.HeldFrom < connection.HeldTo) return;
        connection.Release();
        connection.State = ConnectionState.Echoing;
        _epoll.Modify(connection.Fd, Linux.EpollIn, _connections.Key(slot));
    }

    // No probes meanwhile either: they would be heard, and their answers would not.
    private static void Silence(int fd, bool drop)
    {
        Listeners.SetDropping(fd, drop);
        _ = Linux.SetInt(fd, Linux.SolSocket, Linux.SoKeepAlive, drop ? 0 : 1);
    }

    private static bool IsSilent(EndpointBehavior behavior) => behavior is EndpointBehavior.Drop or EndpointBehavior.Hang;

    // A silent endpoint leaves what comes in the kernel, as a stopped process does: it is echoed when the endpoint serves again. One that hangs
    // still notices when the client leaves; one that drops sees nothing of the client at all.
    private uint Interest(in ServedConnection connection) => _listeners.Behaviors[connection.Endpoint] switch
    {
        EndpointBehavior.Drop => 0,
        EndpointBehavior.Hang => Linux.EpollRdHup,
        _ => connection.State == ConnectionState.Blocked ? Linux.EpollOut : Linux.EpollIn,
    };
}
