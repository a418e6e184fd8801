using System.Diagnostics;
using LbTest.Engine.Sockets;

namespace LbTest.Engine.Connect;

/// <summary>The Linux fast path of a connect test: one thread, one epoll instance, raw system calls, no allocation per connection.</summary>
/// <remarks>
/// A connection costs socket, connect, epoll_ctl, recv and close, and a share of epoll_wait. Edge-triggered interest in both
/// directions is registered once: the first event says that the connection is made (or failed), a later one that the name is there.
/// Connections wait in the order in which they started, and all may take equally long, so only the oldest needs a look for time-outs.
/// </remarks>
internal sealed unsafe class ConnectWorker : IDisposable
{
    private const int BufferSize = 4096, MaxName = 64 * 1024, None = -1;

    private enum Phase : byte { Free, Connecting, Reading, Confirming, Held }

    private struct Slot
    {
        internal int Fd, Older, Newer, Generation;
        internal Phase Phase;
        internal long Started, Source;
    }

    private readonly ConnectPlan _plan;
    private readonly ConnectRun _run;
    private readonly Tally _tally;
    private readonly SourceRange? _range;
    private readonly Epoll _epoll = new(256);
    private readonly Dictionary<int, (List<byte> Received, int Unasked)> _unconfirmed = [];
    private readonly long _connectTimeout;
    private readonly int _concurrency, _targetLength, _sourceLength, _socketType, _family;
    private Slot[] _slots;
    private int _used, _free = None, _oldest = None, _newest = None, _inFlight;
    private long _waiting = None;
    private bool _allStarted;

    private readonly byte* _memory = (byte*)System.Runtime.InteropServices.NativeMemory.AllocZeroed(BufferSize + (2 * NativeAddress.MaxLength));

    internal ConnectWorker(ConnectRun run, Tally tally, int concurrency)
    {
        (_run, _tally, _plan, _concurrency) = (run, tally, run.Plan, concurrency);
        _range = run.Sources;
        _slots = new Slot[concurrency];
        _connectTimeout = (long)(_plan.ConnectTimeout.TotalSeconds * Stopwatch.Frequency);
        _family = NativeAddress.Family(_plan.Target.Address);
        _socketType = (Tcp ? Linux.SockStream : Linux.SockDgram) | Linux.SockNonblock | Linux.SockCloexec;
        _targetLength = NativeAddress.Write(Target, _plan.Target.Address, _plan.Target.Port);
        IPAddress any = _plan.Target.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any;
        _sourceLength = NativeAddress.Write(Source, _range?.At(0) ?? any, _plan.SourcePort);
    }

    private bool Tcp => _plan.Protocol == TransportProtocol.Tcp;

    private byte* Buffer => _memory;

    private byte* Target => _memory + BufferSize;

    private byte* Source => Target + NativeAddress.MaxLength;

    /// <summary>Connections that were on their way when the run was stopped.</summary>
    internal long Abandoned { get; private set; }

    /// <summary>Works until every connection has been made or the run is stopped.</summary>
    internal void Work()
    {
        while (!_run.Stopped && (!_allStarted || _inFlight > 0))
        {
            while (!_allStarted && _inFlight < _concurrency && !_run.Stopped && TryStart()) { }
            if (_inFlight == 0) continue;
            int count = _epoll.Wait(WaitMilliseconds());
            for (int i = 0; i < count; i++)
            {
                ulong key = _epoll.DataAt(i);
                if (Key(Epoll.IndexOf(key)) == key) Handle(Epoll.IndexOf(key), _epoll.EventsAt(i));
            }

            ExpireOldest();
        }

        Abandoned = _inFlight + (_waiting == None ? 0 : 1);
    }

    /// <summary>Starts the next connection; false when there is none left, or when one of those on their way has to end first.</summary>
    private bool TryStart()
    {
        long index = _waiting != None ? _waiting : _run.NextIndex();
        _waiting = None;
        _allStarted = index == None;
        if (_allStarted) return false;
        int fd = Linux.Socket(_family, _socketType, 0);
        if (fd < 0)
        {
            int error = Linux.LastError;
            // Out of descriptors or memory: go on with fewer at a time as long as one of ours will end.
            if (_inFlight > 0) _waiting = index;
            else _tally.Fail(FailureClass.ClientExhausted, Linux.Describe(error));
            return _waiting == None;
        }

        long source = 0;
        int bindError = Bind(fd, index, ref source);
        if (bindError != 0)
        {
            Refuse(fd, bindError == Linux.EACCES ? FailureClass.Unreachable : FailureClass.ClientExhausted, bindError);
            return true;
        }

        long started = Stopwatch.GetTimestamp();
        int connectError = Linux.Connect(fd, Target, _targetLength) == 0 ? 0 : Linux.LastError;
        if (connectError == 0 && !Tcp) connectError = SendDatagram(fd);
        if (connectError is not (0 or Linux.EINPROGRESS))
        {
            Refuse(fd, FailureClasses.OfConnect(connectError), connectError);
            return true;
        }

        int slot = Take(fd, started, source);
        int watchError = _epoll.Add(fd, Linux.EpollIn | (Tcp ? Linux.EpollOut : 0) | Linux.EpollEt, Key(slot));
        if (watchError != 0) Fail(slot, FailureClass.ClientExhausted, Linux.Describe(watchError));
        return true;
    }

    private int Bind(int fd, long index, ref long source)
    {
        if (_range is null && _plan.SourcePort == 0) return 0;
        if (_range is not null)
        {
            source = _range.OffsetFor(index, sequential: _plan.SourcePort != 0);
            _range.WriteAt(source, Source);
        }

        // The port is chosen at connect, when the whole 4-tuple is known: ports are shared between targets and sources (ip(7)).
        if (_plan.SourcePort == 0) _ = Linux.SetInt(fd, Linux.IpprotoIp, Linux.IpBindAddressNoPort, 1);
        else _ = Linux.SetInt(fd, Linux.SolSocket, Linux.SoReuseAddr, 1);
        return Linux.Bind(fd, Source, _sourceLength) == 0 ? 0 : Linux.LastError;
    }

    private int SendDatagram(int fd)
    {
        "Hello"u8.CopyTo(new Span<byte>(Buffer, 5));
        return Linux.Send(fd, Buffer, 5, Linux.MsgNoSignal) == 5 ? 0 : Linux.LastError;
    }

    private void Handle(int slot, uint events)
    {
        ref Slot s = ref _slots[slot];
        if (s.Phase is Phase.Free or Phase.Held) return;
        if (s.Phase == Phase.Connecting)
        {
            int error = (events & Linux.EpollErr) != 0 ? Linux.SocketError(s.Fd) : 0;
            if (error != 0)
            {
                Fail(slot, FailureClasses.OfConnect(error), Linux.Describe(error));
                return;
            }

            Connected(ref s);
        }

        if ((events & (Linux.EpollIn | Linux.EpollErr | Linux.EpollHup)) != 0) Read(slot);
    }

    private ulong Key(int slot) => Epoll.Key(slot, _slots[slot].Generation);

    private void Connected(ref Slot s)
    {
        s.Phase = Phase.Reading;
        if (!Tcp) return;
        long elapsed = Stopwatch.GetTimestamp() - s.Started;
        RecordLatency(elapsed);
        // The first retransmission comes after 1 s (RFC 6298), less only where a route says so: no need to ask about quick connects.
        if (elapsed > Stopwatch.Frequency / 10) _tally.SynRetransmits += Linux.TotalRetransmits(s.Fd);
    }

    private void RecordLatency(long elapsed) => _tally.Latency.Record((long)(elapsed * (1e9 / Stopwatch.Frequency)));

    private void Read(int slot)
    {
        ref Slot s = ref _slots[slot];
        while (true)
        {
            nint read = Linux.Receive(s.Fd, Buffer, BufferSize, 0);
            if (read < 0)
            {
                int error = Linux.LastError;
                if (error is Linux.EAGAIN or Linux.EINTR) return;
                Fail(slot, Tcp ? FailureClasses.OfRead(error) : FailureClasses.OfConnect(error), Linux.Describe(error));
                return;
            }

            var bytes = new ReadOnlySpan<byte>(Buffer, (int)read);
            if (!Tcp)
            {
                RecordLatency(Stopwatch.GetTimestamp() - s.Started);
                Succeed(slot, _tally.Names.FindOrAdd(bytes));
                return;
            }

            if (s.Phase == Phase.Reading && read > 0)
            {
                int name = _tally.Names.Find(bytes);
                if (name >= 0)
                {
                    Succeed(slot, name);
                    return;
                }

                AskAgain(ref s, slot, bytes);
            }
            else if (read > 0)
            {
                List<byte> received = _unconfirmed[slot].Received;
                received.AddRange(bytes);
                if (received.Count <= MaxName) continue;
                Fail(slot, FailureClass.ReadFailed, $"the server sent more than {MaxName} bytes and no end: not a server of this protocol");
                return;
            }
            else
            {
                EndOfStream(slot);
                return;
            }
        }
    }

    /// <summary>Asks for the name once more and closes our side: what comes until the end of the stream then is the name, twice.</summary>
    private void AskAgain(ref Slot s, int slot, ReadOnlySpan<byte> bytes)
    {
        s.Phase = Phase.Confirming;
        _unconfirmed[slot] = ([.. bytes], bytes.Length);
        Buffer[0] = (byte)'\n';
        // A server that closed already answers with a reset; the read that follows sees it.
        _ = Linux.Send(s.Fd, Buffer, 1, Linux.MsgNoSignal);
        _ = Linux.Shutdown(s.Fd, Linux.ShutWr);
    }

    private void EndOfStream(int slot)
    {
        if (_slots[slot].Phase == Phase.Reading)
        {
            Fail(slot, FailureClass.ReadFailed, "the server closed the connection without a name");
            return;
        }

        (List<byte> received, int unasked) = _unconfirmed[slot];
        int name = _tally.Names.Confirm(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(received), unasked);
        if (name >= 0) Succeed(slot, name);
        else Fail(slot, FailureClass.ReadFailed, "the server did not repeat its name when asked: half a name, or not a server of this protocol");
    }

    private void ExpireOldest()
    {
        if (_oldest == None) return;
        long due = Stopwatch.GetTimestamp() - _connectTimeout;
        while (_oldest != None && _slots[_oldest].Started <= due)
        {
            ref Slot s = ref _slots[_oldest];
            if (Tcp && s.Phase == Phase.Connecting) _tally.SynRetransmits += Linux.TotalRetransmits(s.Fd);
            string after = string.Create(CultureInfo.InvariantCulture, $"within {_plan.ConnectTimeout.TotalSeconds} s");
            if (s.Phase == Phase.Connecting) Fail(_oldest, FailureClass.TimedOut, $"no answer {after}");
            else Fail(_oldest, FailureClass.ReadFailed, $"{(s.Phase == Phase.Reading ? "connected, but no name came" : "only the beginning of a name came")} {after}");
        }
    }

    private int WaitMilliseconds()
    {
        // Often enough awake for Ctrl+C to feel immediate.
        const int most = 50;
        if (_oldest == None) return most;
        long left = _slots[_oldest].Started + _connectTimeout - Stopwatch.GetTimestamp();
        return (int)Math.Clamp(left * 1000 / Stopwatch.Frequency, 0, most);
    }

    private int Take(int fd, long started, long source)
    {
        int slot = _free;
        if (slot != None) _free = _slots[slot].Newer;
        else
        {
            // Only connections that are kept open ever need more slots than may be on their way at once.
            if (_used == _slots.Length) Array.Resize(ref _slots, _slots.Length * 2);
            slot = _used++;
        }

        _slots[slot] = new Slot { Fd = fd, Phase = Phase.Connecting, Started = started, Source = source, Older = _newest, Newer = None, Generation = _slots[slot].Generation + 1 };
        if (_newest != None) _slots[_newest].Newer = slot;
        else _oldest = slot;
        _newest = slot;
        _inFlight++;
        return slot;
    }

    private void Succeed(int slot, int name)
    {
        _tally.Succeed(name, _slots[slot].Source);
        Leave(slot, keep: _plan.KeepOpen);
    }

    private void Fail(int slot, FailureClass failure, string example)
    {
        _tally.Fail(failure, example);
        Leave(slot, keep: false);
    }

    private void Refuse(int fd, FailureClass failure, int error)
    {
        _tally.Fail(failure, Linux.Describe(error));
        _ = Linux.Close(fd);
    }

    private void Leave(int slot, bool keep)
    {
        ref Slot s = ref _slots[slot];
        if (s.Older != None) _slots[s.Older].Newer = s.Newer;
        else _oldest = s.Newer;
        if (s.Newer != None) _slots[s.Newer].Older = s.Older;
        else _newest = s.Older;
        if (s.Phase == Phase.Confirming) _ = _unconfirmed.Remove(slot);
        _inFlight--;
        if (keep)
        {
            s.Phase = Phase.Held;
            return;
        }

        _ = Linux.Close(s.Fd);
        s.Phase = Phase.Free;
        s.Newer = _free;
        _free = slot;
    }

    public void Dispose()
    {
        for (int i = 0; i < _used; i++)
        {
            if (_slots[i].Phase != Phase.Free) _ = Linux.Close(_slots[i].Fd);
        }

        _used = 0;
        _epoll.Dispose();
        System.Runtime.InteropServices.NativeMemory.Free(_memory);
    }
}
