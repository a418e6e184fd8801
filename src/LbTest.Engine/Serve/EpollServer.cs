using LbTest.Engine.Sockets;

namespace LbTest.Engine.Serve;

/// <summary>The Linux server: all listeners in one epoll instance per worker, connections known by descriptor and endpoint alone.</summary>
internal sealed class EpollServer : Server
{
    private readonly Listeners _listeners;
    private readonly EpollServerWorker[] _workers;
    private readonly Thread[] _threads;

    internal EpollServer(IReadOnlyList<ServedEndpoint> endpoints, int threads)
    {
        _listeners = Listeners.Open(endpoints);
        _workers = [.. Enumerable.Range(0, threads).Select(_ => new EpollServerWorker(_listeners))];
        _threads = [.. _workers.Select(worker => new Thread(worker.Work) { IsBackground = true, Name = "lbtest serve" })];
        for (int i = 0; i < endpoints.Count; i++) SetBehavior(i, endpoints[i].Behavior);
        foreach (Thread thread in _threads) thread.Start();
    }

    public override ImmutableArray<IPEndPoint> Addresses => [.. _listeners.Endpoints.Select(endpoint => endpoint.Address)];

    public override ImmutableArray<long> Accepted =>
        [.. Enumerable.Range(0, _listeners.Endpoints.Length).Select(i => _workers.Sum(worker => Volatile.Read(ref worker.Accepted[i])))];

    public override void SetBehavior(int index, EndpointBehavior behavior)
    {
        _listeners.SetBehavior(index, behavior);
        foreach (EpollServerWorker worker in _workers) worker.Watch(index, behavior != EndpointBehavior.Refuse);
    }

    protected override void Dispose(bool disposing)
    {
        foreach (EpollServerWorker worker in _workers) worker.Stop();
        foreach (Thread thread in _threads) thread.Join();
        foreach (EpollServerWorker worker in _workers) worker.Dispose();
        _listeners.Dispose();
    }
}
