using LbTest.Engine.Sockets;

namespace LbTest.Engine.Serve;

/// <summary>One thread of the Linux server. It keeps nothing per connection: an event carries the descriptor and the endpoint's index.</summary>
internal sealed unsafe class EpollServerWorker : IDisposable
{
    private const int BufferSize = 64 * 1024;
    private const ulong TcpListener = 1UL << 63, UdpSocket = 1UL << 62;

    private readonly Listeners _listeners;
    private readonly Epoll _epoll = new(512);
    private readonly HashSet<int> _open = [];
    private readonly byte* _buffer = (byte*)System.Runtime.InteropServices.NativeMemory.Alloc(BufferSize);
    private volatile bool _stop;

    internal EpollServerWorker(Listeners listeners)
    {
        _listeners = listeners;
        Accepted = new long[listeners.Endpoints.Length];
        foreach ((int index, int fd, bool tcp) in listeners.Sockets)
        {
            int error = _epoll.Add(fd, Linux.EpollIn | Linux.EpollExclusive, (tcp ? TcpListener : UdpSocket) | (uint)index);
            if (error != 0) throw new SocketFault("epoll_ctl", error);
        }
    }

    /// <summary>Connections accepted and datagrams answered per endpoint.</summary>
    internal long[] Accepted { get; }

    internal void Stop() => _stop = true;

    /// <summary>Watches a TCP listener, or not: one that refuses would report a hang-up without end.</summary>
    internal void Watch(int index, bool watch)
    {
        int fd = _listeners.Tcp(index);
        if (fd < 0) return;
        if (!watch) _epoll.Remove(fd);
        else if (_epoll.Add(fd, Linux.EpollIn | Linux.EpollExclusive, TcpListener | (uint)index) is not (0 or Linux.EEXIST) and int error) throw new SocketFault("epoll_ctl", error);
    }

    internal void Work()
    {
        while (!_stop)
        {
            int count = _epoll.Wait(50);
            for (int i = 0; i < count; i++)
            {
                ulong data = _epoll.DataAt(i);
                if ((data & TcpListener) != 0) Accept((int)(uint)data);
                else if ((data & UdpSocket) != 0) Answer((int)(uint)data);
                else Serve((int)(uint)data, (int)(data >> 32));
            }
        }
    }

    public void Dispose()
    {
        foreach (int fd in _open) _ = Linux.Close(fd);
        System.Runtime.InteropServices.NativeMemory.Free(_buffer);
        _epoll.Dispose();
    }

    private void Accept(int index)
    {
        // A few per turn: other endpoints and the connections that wait for an answer get theirs.
        for (int turn = 0; turn < 64; turn++)
        {
            int fd = Linux.Accept4(_listeners.Tcp(index), null, null, Linux.SockNonblock | Linux.SockCloexec);
            if (fd < 0)
            {
                // Out of descriptors: the connection waits in the backlog until one is closed; no busy loop meanwhile.
                if (Linux.LastError is Linux.EMFILE or Linux.ENFILE or Linux.ENOBUFS or Linux.ENOMEM) Thread.Sleep(5);
                return;
            }

            Accepted[index]++;
            EndpointBehavior behavior = _listeners.Behaviors[index];
            if (behavior == EndpointBehavior.Reset)
            {
                Linux.ResetOnClose(fd);
                _ = Linux.Close(fd);
                continue;
            }

            if (behavior != EndpointBehavior.Hang) SendName(fd, index);
            if (_epoll.Add(fd, Linux.EpollIn, ((ulong)index << 32) | (uint)fd) != 0) _ = Linux.Close(fd);
            else _ = _open.Add(fd);
        }
    }

    private void Serve(int fd, int index)
    {
        nint read = Linux.Receive(fd, _buffer, BufferSize, 0);
        if (read > 0)
        {
            if (_listeners.Behaviors[index] is not (EndpointBehavior.Hang or EndpointBehavior.Partial)) SendName(fd, index);
            return;
        }

        if (read < 0 && Linux.LastError is (Linux.EAGAIN or Linux.EINTR)) return;
        _ = _open.Remove(fd);
        _ = Linux.Close(fd);
    }

    private void SendName(int fd, int index)
    {
        byte[] name = _listeners.Greetings[index];
        fixed (byte* bytes = name) _ = Linux.Send(fd, bytes, name.Length, Linux.MsgNoSignal);
    }

    private void Answer(int index)
    {
        byte* from = stackalloc byte[NativeAddress.MaxLength];
        for (int turn = 0; turn < 64; turn++)
        {
            int length = NativeAddress.MaxLength;
            if (Linux.ReceiveFrom(_listeners.Udp(index), _buffer, BufferSize, 0, from, &length) < 0) return;
            EndpointBehavior behavior = _listeners.Behaviors[index];
            // To the client all these look the same; only one that drops or refuses has not even seen the datagram.
            if (behavior is EndpointBehavior.Drop or EndpointBehavior.Refuse) continue;
            Accepted[index]++;
            if (behavior is EndpointBehavior.Hang or EndpointBehavior.Reset) continue;
            byte[] name = _listeners.Greetings[index];
            fixed (byte* bytes = name) _ = Linux.SendTo(_listeners.Udp(index), bytes, name.Length, Linux.MsgNoSignal, from, length);
        }
    }
}
