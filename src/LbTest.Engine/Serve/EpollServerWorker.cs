using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using LbTest.Engine.Sockets;

namespace LbTest.Engine.Serve;

/// <summary>One thread of the Linux server: accepts for all endpoints, and serves the connections that it accepted. Only it touches them.</summary>
internal sealed unsafe class EpollServerWorker : IDisposable
{
    private const int BufferSize = (64 * 1024) + Server.FirstPacket;
    private const int RestMilliseconds = 10;
    private const ulong TcpListener = 1UL << 63, UdpSocket = 1UL << 62, Command = 1UL << 61;

    private readonly Listeners _listeners;
    private readonly Epoll _epoll = new(512);
    private readonly EventFd _wake = new();
    private readonly Datagram _datagram = new();
    private readonly ServedConnections _connections;
    private readonly EchoConnections _echoes;
    private readonly ConcurrentQueue<(Action Work, TaskCompletionSource Done)> _commands = new();
    private readonly DescriptorReserve _descriptors = new();
    private readonly HashSet<int> _resting = [];
    private readonly byte* _buffer = (byte*)NativeMemory.Alloc(BufferSize);
    private long _restUntil = long.MaxValue;
    private volatile bool _stop;

    internal EpollServerWorker(Listeners listeners)
    {
        _listeners = listeners;
        _connections = new ServedConnections(_epoll);
        _echoes = new EchoConnections(listeners, _connections, _epoll, _buffer, BufferSize);
        Accepted = new long[listeners.Endpoints.Length];
        Require(_epoll.Add(_wake.Fd, Linux.EpollIn, Command));
        foreach ((int index, int fd, bool tcp) in listeners.Sockets)
        {
            if (tcp) Watch(index);
            else Require(_epoll.Add(fd, Linux.EpollIn | Linux.EpollExclusive, UdpSocket | (uint)index));
        }
    }

    /// <summary>Connections accepted and datagrams answered per endpoint.</summary>
    internal long[] Accepted { get; }

    internal void Stop()
    {
        _stop = true;
        _wake.Signal();
    }

    /// <summary>Follows a change of an endpoint's behaviour.</summary>
    internal Task FollowAsync(int index) => Post(() =>
    {
        Watch(index);
        _echoes.Follow(index);
    });

    /// <summary>Closes the connections of an endpoint.</summary>
    internal Task DisconnectAsync(int index, bool reset) => Post(() => _connections.Disconnect(index, reset));

    internal void Work()
    {
        while (!_stop)
        {
            bool commands = false;
            int count = _epoll.Wait(WaitMilliseconds());
            for (int i = 0; i < count; i++)
            {
                ulong data = _epoll.DataAt(i);
                if ((data & TcpListener) != 0) Accept((int)(uint)data);
                else if ((data & UdpSocket) != 0) Answer((int)(uint)data);
                else if ((data & Command) != 0) commands = true;
                else if (_connections.Holds(data)) Serve(Epoll.IndexOf(data), _epoll.EventsAt(i));
            }

            // Only now: they may close connections that some of the events are about.
            if (commands) RunCommands();
            if (_restUntil != long.MaxValue && Environment.TickCount64 >= _restUntil) EndRest();
            if (_connections.Due != long.MaxValue && Environment.TickCount64 >= _connections.Due) _connections.CloseOverdue();
        }

        RunCommands();
    }

    public void Dispose()
    {
        _connections.Dispose();
        NativeMemory.Free(_buffer);
        _datagram.Dispose();
        _wake.Dispose();
        _epoll.Dispose();
    }

    private Task Post(Action work)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _commands.Enqueue((work, done));
        _wake.Signal();
        return done.Task;
    }

    private void RunCommands()
    {
        _wake.Clear();
        while (_commands.TryDequeue(out (Action Work, TaskCompletionSource Done) command))
        {
            try
            {
                command.Work();
                command.Done.SetResult();
            }
            catch (SocketFault fault)
            {
                command.Done.SetException(fault);
            }
        }
    }

    private int WaitMilliseconds()
    {
        long due = Math.Min(_restUntil, _connections.Due);
        return due == long.MaxValue ? -1 : (int)Math.Max(1, due - Environment.TickCount64);
    }

    // A TCP listener that refuses would report a hang-up without end.
    private void Watch(int index)
    {
        int fd = _listeners.Tcp(index);
        if (fd < 0 || _resting.Contains(index)) return;
        if (_listeners.Behaviors[index] == EndpointBehavior.Refuse) _epoll.Remove(fd);
        else Require(_epoll.Add(fd, Linux.EpollIn | Linux.EpollExclusive, TcpListener | (uint)index));
    }

    private static void Require(int error)
    {
        if (error is not (0 or Linux.EEXIST)) throw new SocketFault("epoll_ctl", error);
    }

    // Out of descriptors: the connection waits in the backlog until one is closed; no busy loop meanwhile, and no pause for the others.
    private void Rest(int index)
    {
        _epoll.Remove(_listeners.Tcp(index));
        _ = _resting.Add(index);
        _restUntil = Environment.TickCount64 + RestMilliseconds;
    }

    private void EndRest()
    {
        int[] rested = [.. _resting];
        _resting.Clear();
        _restUntil = long.MaxValue;
        foreach (int index in rested) Watch(index);
    }

    private void Accept(int index)
    {
        int listener = _listeners.Tcp(index);
        // A few per turn: other endpoints and the connections that wait for an answer get theirs.
        for (int turn = 0; turn < 64; turn++)
        {
            bool may = _descriptors.MayTake(listener);
            int fd = may ? Linux.Accept4(listener, null, null, Linux.SockNonblock | Linux.SockCloexec) : -1;
            if (fd < 0)
            {
                if (!may || Linux.LastError is Linux.EMFILE or Linux.ENFILE or Linux.ENOBUFS or Linux.ENOMEM) Rest(index);
                return;
            }

            _descriptors.Took(fd);
            Accepted[index]++;
            EndpointBehavior behavior = _listeners.Behaviors[index];
            if (behavior == EndpointBehavior.Reset)
            {
                Linux.ResetOnClose(fd);
                _ = Linux.Close(fd);
                continue;
            }

            bool traffic = _listeners.Endpoints[index].Service == ServedService.Traffic;
            if (!traffic && behavior != EndpointBehavior.Hang) SendName(fd, index);
            int slot = _connections.Add(fd, index, traffic ? ConnectionState.Introducing : ConnectionState.Answering);
            if (_epoll.Add(fd, traffic ? _echoes.Admit(slot) : Linux.EpollIn, _connections.Key(slot)) != 0) _connections.Close(slot);
        }
    }

    private void Serve(int slot, uint events)
    {
        ref ServedConnection connection = ref _connections[slot];
        if (connection.State == ConnectionState.Answering) AnswerRead(connection, slot);
        else if (connection.State == ConnectionState.Ending) _connections.Discard(slot, _buffer, BufferSize);
        else _echoes.Handle(slot, events);
    }

    private void AnswerRead(in ServedConnection connection, int slot)
    {
        nint read = Linux.Receive(connection.Fd, _buffer, BufferSize, 0);
        if (read > 0)
        {
            if (_listeners.Behaviors[connection.Endpoint] is not (EndpointBehavior.Hang or EndpointBehavior.Partial)) SendName(connection.Fd, connection.Endpoint);
            return;
        }

        if (read < 0 && Linux.LastError is (Linux.EAGAIN or Linux.EINTR)) return;
        _connections.Close(slot);
    }

    private void SendName(int fd, int index)
    {
        byte[] name = _listeners.Greetings[index];
        fixed (byte* bytes = name) _ = Linux.Send(fd, bytes, name.Length, Linux.MsgNoSignal);
    }

    private void Answer(int index)
    {
        int fd = _listeners.Udp(index);
        bool traffic = _listeners.Endpoints[index].Service == ServedService.Traffic;
        for (int turn = 0; turn < 64; turn++)
        {
            nint read = _datagram.Receive(fd, _buffer, BufferSize);
            if (read < 0) return;
            EndpointBehavior behavior = _listeners.Behaviors[index];
            // To the client all these look the same; only one that drops or refuses has not even seen the datagram.
            if (behavior is EndpointBehavior.Drop or EndpointBehavior.Refuse) continue;
            Accepted[index]++;
            if (behavior is EndpointBehavior.Hang or EndpointBehavior.Reset) continue;
            byte[] name = _listeners.Greetings[index];
            name.CopyTo(new Span<byte>(_buffer, BufferSize));
            _datagram.Reply(fd, _buffer, traffic ? read : name.Length);
        }
    }
}
