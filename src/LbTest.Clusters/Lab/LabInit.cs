using Microsoft.Win32.SafeHandles;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using LbTest.Clusters.Lab.Kernels;
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
    /// <param name="relay">True: the lab is in a user-mode kernel that this process holds; it passes on what is asked.</param>
    public static async Task<int> RunAsync(string? listen, int? listenDescriptor, bool relay)
    {
        AgentSession.EnoughThreads();
        if (relay) return await Serve(new LabRelay(), LabSocket.Listen(listen!)).ConfigureAwait(false);
        if (listen is not null) return BecomeListening(listen);
        return await Serve(new LabHost(), listenDescriptor is { } descriptor ? new Socket(new SafeSocketHandle(descriptor, ownsHandle: true)) : null).ConfigureAwait(false);
    }

    /// <summary>Runs the agent as the first process of a user-mode kernel, which is switched off in the end.</summary>
    public static async Task<int> RunGuestAsync()
    {
        AgentSession.EnoughThreads();
        try
        {
            Guest.Prepare();
            using (Stream line = Console.OpenStandardOutput()) line.Write(UserModeKernel.Ready);
            return await Serve(new LabHost(), null, LineEnd.Receiver).ConfigureAwait(false);
        }
#pragma warning disable CA1031 // A first process that ends by an exception is a kernel panic: the message would be lost in it.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            await Console.Error.WriteLineAsync(exception.Message).ConfigureAwait(false);
            return 1;
        }
        finally
        {
            Guest.PowerOff();
        }
    }

    private static async Task<int> Serve(ILabHost host, Socket? listener, LineEnd end = LineEnd.Unpaced)
    {
        // The name is free once nothing of the lab is left.
        using (listener)
        using (host)
        {
            // Not the console's stream: from a terminal, as the serial line of a user-mode kernel is, that one would edit lines.
            using var input = new FileStream(new SafeFileHandle(0, ownsHandle: false), FileAccess.Read, bufferSize: 0);
            using var lines = new LineChannel(input, Console.OpenStandardOutput(), end);
            var first = new AgentSession(lines, host).ServeAsync();
            if (listener is null)
            {
                _ = await Task.WhenAny(first, host.Stopped).ConfigureAwait(false);
            }
            else
            {
                _ = Accept(listener, host);
                await first.ConfigureAwait(false);
                // Whoever started it is gone before it was up: nobody would ever stop it.
                if (host.Started) await host.Stopped.ConfigureAwait(false);
            }

            // The answer to "stop" is still on its way.
            await Task.Delay(20).ConfigureAwait(false);
            return 0;
        }
    }

    private static async Task Accept(Socket listener, ILabHost host)
    {
        while (true)
        {
            Socket connection = await listener.AcceptAsync().ConfigureAwait(false);
            if (LabSocket.PeerIsOwner(connection)) _ = Serve(connection, host);
            else connection.Dispose();
        }
    }

    private static async Task Serve(Socket connection, ILabHost host)
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
