using LbTest.Engine.Sockets;

namespace LbTest.Engine.Tests.Sockets;

public sealed class NetworkNamespaceTests
{
    [SkippableFact]
    public async Task A_namespace_that_does_not_exist_is_an_error_of_the_caller()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "Network namespaces exist only on Linux.");

        await Assert.ThrowsAnyAsync<IOException>(() => new NetworkNamespace("/run/netns/no-such-namespace").RunAsync(() => 1));
    }

    [SkippableFact]
    public async Task A_file_that_is_no_namespace_is_refused_by_the_kernel()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "Network namespaces exist only on Linux.");

        SocketFault fault = await Assert.ThrowsAsync<SocketFault>(() => new NetworkNamespace("/proc/self/status").RunAsync(() => 1));
        Assert.StartsWith("setns failed: ", fault.Message, StringComparison.Ordinal);
    }

    [SkippableFact]
    public void Work_is_inside_and_afterwards_no_thread_is()
    {
        using var place = new OwnNamespace();
        string outside = OwnNamespace.Current;

        Assert.Equal(place.Identity, place.Namespace.Run(() => OwnNamespace.Current));

        Assert.NotEqual(place.Identity, outside);
        Assert.Equal(outside, OwnNamespace.Current);
        Assert.DoesNotContain(place.Identity, OwnNamespace.OfAllThreads);
    }

    [SkippableFact]
    public void A_thread_goes_into_one_namespace_after_another()
    {
        using OwnNamespace one = new(), other = new();

        (string Inside, int Thread)[] calls = [.. Enumerable.Range(0, 200).Select(i => (i % 2 == 0 ? one : other).Namespace.Run(() => (OwnNamespace.Current, Environment.CurrentManagedThreadId)))];

        Assert.All(calls.Select((call, i) => (call.Inside, i)), call => Assert.Equal((call.i % 2 == 0 ? one : other).Identity, call.Inside));
        // Tests beside this one have work for the same threads.
        Assert.InRange(calls.Select(call => call.Thread).Distinct().Count(), 1, 100);
    }

    [SkippableFact]
    public void Work_inside_of_work_has_the_same_thread_and_comes_back()
    {
        using OwnNamespace outer = new(), inner = new();

        outer.Namespace.Run(() =>
        {
            int thread = Environment.CurrentManagedThreadId;
            Assert.Equal((inner.Identity, thread), inner.Namespace.Run(() => (OwnNamespace.Current, Environment.CurrentManagedThreadId)));
            Assert.Equal(outer.Identity, OwnNamespace.Current);

            Assert.Throws<TimeoutException>(() => inner.Namespace.Run<int>(() => throw new TimeoutException()));
            Assert.Equal(outer.Identity, OwnNamespace.Current);

            Assert.ThrowsAny<IOException>(() => new NetworkNamespace("/run/netns/no-such-namespace").Run(() => 1));
            Assert.Equal(outer.Identity, OwnNamespace.Current);
            return true;
        });
        Assert.DoesNotContain(outer.Identity, OwnNamespace.OfAllThreads);
    }

    [SkippableFact]
    public async Task Any_number_at_once_get_on_and_an_error_is_its_own_callers()
    {
        using var place = new OwnNamespace();
        const int count = 60;
        using var together = new CountdownEvent(count);

        Task<string>[] all = [.. Enumerable.Range(0, count).Select(i => place.Namespace.RunAsync(() =>
        {
            // Not before all of them are there.
            together.Signal();
            together.Wait();
            return i % 7 == 3 ? throw new TimeoutException($"{i}") : OwnNamespace.Current;
        }))];

        for (int i = 0; i < count; i++)
        {
            if (i % 7 == 3) Assert.Equal($"{i}", (await Assert.ThrowsAsync<TimeoutException>(() => all[i])).Message);
            else Assert.Equal(place.Identity, await all[i]);
        }

        Assert.DoesNotContain(place.Identity, OwnNamespace.OfAllThreads);
    }
}
