using System.Collections.Immutable;
using System.Net;
using LbTest.Engine.Connect;
using LbTest.Engine.Serve;

namespace LbTest.Engine.Tests.Connect;

/// <summary>Connect tests over loopback; every run is checked for what must hold for all of them.</summary>
internal static class Loopback
{
    /// <summary>Where nothing listens: no test and no daemon uses port 1 (tcpmux).</summary>
    internal static readonly IPEndPoint Closed = new(IPAddress.Loopback, 1);

    /// <summary>Against hangs only; no test waits this long when all is well.</summary>
    internal static readonly TimeSpan Guard = TimeSpan.FromSeconds(60);

    internal static IPEndPoint At(string address, int port = 0) => new(IPAddress.Parse(address), port);

    internal static Server Serve(string name, EndpointBehavior behavior = EndpointBehavior.Serve, string address = "127.0.0.1", bool portable = false) =>
        Server.Start([new ServedEndpoint(name, At(address)) { Behavior = behavior }], portable: portable);

    internal static ImmutableArray<ExpectedEndpoint> Named(params string[] names) => [.. names.Select(name => new ExpectedEndpoint(name))];

    internal static async Task<ConnectResult> RunAsync(ConnectPlan plan, bool portable = false, CancellationToken cancel = default)
    {
        ConnectResult result = await ConnectRun.RunAsync(plan, portable: portable, cancel: cancel).WaitAsync(Guard, CancellationToken.None);

        Assert.Equal(plan.Count, result.Requested);
        Assert.Equal(result.Requested, result.Connections + result.Failed + result.Unfinished);
        Assert.Equal(result.Connections, result.Endpoints.Sum(endpoint => endpoint.Connections));
        Assert.Equal(result.Failed, result.Failures.Sum(failure => failure.Count));
        Assert.Equal(result.Unfinished == 0, result.Completed);
        Assert.Equal(result.Completed, result.Reason is null);
        return result;
    }

    internal static void AssertAllFailedAs(FailureClass expected, ConnectResult result)
    {
        FailureCount failure = Assert.Single(result.Failures);
        Assert.Equal((expected, result.Requested), (failure.Class, failure.Count));
        Assert.NotEmpty(failure.Example);
    }

    internal static long Count(this ConnectResult result, string name) => result.Endpoints.Single(endpoint => endpoint.Name == name).Connections;
}
