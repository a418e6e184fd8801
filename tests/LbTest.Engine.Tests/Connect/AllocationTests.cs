using LbTest.Engine.Connect;
using LbTest.Engine.Serve;

namespace LbTest.Engine.Tests.Connect;

/// <summary>Alone, since the counter of allocated bytes is that of the whole process.</summary>
[CollectionDefinition(nameof(AllocationTests), DisableParallelization = true)]
[Collection(nameof(AllocationTests))]
public sealed class AllocationTests
{
    [SkippableFact]
    public async Task A_run_takes_the_same_memory_however_many_connections_it_makes()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "Only the native path promises it.");
        using Server server = Loopback.Serve("endpoint");
        // Many sources, so that ports in TIME_WAIT don't run out.
        var plan = new ConnectPlan { Target = server.Addresses[0], Count = 1000, Source = "127.30.0.0/16", Endpoints = Loopback.Named("endpoint") };
        _ = await Loopback.RunAsync(plan);

        long before = GC.GetTotalAllocatedBytes(precise: true);
        ConnectResult result = await Loopback.RunAsync(plan with { Count = 200_000 });
        long allocated = GC.GetTotalAllocatedBytes(precise: true) - before;

        Assert.Equal(200_000, result.Count("endpoint"));
        Assert.True(allocated < 2 * 200_000, $"{allocated:N0} bytes were allocated, by the server's workers as well as the client's.");
    }
}
