using System.Net.Sockets;
using System.Runtime.InteropServices;
using LbTest.Clusters.Protocol;
using LbTest.Clusters.Tools;

namespace LbTest.Clusters.Lab;

/// <summary>The first process of a lab's sandbox: the agent as init. When it ends, the kernel takes the whole lab down.</summary>
public static partial class LabInit
{
    /// <summary>Runs the agent until its stdin closes, or, for a detached lab, until it is told to stop.</summary>
    /// <param name="listen">
    /// For a detached lab, its socket's name. The socket has to be opened in the network namespace of the user, so the sandbox has none of its
    /// own yet: this process opens it, then becomes (execve) <c>unshare --net</c> and itself again, with the socket as an open descriptor.
    /// </param>
    /// <param name="listenDescriptor">That descriptor, the second time round.</param>
    public static async Task<int> RunAsync(string? listen, int? listenDescriptor)
    {
        if (listen is not null) return BecomeListening(listen);
        using var host = new LabHost();
        using var lines = new LineChannel(Console.OpenStandardInput(), Console.OpenStandardOutput());
        var first = new AgentSession(lines, host).ServeAsync();
        if (listenDescriptor is null)
        {
            _ = await Task.WhenAny(first, host.Stopped).ConfigureAwait(false);
        }
        else
        {
            using var listener = new Socket(new SafeSocketHandle(listenDescriptor.Value, ownsHandle: true));
            _ = Accept(listener, host);
            await first.ConfigureAwait(false);
            // Whoever started it is gone before it was up: nobody would ever stop it.
            if (host.Started) await host.Stopped.ConfigureAwait(false);
        }

        // The answer to "stop" is still on its way.
        await Task.Delay(20).ConfigureAwait(false);
        return 0;
    }

    private static async Task Accept(Socket listener, LabHost host)
    {
        while (true)
        {
            Socket connection = await listener.AcceptAsync().ConfigureAwait(false);
            if (LabSocket.PeerIsOwner(connection)) _ = Serve(connection, host);
            else connection.Dispose();
        }
    }

    private static async Task Serve(Socket connection, LabHost host)
    {
        var stream = new NetworkStream(connection, ownsSocket: true);
        using var lines = new LineChannel(stream, stream);
        await new AgentSession(lines, host).ServeAsync().ConfigureAwait(false);
    }

    private static int BecomeListening(string name)
    {
        using Socket listener = LabSocket.Listen(name);
        int descriptor = (int)listener.Handle;
        // Descriptors are closed at execve unless told otherwise (FD_CLOEXEC, fcntl(2)).
        _ = SetDescriptorFlags(descriptor, 2, 0);
        string unshare = Tool.Find("unshare") ?? throw ToolException.Missing("unshare");
        string?[] arguments =
            [unshare, "--net", Environment.ProcessPath!, "lab", "init", "--listen-descriptor", descriptor.ToString(System.Globalization.CultureInfo.InvariantCulture), null];
        _ = Execute(unshare, arguments);
        throw new InvalidOperationException($"'{unshare}' could not be started: {Marshal.GetLastPInvokeErrorMessage()}");
    }

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    private static partial int SetDescriptorFlags(int descriptor, int command, int flags);

    [LibraryImport("libc", EntryPoint = "execv", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Execute(string path, string?[] arguments);
}
