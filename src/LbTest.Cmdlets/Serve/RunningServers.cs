using System.Collections.Concurrent;

namespace LbTest.Cmdlets.Serve;

/// <summary>The servers of this process, and which session started each.</summary>
internal static class RunningServers
{
    private static readonly ConcurrentDictionary<LocalServer, Guid> Known = new();

    internal static void Keep(LocalServer server) => Known[server] = ModuleSession.Current;

    internal static IEnumerable<LocalServer> All => Known.Keys.OrderBy(server => server.Name, StringComparer.Ordinal);

    internal static void Stop(LocalServer server)
    {
        server.Stop();
        _ = Known.TryRemove(server, out _);
    }

    internal static void StopAll(Guid owner)
    {
        foreach ((LocalServer server, _) in Known.Where(pair => pair.Value == owner)) Stop(server);
    }
}
