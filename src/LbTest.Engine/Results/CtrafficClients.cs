using LbTest.Engine.Traffic;

namespace LbTest.Engine.Results;

/// <summary>Which client each of ctraffic's connection records belonged to.</summary>
/// <remarks>
/// The records have no client number, but stand in the order in which connections were started, and a client starts a connection at once
/// when it has lost one. So the first records are those of the clients 0, 1, …, and each later one follows the latest loss before it
/// that nothing has followed yet.
/// </remarks>
internal static class CtrafficClients
{
    internal static ImmutableArray<TrafficConnection> Assign(ImmutableArray<TrafficConnection> connections, int clients)
    {
        // Array.Sort is not stable and OrderBy is: records of one tick stay in their order.
        var losses = new Queue<int>(Enumerable.Range(0, connections.Length).Where(i => connections[i].WasLost).OrderBy(i => connections[i].Ended));
        var open = new Stack<int>();
        var assigned = new TrafficConnection[connections.Length];
        int next = Math.Min(clients, connections.Length);
        for (int i = 0; i < next; i++) assigned[i] = connections[i] with { Client = i };
        foreach (int i in Enumerable.Range(next, connections.Length - next).OrderBy(i => connections[i].Started))
        {
            while (losses.TryPeek(out int loss) && connections[loss].Ended <= connections[i].Started) open.Push(losses.Dequeue());
            // A record that follows none, which ctraffic does not write, is a client of its own.
            assigned[i] = open.TryPop(out int before) && assigned[before] is { } previous
                ? connections[i] with { Client = previous.Client, Reconnects = previous.Reconnects + 1 }
                : connections[i] with { Client = next++ };
        }

        return [.. assigned];
    }
}
