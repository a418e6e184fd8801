using System.Diagnostics;
using System.Runtime.InteropServices;
using LbTest.Engine.Connect;
using LbTest.Engine.Sockets;

namespace LbTest.Engine.Traffic;

/// <summary>One thread of a traffic test: one epoll instance, raw system calls, no allocation per packet. Subclasses know the transport.</summary>
/// <remarks>
/// All clients have the same interval, and client i of N sends its k-th packet at start + (k·N + i) / rate: a round of slots that never needs
/// sorting. A slot is good until the client's next one is due. Whatever cannot go out in it counts as dropped, whoever is to blame; those that
/// were late through this thread's fault are counted apart. Timestamps are nanoseconds (<see cref="Stopwatch"/> on Linux).
/// </remarks>
internal abstract unsafe class TrafficWorker : IDisposable
{
    protected const int BufferSize = 128 * 1024;

    // Attempts to connect under way at once, so that a listener's backlog never overflows through us; and starts, sends, per turn of the loop: few
    // enough that slots of a millisecond are not missed for them.
    private const int MostConnecting = 1024, StartsPerTurn = 4, SendsPerTurn = 128;
    private const long Second = 1_000_000_000, Sweep = 50_000_000, Settling = 50_000_000, LongestWait = 50_000_000;

    private readonly TrafficRun _run;
    private readonly Epoll _epoll = new(128);
    private readonly PriorityQueue<int, long> _waiting = new();
    private readonly Dictionary<int, string> _errors = [];
    private readonly double _slot;
    private readonly int _first, _step, _family, _socketType, _targetLength;
    private readonly byte* _memory = (byte*)NativeMemory.AllocZeroed(BufferSize + TrafficPlan.MostPacketSize + (2 * NativeAddress.MaxLength));
    private long _start, _end, _tried, _nextSweep, _nextBoundary;
    private int _cursor, _swept, _connecting, _attempts, _active, _untried;
    private bool _sending, _ending;

    protected TrafficWorker(TrafficRun run, int number, int count)
    {
        (_run, _first, _step, Plan) = (run, number, count, run.Plan);
        _slot = Second / Plan.EffectivePacketsPerSecond;
        Interval = (long)Math.Min(_slot * Plan.Connections, long.MaxValue / 4.0);
        Clients = new TrafficClient[((Plan.Connections - 1 - number) / count) + 1];
        _family = NativeAddress.Family(Plan.Target.Address);
        _socketType = (Plan.Protocol == TransportProtocol.Tcp ? Linux.SockStream : Linux.SockDgram) | Linux.SockNonblock | Linux.SockCloexec;
        _targetLength = NativeAddress.Write(Target, Plan.Target.Address, Plan.Target.Port);
        Names = new NameTable(Plan.Endpoints);
    }

    protected TrafficPlan Plan { get; }

    protected TrafficClient[] Clients { get; }

    protected NameTable Names { get; }

    /// <summary>Between two packets of a client, ns.</summary>
    protected long Interval { get; }

    protected byte* Buffer => _memory;

    protected byte* Payload => _memory + BufferSize;

    private byte* Target => Payload + TrafficPlan.MostPacketSize;

    private byte* Address => Target + NativeAddress.MaxLength;

    /// <summary>The second that is being counted.</summary>
    protected TrafficBucket Bucket { get; private set; } = null!;

    internal FailureTally Failures { get; } = new();

    /// <summary>One bit for every 10 ms from the start in which an echo came.</summary>
    internal List<ulong> Alive { get; } = [];

    /// <summary>All connections that have ended.</summary>
    internal List<TrafficConnection> Ended { get; } = [];

    /// <summary>Works from <paramref name="start"/> until the plan's time is over or the run is stopped.</summary>
    internal void Work(long start)
    {
        (_start, _end) = (start, start + Nanoseconds(Plan.Duration));
        (_nextSweep, _nextBoundary) = (start, start + Second);
        Bucket = _run.TakeBucket(0);
        for (int i = 0; i < Clients.Length; i++) Prepare(i);
        _untried = Clients.Length;
        while (Now() < start && !_run.Stopped) _ = _epoll.WaitNanoseconds(Math.Clamp(start - Now(), 0, LongestWait));
        long now;
        while ((now = Now()) < _end && !_run.Stopped) Turn(now);
        _end = Math.Min(now, _end);
        _ending = true;
        // What is still on its way may come home: a second is long enough for an echo, or for TCP to send it once more.
        long drained = _end + Math.Min(Second, Nanoseconds(Plan.ResponseTimeout));
        while (!_run.Stopped && Now() < drained && Expecting()) Turn(Now());
        for (int i = 0; i < Clients.Length; i++) EndAtLast(ref Clients[i]);
        Publish();
    }

    /// <summary>Sends the packet that is due at <paramref name="due"/>.</summary>
    protected abstract void Send(ref TrafficClient client, long due, long now);

    /// <summary>True while the client's last packet occupies the connection.</summary>
    protected abstract bool Busy(ref TrafficClient client);

    /// <summary>True while something may still come back.</summary>
    protected abstract bool Expects(ref TrafficClient client);

    /// <summary>Events of an active client's socket.</summary>
    protected abstract void Handle(int index, uint events);

    /// <summary>After connect: true when the connection is there already.</summary>
    protected abstract bool IsConnected { get; }

    /// <summary>Options of a new socket, before it is connected.</summary>
    protected virtual void Configure(int fd)
    {
    }

    private void Prepare(int index)
    {
        ref TrafficClient client = ref Clients[index];
        client.Number = _first + (index * _step);
        client.Fd = TrafficClient.Nobody;
        _waiting.Enqueue(index, _start + (long)(Nanoseconds(Plan.RampUp) * ((double)client.Number / Plan.Connections)));
    }

    private void Turn(long now)
    {
        if (now >= _nextBoundary && !_ending) CrossBoundary(now);
        if (now >= _nextSweep) SweepAll(now);
        if (!_ending) StartWaiting(now);
        long due = !_ending && IsSending(now) ? SendDue(now) : now + LongestWait;
        long next = Math.Min(Math.Min(due, _nextSweep), Math.Min(_nextBoundary, now + LongestWait));
        if (!_ending && _waiting.TryPeek(out _, out long start)) next = Math.Min(next, _attempts < MostConnecting ? start : now + LongestWait);
        int count = _epoll.WaitNanoseconds(Math.Clamp(next - Now(), 0, LongestWait));
        for (int i = 0; i < count; i++)
        {
            ulong key = _epoll.DataAt(i);
            if (Key(Epoll.IndexOf(key)) == key) Dispatch(Epoll.IndexOf(key), _epoll.EventsAt(i));
        }
    }

    private ulong Key(int index) => Epoll.Key(index, Clients[index].Generation);

    private long Due(long round, int index) => _start + (long)((((double)round * Plan.Connections) + _first + ((double)index * _step)) * _slot);

    // Packets are planned from a moment after every client has tried to connect, at the latest from the end of the first second: so many connects at once
    // would take the time in which the first packets are due. With a ramp-up there is no such moment.
    private bool IsSending(long now)
    {
        if (_sending) return true;
        // A server has still to accept what its kernel took.
        if (_untried == 0 && _tried == 0) _tried = now;
        if (Plan.RampUp == TimeSpan.Zero && now - _start < Second && (_untried > 0 || now - _tried < Settling)) return false;
        Round = Math.Max(0, (long)((now - _start) / (_slot * Plan.Connections)));
        while (Due(Round, _cursor) < now) NextSlot();
        return _sending = true;
    }

    private void NextSlot()
    {
        if (++_cursor < Clients.Length) return;
        _cursor = 0;
        Round++;
    }

    /// <summary>Visits the slots that are due and returns when the next one is.</summary>
    private long SendDue(long now)
    {
        for (int turn = 0; turn < SendsPerTurn; turn++)
        {
            long due = Due(Round, _cursor);
            if (due > now) return due;
            Visit(ref Clients[_cursor], due, now);
            NextSlot();
        }

        return now;
    }

    private void Visit(ref TrafficClient client, long due, long now)
    {
        if (client.Phase != ClientPhase.Active) return;
        // The next slot has come, so the one that waited is over.
        if (client.Pending != 0) Drop(ref client);
        client.Pending = 0;
        if (now - due >= Interval)
        {
            Bucket.Late++;
            Drop(ref client);
        }
        else if (Busy(ref client)) client.Pending = due;
        else Send(ref client, due, now);
    }

    protected void Drop(ref TrafficClient client)
    {
        client.Dropped++;
        Bucket.Dropped++;
    }

    /// <summary>A packet came back.</summary>
    protected void Echoed(ref TrafficClient client, long due, long now)
    {
        client.Received++;
        Bucket.Received++;
        Bucket.Latency.Record(now - due);
        client.LongestGap = Math.Max(client.LongestGap, now - client.LastEcho);
        client.LastEcho = now;
        int tick = (int)((now - _start) / TrafficRun.Tick);
        while (Alive.Count <= tick >> 6) Alive.Add(0);
        Alive[tick >> 6] |= 1UL << (tick & 63);
    }

    private void StartWaiting(long now)
    {
        for (int turn = 0; turn < StartsPerTurn && _attempts < MostConnecting && _waiting.TryPeek(out int index, out long at) && at <= now; turn++)
        {
            _ = _waiting.Dequeue();
            Attempt(index, now);
        }
    }

    private void Attempt(int index, long now)
    {
        ref TrafficClient client = ref Clients[index];
        if (client.Phase is ClientPhase.Planned)
        {
            client.Begin(now);
            client.LastEcho = now;
        }

        if (client.Phase != ClientPhase.Waiting) _connecting++;
        client.Phase = ClientPhase.Connecting;
        client.StateSince = now;
        _attempts++;
        client.Generation++;
        client.Fd = Linux.Socket(_family, _socketType, 0);
        int error = client.Fd < 0 ? Linux.LastError : 0;
        if (error != 0)
        {
            AttemptFailed(index, FailureClass.ClientExhausted, error);
            return;
        }

        if (!Bind(ref client, out error))
        {
            _attempts--;
            _connecting--;
            Tried(ref client);
            Finish(ref client, now, FailureClass.ClientExhausted, "the list of source addresses ran out");
            return;
        }

        if (error != 0)
        {
            AttemptFailed(index, error == Linux.EACCES ? FailureClass.Unreachable : FailureClass.ClientExhausted, error);
            return;
        }

        Configure(client.Fd);
        error = Linux.Connect(client.Fd, Target, _targetLength) == 0 ? 0 : Linux.LastError;
        if (error is not (0 or Linux.EINPROGRESS))
        {
            AttemptFailed(index, FailureClasses.OfConnect(error), error);
            return;
        }

        uint events = Linux.EpollIn | Linux.EpollOut | Linux.EpollRdHup | Linux.EpollEt;
        int watch = _epoll.Add(client.Fd, events, Key(index));
        if (watch != 0) AttemptFailed(index, FailureClass.ClientExhausted, watch);
        else if (IsConnected) Established(index, Now());
    }

    // False when there is no address left for it.
    private bool Bind(ref TrafficClient client, out int error)
    {
        error = 0;
        if (!_run.SourceOf(ref client, Address, out int length)) return false;
        if (length == 0) return true;
        if (NativeAddress.Port(Address) == 0) _ = Linux.SetInt(client.Fd, Linux.IpprotoIp, Linux.IpBindAddressNoPort, 1);
        else _ = Linux.SetInt(client.Fd, Linux.SolSocket, Linux.SoReuseAddr, 1);
        error = Linux.Bind(client.Fd, Address, length) == 0 ? 0 : Linux.LastError;
        return true;
    }

    private void Established(int index, long now)
    {
        ref TrafficClient client = ref Clients[index];
        Tried(ref client);
        int length = NativeAddress.MaxLength;
        if (Linux.GetSockName(client.Fd, Address, &length) == 0) client.Local = NativeAddress.Read(Address);
        client.Phase = ClientPhase.Active;
        client.Connected = client.Progress = Math.Min(now, _end);
        // Before there was a first connection, nothing could come back.
        if (client.Reconnects == 0) client.LastEcho = now;
        _attempts--;
        _connecting--;
        _active++;
        Bucket.New++;
    }

    private void AttemptFailed(int index, FailureClass failure, int error) => AttemptFailed(index, failure, Describe(error));

    private void AttemptFailed(int index, FailureClass failure, string error)
    {
        ref TrafficClient client = ref Clients[index];
        // The attempt's SYNs: a socket that never was connected has no other segments.
        if (client.Fd >= 0 && Plan.Protocol == TransportProtocol.Tcp) _ = CountRetransmits(ref client);
        client.Retransmits = 0;
        Close(ref client);
        Tried(ref client);
        client.FailedConnects++;
        (client.LastFailure, client.LastError, client.Phase) = (failure, error, ClientPhase.Waiting);
        _attempts--;
        Bucket.FailedConnects++;
        Failures.Add(failure, error);
        _waiting.Enqueue(index, Now() + Wait(client.FailedConnects));
    }

    private long Wait(int failures) => Nanoseconds(Plan.BackOff) * Math.Min(10, failures);

    private void Tried(ref TrafficClient client)
    {
        if (client is { Reconnects: 0, FailedConnects: 0 }) _untried--;
    }

    /// <summary>An established connection is lost: it is told, and the client makes another.</summary>
    protected void Lost(int index, FailureClass failure, string error)
    {
        ref TrafficClient client = ref Clients[index];
        long now = Now();
        Bucket.Failed++;
        Failures.Add(failure, error);
        _active--;
        Finish(ref client, Math.Min(now, _end), failure, error);
        if (!Plan.Reconnect || _ending) return;
        // At once, unless this server takes connections only to break them.
        client.Fruitless = client.Received == 0 ? client.Fruitless + 1 : 0;
        client.Phase = ClientPhase.Waiting;
        client.Reconnects++;
        client.Begin(Math.Min(now, _end));
        _connecting++;
        _waiting.Enqueue(index, now + Wait(client.Fruitless));
    }

    protected void Lost(int index, FailureClass failure, int error) => Lost(index, failure, Describe(error));

    // The record of a connection that has ended, whether or not it ever was one.
    private void Finish(ref TrafficClient client, long now, FailureClass? failure, string? error)
    {
        int roundTrip = 0;
        if (client.Connected != 0 && Plan.Protocol == TransportProtocol.Tcp)
        {
            roundTrip = CountRetransmits(ref client);
        }

        client.LongestGap = Math.Max(client.LongestGap, now - client.LastEcho);
        var record = new TrafficConnection
        {
            Client = client.Number, Reconnects = client.Reconnects, Local = client.Local?.ToString(), Remote = _run.Target,
            Endpoint = client.Endpoint == TrafficClient.Nobody ? null : Names.NameAt(client.Endpoint), EndpointChanges = client.EndpointChanges,
            Started = Offset(client.Started), Connected = client.Connected == 0 ? null : Offset(client.Connected), Ended = Offset(now), Failure = failure, Error = error,
            FailedConnects = client.FailedConnects, Sent = client.Sent, Received = client.Received, Dropped = client.Dropped, Reordered = client.Reordered,
            Duplicated = client.Duplicated, Retransmits = client.Retransmits, RoundTrip = roundTrip == 0 ? null : TimeSpan.FromMicroseconds(roundTrip),
            LongestGap = TimeSpan.FromTicks(client.LongestGap / 100),
        };
        Ended.Add(record);
        Bucket.Ended.Add(record);
        Close(ref client);
        client.Phase = ClientPhase.Done;
    }

    private void EndAtLast(ref TrafficClient client)
    {
        switch (client.Phase)
        {
            case ClientPhase.Active:
                Finish(ref client, _end, null, null);
                break;
            case ClientPhase.Connecting or ClientPhase.Waiting:
                string error = client.LastError ?? "the test ended before it was established";
                Finish(ref client, _end, client.LastError is null ? FailureClass.Unclassified : client.LastFailure, error);
                break;
        }
    }

    private static void Close(ref TrafficClient client)
    {
        if (client.Fd >= 0) _ = Linux.Close(client.Fd);
        client.Fd = TrafficClient.Nobody;
    }

    private void Dispatch(int index, uint events)
    {
        ref TrafficClient client = ref Clients[index];
        if (client.Phase == ClientPhase.Connecting && !_ending)
        {
            int error = (events & (Linux.EpollErr | Linux.EpollHup)) != 0 ? Linux.SocketError(client.Fd) : 0;
            if (error != 0) AttemptFailed(index, FailureClasses.OfConnect(error), error);
            else Established(index, Now());
        }

        if (client.Phase == ClientPhase.Active) Handle(index, events);
    }

    /// <summary>Looks for time-outs, and at a part of the connections for segments sent again: at each of them once a second.</summary>
    private void SweepAll(long now)
    {
        _nextSweep = now + Sweep;
        bool tcp = Plan.Protocol == TransportProtocol.Tcp;
        for (int i = 0; i < Clients.Length; i++)
        {
            ref TrafficClient client = ref Clients[i];
            if (client.Phase == ClientPhase.Connecting && !_ending && now - client.StateSince >= Nanoseconds(Plan.ConnectTimeout)) AttemptFailed(i, FailureClass.TimedOut, Linux.ETIMEDOUT);
            else if (tcp && client.Phase == ClientPhase.Active && client.SentDue != 0 && now - client.Progress >= Nanoseconds(Plan.ResponseTimeout))
            {
                Lost(i, FailureClass.TimedOut, string.Create(CultureInfo.InvariantCulture, $"no echo within {Plan.ResponseTimeout.TotalSeconds} s"));
            }
        }

        if (!tcp) return;
        for (int i = 0; i <= Clients.Length * Sweep / Second; i++)
        {
            _swept = (_swept + 1) % Clients.Length;
            if (Clients[_swept].Phase == ClientPhase.Active) _ = CountRetransmits(ref Clients[_swept]);
        }
    }

    /// <summary>Adds the segments sent again since the last look; returns the round-trip time in µs, which the kernel tells in the same answer.</summary>
    private int CountRetransmits(ref TrafficClient client)
    {
        (int total, int roundTrip) = Linux.TcpState(client.Fd);
        Bucket.Retransmits += Math.Max(0, total - client.Retransmits);
        client.Retransmits = Math.Max(client.Retransmits, total);
        return roundTrip;
    }

    private void CrossBoundary(long now)
    {
        while (now >= _nextBoundary && _nextBoundary < _end)
        {
            int index = Publish();
            Bucket = _run.TakeBucket(index + 1);
            _nextBoundary += Second;
        }

        if (_nextBoundary >= _end) _nextBoundary = long.MaxValue;
    }

    private int Publish()
    {
        (Bucket.Active, Bucket.Connecting) = (_active, _connecting);
        int index = Bucket.Index;
        _run.Publish(Bucket);
        return index;
    }

    private bool Expecting()
    {
        foreach (ref TrafficClient client in Clients.AsSpan())
        {
            if (client.Phase == ClientPhase.Active && Expects(ref client)) return true;
        }

        return false;
    }

    /// <summary>The round whose slots are being visited.</summary>
    protected long Round { get; private set; }

    /// <summary>The planned time of the packet that a client sends in a round.</summary>
    protected long PlannedTime(ref TrafficClient client, long round) => Due(round, (client.Number - _first) / _step);

    protected string Describe(int error)
    {
        if (!_errors.TryGetValue(error, out string? text)) _errors[error] = text = Linux.Describe(error);
        return text;
    }

    /// <summary>How long the server's name at the beginning of a packet is: up to the first zero byte, at most 64.</summary>
    protected static int NameLength(ReadOnlySpan<byte> head)
    {
        int end = head[..Math.Min(head.Length, TrafficPlan.LeastPacketSize)].IndexOf((byte)0);
        return end < 0 ? Math.Min(head.Length, TrafficPlan.LeastPacketSize) : end;
    }

    protected static long Now() => Stopwatch.GetTimestamp();

    protected static long Nanoseconds(TimeSpan span) => span.Ticks * 100;

    private TimeSpan Offset(long timestamp) => TimeSpan.FromTicks(Math.Max(0, timestamp - _start) / 100);

    public void Dispose()
    {
        foreach (ref TrafficClient client in Clients.AsSpan()) Close(ref client);
        _epoll.Dispose();
        NativeMemory.Free(_memory);
    }
}
