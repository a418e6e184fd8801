using LbTest.Engine.Sockets;

namespace LbTest.Engine.Serve;

/// <summary>The Linux server: all listeners in one epoll instance per worker; each connection belongs to the worker that accepted it.</summary>
internal sealed class EpollServer : Server
{
    private readonly Lock _gate = new();
    private readonly Listeners _listeners;
    private readonly EpollServerWorker[] _workers;
    private readonly Thread[] _threads;
    private bool _disposed;

    internal EpollServer(IReadOnlyList<ServedEndpoint> endpoints, int threads)
    {
        _listeners = Listeners.Open(endpoints);
        for (int i = 0; i < endpoints.Count; i++) _listeners.SetBehavior(i, endpoints[i].Behavior);
        _workers = [.. Enumerable.Range(0, threads).Select(_ => new EpollServerWorker(_listeners))];
        _threads = [.. _workers.Select(worker => new Thread(worker.Work) { IsBackground = true, Name = "lbtest serve" })];
        foreach (Thread thread in _threads) thread.Start();
    }

    public override ImmutableArray<IPEndPoint> Addresses => [.. _listeners.Endpoints.Select(endpoint => endpoint.Address)];

    public override ImmutableArray<long> Accepted =>
        [.. Enumerable.Range(0, _listeners.Endpoints.Length).Select(i => _workers.Sum(worker => Volatile.Read(ref worker.Accepted[i])))];

    public override void SetBehavior(int index, EndpointBehavior behavior)
    {
        RequireBehavior(_listeners.Endpoints[index], behavior);
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            _listeners.SetBehavior(index, behavior);
            WaitForAll(worker => worker.FollowAsync(index));
        }
    }

    public override void Disconnect(int index, bool reset)
    {
        lock (_gate)
        {
            if (!_disposed) WaitForAll(worker => worker.DisconnectAsync(index, reset));
        }
    }

    protected override void Dispose(bool disposing)
    {
        lock (_gate)
        {
            if (_disposed) return;
            _disposed = true;
            // Nobody new first: a client that comes back as its connection is closed would be let in only to be cut off again.
            for (int i = 0; i < _listeners.Endpoints.Length; i++) _listeners.SetBehavior(i, EndpointBehavior.Refuse);
            foreach (EpollServerWorker worker in _workers) worker.Stop();
            foreach (Thread thread in _threads) thread.Join();
            foreach (EpollServerWorker worker in _workers) worker.Dispose();
            _listeners.Dispose();
        }
    }

    // Blocks for microseconds: a worker is never long away from its queue.
    private void WaitForAll(Func<EpollServerWorker, Task> command) => Task.WhenAll([.. _workers.Select(command)]).GetAwaiter().GetResult();
}
