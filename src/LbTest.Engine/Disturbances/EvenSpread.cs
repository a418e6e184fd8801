namespace LbTest.Engine.Disturbances;

/// <summary>How many connections to expect on each endpoint when every new one goes to any endpoint in the rules with the same probability.</summary>
/// <typeparam name="T">What tells endpoints apart.</typeparam>
internal sealed class EvenSpread<T> where T : notnull
{
    private readonly Dictionary<T, double> _connections = [];
    private readonly HashSet<T> _open = [];
    private double _waiting;

    /// <summary>Connections spread over the endpoints in the rules.</summary>
    internal EvenSpread(IEnumerable<T> endpoints, double connections)
    {
        _open.UnionWith(endpoints);
        Reconnect(connections);
    }

    /// <summary>An endpoint comes into the rules. It gets what waits, and its share of what is made from now on.</summary>
    internal void Add(T endpoint)
    {
        _open.Add(endpoint);
        double waiting = _waiting;
        _waiting = 0;
        Reconnect(waiting);
    }

    /// <summary>An endpoint leaves the rules. It keeps its connections.</summary>
    internal void Remove(T endpoint) => _open.Remove(endpoint);

    /// <summary>Endpoints break their connections; returns how many those are. <see cref="Reconnect"/> makes them anew.</summary>
    internal double Break(IEnumerable<T> endpoints)
    {
        double lost = 0;
        foreach (T endpoint in endpoints)
        {
            // While the rules still name it, those sent there are refused and try again.
            _open.Remove(endpoint);
            if (_connections.Remove(endpoint, out double connections)) lost += connections;
        }

        return lost;
    }

    /// <summary>Connections are made, spread over those in the rules; while there is none, they wait.</summary>
    internal void Reconnect(double connections)
    {
        if (_open.Count == 0) _waiting += connections;
        foreach (T endpoint in _open) _connections[endpoint] = _connections.GetValueOrDefault(endpoint) + (connections / _open.Count);
    }
}
