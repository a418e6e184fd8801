using System.Collections.Immutable;
using LbTest.Engine.Connect;
using LbTest.Engine.Disturbances;
using LbTest.Engine.Traffic;

namespace LbTest.Engine.Tests.Disturbances;

/// <summary>Traffic results made by hand: connections and events, told in the order of time.</summary>
internal sealed class Story
{
    private readonly List<TrafficConnection> _connections = [];
    private readonly List<DisturbanceEvent> _events = [];
    private readonly Dictionary<int, int> _current = [];
    private readonly double _duration;
    private readonly string[] _endpoints;

    /// <summary>A test with as many clients as there are places; each place is the endpoint that its client is connected to from the start on.</summary>
    internal Story(double duration, string[] endpoints, IEnumerable<string> places)
    {
        (_duration, _endpoints) = (duration, endpoints);
        int client = 0;
        foreach (string place in places) Connect(client++, place, 0, 0.001);
    }

    /// <summary>Who is connected to an endpoint, in the order of clients.</summary>
    internal int[] On(string endpoint) => [.. _current.Where(c => _connections[c.Value].Endpoint == endpoint && _connections[c.Value].Failure is null).Select(c => c.Key).Order()];

    internal Story Connect(int client, string endpoint, double started, double connected)
    {
        _current[client] = _connections.Count;
        _connections.Add(new TrafficConnection
        {
            Client = client, Reconnects = _connections.Count(c => c.Client == client), Endpoint = endpoint, Remote = "10.0.0.0:5003",
            Started = Seconds(started), Connected = Seconds(connected), Ended = Seconds(_duration),
        });
        return this;
    }

    internal Story Lose(int client, double at)
    {
        int i = _current[client];
        _connections[i] = _connections[i] with { Ended = Seconds(at), Failure = FailureClass.Reset, Error = "Connection reset by peer" };
        return this;
    }

    internal Story Move(int client, double lost, double back, string endpoint) => Lose(client, lost).Connect(client, endpoint, lost, back);

    internal Story Happens(DisturbanceEvent happening)
    {
        _events.Add(happening);
        return this;
    }

    internal Story Happens(
        double at, DisturbanceKind kind, string[]? removed = null, string[]? added = null, string[]? broken = null, int? before = null, int? after = null, int index = 0, bool undo = false) => Happens(new DisturbanceEvent
        {
            Kind = kind, Description = $"{kind} at {at}", Index = index, Undo = undo, Planned = Seconds(at), Applied = Seconds(at),
            Removed = [.. removed ?? []], Added = [.. added ?? []], Broken = [.. broken ?? []], EcmpTargetsBefore = before, EcmpTargetsAfter = after,
        });

    /// <summary>The result; its samples are of whole seconds, in which each client sends and gets a packet a second.</summary>
    internal TrafficResult Result(Func<int, TrafficSample, TrafficSample>? sample = null)
    {
        int clients = _current.Count;
        ImmutableArray<TrafficSample> samples = [.. Enumerable.Range(0, (int)_duration).Select(i =>
        {
            var second = new TrafficSample { Time = Seconds(i + 1), Active = clients, Sent = clients, Received = clients };
            return sample?.Invoke(i, second) ?? second;
        })];
        return new TrafficResult
        {
            Label = "story", Completed = true, Duration = Seconds(_duration), PlannedDuration = Seconds(_duration), Clients = clients, PacketSize = 1024, PacketsPerSecond = clients, Reconnect = true,
            Sent = samples.Sum(s => s.Sent), Received = samples.Sum(s => s.Received), Dropped = samples.Sum(s => s.Dropped), Lost = samples.Sum(s => s.Sent - s.Received),
            LostConnections = _connections.Count(c => c.WasLost), FailedConnects = samples.Sum(s => (long)s.FailedConnects), LongestSilence = Seconds(0.02),
            Samples = samples, Connections = [.. _connections], Disturbances = [.. _events], Endpoints = [.. _endpoints.Select(name => new ExpectedEndpoint(name))],
        };
    }

    /// <summary>Rounded, since TimeSpan.FromSeconds cuts off: 5.02 s less 5 s are 0.02 s.</summary>
    internal static TimeSpan Seconds(double seconds) => TimeSpan.FromTicks((long)Math.Round(seconds * TimeSpan.TicksPerSecond));
}
