using LbTest.Engine.Serve;

namespace LbTest.Clusters.Lab;

/// <summary>What answers in a lab: every endpoint for connect tests from the start, for traffic tests from the first of them on.</summary>
/// <remarks>An endpoint listens on its IPv4 address and on its twin.</remarks>
internal sealed class LabServers(LabTopology topology) : IDisposable
{
    private sealed record Group(Server Server, ILookup<string, int> Places);

    private readonly Lock _lock = new();
    private readonly Dictionary<string, EndpointBehavior> _wanted = [];
    private readonly HashSet<string> _refusing = [];
    private Group? _connect, _traffic, _extra;

    /// <summary>Serves connect tests.</summary>
    internal void Start() => _connect = Serve(topology.Endpoints, ServedService.Connect);

    /// <summary>Serves traffic tests too; more than once is once.</summary>
    internal void StartTraffic()
    {
        lock (_lock) _traffic ??= Serve(topology.Endpoints, ServedService.Traffic);
    }

    /// <summary>Serves endpoints that the topology does not know.</summary>
    internal void StartExtra(ImmutableArray<LabEndpoint> endpoints)
    {
        lock (_lock) _extra = Serve(endpoints, ServedService.Connect, ServedService.Traffic);
    }

    /// <summary>Ends serving those.</summary>
    internal void StopExtra()
    {
        lock (_lock)
        {
            _extra?.Server.Dispose();
            _extra = null;
        }
    }

    /// <summary>Changes how an endpoint treats new connections, from now on or from when it listens again.</summary>
    internal void Behave(string endpoint, EndpointBehavior behavior)
    {
        lock (_lock)
        {
            _wanted[endpoint] = behavior;
            if (!_refusing.Contains(endpoint)) Set(endpoint, behavior);
        }
    }

    /// <summary>The endpoint does not listen any more, and ends the connections that it has.</summary>
    internal void Refuse(string endpoint, ConnectionEnd end)
    {
        lock (_lock)
        {
            _ = _refusing.Add(endpoint);
            Set(endpoint, EndpointBehavior.Refuse);
            foreach ((Server server, int place) in Places(endpoint)) server.Disconnect(place, reset: end == ConnectionEnd.Reset);
        }
    }

    /// <summary>The endpoint listens again.</summary>
    internal void Serve(string endpoint)
    {
        lock (_lock)
        {
            if (_refusing.Remove(endpoint)) Set(endpoint, _wanted.GetValueOrDefault(endpoint));
        }
    }

    private Group? Serve(ImmutableArray<LabEndpoint> endpoints, params ServedService[] services)
    {
        if (endpoints.IsEmpty) return null;
        ImmutableArray<ServedEndpoint> served =
        [
            .. from endpoint in endpoints
               from address in endpoint.Addresses
               from service in services
               let port = service == ServedService.Traffic ? topology.Spec.TrafficPort : topology.Spec.Port
               select new ServedEndpoint(endpoint.Name, new IPEndPoint(address, port), LabNetwork.Namespace(endpoint.Name))
               {
                   Service = service, Behavior = _wanted.GetValueOrDefault(endpoint.Name),
               },
        ];
        return new Group(Server.Start(served, Environment.ProcessorCount), served.Select((s, i) => (s.Name, i)).ToLookup(s => s.Name, s => s.i));
    }

    private void Set(string endpoint, EndpointBehavior behavior)
    {
        foreach ((Server server, int place) in Places(endpoint)) server.SetBehavior(place, behavior);
    }

    private IEnumerable<(Server Server, int Place)> Places(string endpoint) =>
        new[] { _connect, _traffic, _extra }.OfType<Group>().SelectMany(group => group.Places[endpoint].Select(place => (group.Server, place)));

    public void Dispose()
    {
        StopExtra();
        _traffic?.Server.Dispose();
        _connect?.Server.Dispose();
    }
}
