using System.Buffers;
using LbTest.Engine.Sockets;

namespace LbTest.Engine.Serve;

/// <summary>Where an accepted connection stands.</summary>
internal enum ConnectionState : byte
{
    /// <summary>No connection: the slot waits for one.</summary>
    Free,

    /// <summary>Of a connect endpoint: every read is answered with the name.</summary>
    Answering,

    /// <summary>Of a traffic endpoint: the first 64 bytes are not complete.</summary>
    Introducing,

    /// <summary>Of a traffic endpoint: everything comes back.</summary>
    Echoing,

    /// <summary>Of a traffic endpoint: the client has to read before more is taken from it.</summary>
    Blocked,

    /// <summary>We have sent FIN and wait for the client's.</summary>
    Ending,
}

/// <summary>One accepted connection: 40 bytes, and a buffer only while the client is behind.</summary>
internal struct ServedConnection
{
    internal int Fd, Endpoint, HeldFrom, HeldTo, Generation;
    internal byte[]? Held;
    internal ConnectionState State;

    /// <summary>Keeps a copy of bytes that cannot be dealt with now.</summary>
    internal void Hold(ReadOnlySpan<byte> bytes)
    {
        Held = ArrayPool<byte>.Shared.Rent(bytes.Length);
        bytes.CopyTo(Held);
        (HeldFrom, HeldTo) = (0, bytes.Length);
    }

    internal void Release()
    {
        if (Held is not null) ArrayPool<byte>.Shared.Return(Held);
        Held = null;
    }
}

/// <summary>The accepted connections of one worker, by slot: what an event carries.</summary>
internal sealed class ServedConnections(Epoll epoll) : IDisposable
{
    /// <summary>A client that ignores our FIN for so long is not waited for.</summary>
    private const int PatienceMilliseconds = 2000;

    private const int None = -1;

    private ServedConnection[] _slots = new ServedConnection[64];
    private int _used, _free = None;

    /// <summary>When what is ending has to be gone, as <see cref="Environment.TickCount64"/>; <see cref="long.MaxValue"/> when nothing is.</summary>
    internal long Due { get; private set; } = long.MaxValue;

    /// <summary>What events of the connection in a slot carry.</summary>
    internal ulong Key(int slot) => Epoll.Key(slot, _slots[slot].Generation);

    /// <summary>True while the connection that an event is about is there.</summary>
    internal bool Holds(ulong key) => _slots[Epoll.IndexOf(key)].State != ConnectionState.Free && Key(Epoll.IndexOf(key)) == key;

    /// <summary>Valid until the next <see cref="Add"/>.</summary>
    internal ref ServedConnection this[int slot] => ref _slots[slot];

    /// <summary>Slots that may hold a connection: all below this.</summary>
    internal int Count => _used;

    internal int Add(int fd, int endpoint, ConnectionState state)
    {
        int slot = _free;
        if (slot != None) _free = _slots[slot].Fd;
        else
        {
            if (_used == _slots.Length) Array.Resize(ref _slots, _used * 2);
            slot = _used++;
        }

        _slots[slot] = new ServedConnection { Fd = fd, Endpoint = endpoint, State = state, Generation = _slots[slot].Generation + 1 };
        return slot;
    }

    internal void Close(int slot)
    {
        ref ServedConnection connection = ref _slots[slot];
        connection.Release();
        _ = Linux.Close(connection.Fd);
        connection = new ServedConnection { Fd = _free, Generation = connection.Generation };
        _free = slot;
    }

    /// <summary>Closes all connections of an endpoint.</summary>
    internal void Disconnect(int endpoint, bool reset)
    {
        for (int slot = 0; slot < _used; slot++)
        {
            ref ServedConnection connection = ref _slots[slot];
            if (connection.State == ConnectionState.Free || connection.Endpoint != endpoint) continue;
            if (reset)
            {
                Linux.ResetOnClose(connection.Fd);
                Close(slot);
            }
            else if (connection.State != ConnectionState.Ending) End(ref connection, slot);
        }
    }

    /// <summary>Reads what still comes on a connection that is ending, and closes it when that is all.</summary>
    internal unsafe void Discard(int slot, byte* buffer, int size)
    {
        nint read = Linux.Receive(_slots[slot].Fd, buffer, size, 0);
        if (read == 0 || (read < 0 && Linux.LastError is not (Linux.EAGAIN or Linux.EINTR))) Close(slot);
    }

    /// <summary>Closes what was ending and is overdue.</summary>
    internal void CloseOverdue()
    {
        Due = long.MaxValue;
        for (int slot = 0; slot < _used; slot++)
        {
            if (_slots[slot].State == ConnectionState.Ending) Close(slot);
        }
    }

    // To close at once would answer what is unread, or on its way, with RST.
    private void End(ref ServedConnection connection, int slot)
    {
        connection.Release();
        connection.State = ConnectionState.Ending;
        _ = Linux.Shutdown(connection.Fd, Linux.ShutWr);
        epoll.Modify(connection.Fd, Linux.EpollIn, Key(slot));
        Due = Environment.TickCount64 + PatienceMilliseconds;
    }

    public void Dispose()
    {
        for (int slot = 0; slot < _used; slot++)
        {
            if (_slots[slot].State != ConnectionState.Free) Close(slot);
        }
    }
}
