using System.Net;
using LbTest.Engine.Connect;

namespace LbTest.Clusters.Tests;

/// <summary>Tests that run at the same time, some of which fail.</summary>
public sealed class PartialResultTests
{
    private static readonly ConnectPlan Plan = new() { Target = new IPEndPoint(IPAddress.Loopback, 5001), Count = 10, Label = "node-1", Endpoints = [new ExpectedEndpoint("a", 1, "node-1")] };

    [Fact]
    public async Task One_that_fails_has_made_no_connection_and_the_others_keep_theirs()
    {
        ConnectResult done = PartialResult.Of(Plan, new ConnectProgress(10, 0, 10, TimeSpan.FromSeconds(1), [new EndpointResult { Name = "a", Connections = 10 }]), "");

        ConnectResult[] results = await PartialResult.TogetherAsync([(Plan, Task.FromResult(done)), (Plan, Task.FromException<ConnectResult>(new IOException("the line is cut"))), (Plan, Task.FromCanceled<ConnectResult>(new CancellationToken(true)))]);

        Assert.Same(done, results[0]);
        Assert.All(results[1..], one => Assert.Equal((false, 0L, 10L, "a"), (one.Completed, one.Connections, one.Unfinished, one.Endpoints.Single().Name)));
        Assert.Equal(["the line is cut", "the test was stopped"], results[1..].Select(one => one.Reason));
    }

    [Fact]
    public async Task Where_all_fail_there_is_nothing_to_keep()
    {
        IOException fault = await Assert.ThrowsAsync<IOException>(() => PartialResult.TogetherAsync([(Plan, Task.FromException<ConnectResult>(new IOException("first"))), (Plan, Task.FromException<ConnectResult>(new IOException("second")))]));
        Assert.Equal("first", fault.Message);
    }
}
