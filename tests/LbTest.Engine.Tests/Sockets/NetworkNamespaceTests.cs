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
}
