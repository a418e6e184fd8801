using System.Diagnostics;
using System.Net.Sockets;
using LbTest.Engine.Sockets;

namespace LbTest.Engine.Connect;

/// <summary>A connect test on .NET's own sockets, for systems without epoll. Same plan, same counts, slower.</summary>
internal sealed class PortableConnect(ConnectRun run, Tally tally)
{
    private readonly ConnectPlan _plan = run.Plan;
    private readonly List<Socket> _held = [];
    private readonly Lock _gate = new();

    private bool Tcp => _plan.Protocol == TransportProtocol.Tcp;

    /// <summary>Runs to the end; returns how many connections were on their way when the run was stopped.</summary>
    internal async Task<long> WorkAsync(CancellationToken cancel)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(_plan.EffectiveTimeout);
        long abandoned = 0;
        int lanes = (int)Math.Min(_plan.Concurrency, _plan.Count);
        await Task.WhenAll(Enumerable.Range(0, lanes).Select(_ => Task.Run(Lane, CancellationToken.None))).ConfigureAwait(false);
        foreach (Socket socket in _held) socket.Dispose();
        return abandoned;

        async Task Lane()
        {
            while (!run.Stopped && run.NextIndex() is long index and >= 0)
            {
                if (!await ConnectOne(index, limit.Token).ConfigureAwait(false)) _ = Interlocked.Increment(ref abandoned);
            }
        }
    }

    /// <summary>Makes one connection; false when the run was stopped while it was on its way.</summary>
    private async Task<bool> ConnectOne(long index, CancellationToken stop)
    {
        using var due = CancellationTokenSource.CreateLinkedTokenSource(stop);
        due.CancelAfter(_plan.ConnectTimeout);
        Socket? socket = null;
        bool connected = false, keep = false;
        try
        {
            socket = new Socket(_plan.Target.AddressFamily, Tcp ? SocketType.Stream : SocketType.Dgram, Tcp ? ProtocolType.Tcp : ProtocolType.Udp);
            long source = Bind(socket, index);
            long started = Stopwatch.GetTimestamp();
            await socket.ConnectAsync(_plan.Target, due.Token).ConfigureAwait(false);
            connected = Tcp;
            if (Tcp) Record(started);
            else await socket.SendAsync("Hello"u8.ToArray(), due.Token).ConfigureAwait(false);
            keep = await ReadName(socket, source, started, due.Token).ConfigureAwait(false) && _plan.KeepOpen;
            if (keep) Locked(() => _held.Add(socket));
        }
        catch (OperationCanceledException)
        {
            if (stop.IsCancellationRequested) return false;
            Locked(() => tally.Fail(connected ? FailureClass.ReadFailed : FailureClass.TimedOut, connected ? "connected, but no whole name came in time" : "no answer in time"));
        }
        catch (SocketException exception)
        {
            Locked(() => tally.Fail(Classify(exception.SocketErrorCode, connected), exception.Message));
        }
        finally
        {
            if (!keep) socket?.Dispose();
        }

        return true;
    }

    private long Bind(Socket socket, long index)
    {
        if (run.Sources is null && _plan.SourcePort == 0) return 0;
        long source = run.Sources?.OffsetFor(index, sequential: _plan.SourcePort != 0) ?? 0;
        IPAddress any = _plan.Target.AddressFamily == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any;
        if (_plan.SourcePort != 0) socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
        socket.Bind(new IPEndPoint(run.Sources?.At(source) ?? any, _plan.SourcePort));
        return source;
    }

    private async Task<bool> ReadName(Socket socket, long source, long started, CancellationToken due)
    {
        byte[] buffer = new byte[4096];
        int read = await socket.ReceiveAsync(buffer, due).ConfigureAwait(false);
        if (!Tcp)
        {
            Record(started);
            Locked(() => tally.Succeed(tally.Names.FindOrAdd(buffer.AsSpan(0, read)), source));
            return true;
        }

        int name = read == 0 ? -1 : Locked(() => tally.Names.Find(buffer.AsSpan(0, read)));
        if (read > 0 && name < 0) name = await AskAgain(socket, buffer, read, due).ConfigureAwait(false);
        Locked(() =>
        {
            if (name >= 0) tally.Succeed(name, source);
            else tally.Fail(FailureClass.ReadFailed, read == 0 ? "the server closed the connection without a name" : "the server did not repeat its name when asked: half a name, or not a server of this protocol");
        });
        return name >= 0;
    }

    // As in the native path: what comes until the end of the stream, after one more request, is the name twice.
    private async Task<int> AskAgain(Socket socket, byte[] buffer, int read, CancellationToken due)
    {
        List<byte> all = [.. buffer.AsSpan(0, read)];
        int unasked = read;
        try
        {
            _ = await socket.SendAsync("\n"u8.ToArray(), due).ConfigureAwait(false);
            socket.Shutdown(SocketShutdown.Send);
        }
        catch (SocketException)
        {
            // Closed already: the read below tells how.
        }

        while ((read = await socket.ReceiveAsync(buffer, due).ConfigureAwait(false)) > 0) all.AddRange(buffer.AsSpan(0, read));
        return Locked(() => tally.Names.Confirm(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(all), unasked));
    }

    private void Record(long started) => Locked(() => tally.Latency.Record((long)Stopwatch.GetElapsedTime(started).TotalNanoseconds));

    private static FailureClass Classify(SocketError error, bool connected) => error switch
    {
        SocketError.ConnectionRefused => FailureClass.Refused,
        SocketError.ConnectionReset => connected ? FailureClass.Reset : FailureClass.Refused,
        SocketError.TimedOut => FailureClass.TimedOut,
        SocketError.TooManyOpenSockets or SocketError.NoBufferSpaceAvailable or SocketError.AddressNotAvailable or SocketError.AddressAlreadyInUse
            => FailureClass.ClientExhausted,
        _ => connected ? FailureClass.ReadFailed : FailureClass.Unreachable,
    };

    private void Locked(Action action)
    {
        lock (_gate) action();
    }

    private T Locked<T>(Func<T> action)
    {
        lock (_gate) return action();
    }
}
