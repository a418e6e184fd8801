using System.Diagnostics;
using System.Runtime.InteropServices;
using LbTest.Clusters.Protocol;
using LbTest.Clusters.Tools;

namespace LbTest.Clusters.Lab.Kernels;

/// <summary>A sandbox that has a kernel of its own: user-mode Linux, an ordinary process with this machine's file system as its read-only root.</summary>
/// <remarks>
/// The agent's lines go over the kernel's first serial line, what the kernel has to say over its console to stderr. See user_mode_linux_howto_v2
/// of the kernel's documentation. The kernel is a group of processes; when its first one is killed the others stay, so all of the group are.
/// </remarks>
internal sealed partial class UserModeSandbox : LabSandbox
{
    // Its control socket is made there at boot. Nobody uses it: once the kernel has booted it is taken away, so that nothing is left whatever is killed.
    private readonly string _folder;

    private readonly int _group;

    private UserModeSandbox(ProcessStartInfo start, string folder) : base(start)
    {
        (_folder, _group) = (folder, Process.Id);
        Process.Exited += (_, _) => KillGroup();
        Process.EnableRaisingEvents = true;
    }

    /// <summary>Boots the kernel; when this returns, the agent inside is ready.</summary>
    internal static async Task<UserModeSandbox> BootAsync(LabSpec spec, CancellationToken cancel)
    {
        ProcessStartInfo start = InSession(UserModeKernel.Command(spec, out string folder));
        var sandbox = new UserModeSandbox(start, folder);
        try
        {
            await sandbox.AgentReady(cancel).ConfigureAwait(false);
            return sandbox;
        }
        catch
        {
            sandbox.Dispose();
            throw;
        }
    }

    private protected override LineEnd Line => LineEnd.Sender;

    private async Task AgentReady(CancellationToken cancel)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(UserModeKernel.LongestBoot);
        using (limit.Token.Register(KillGroup))
        {
            // What is sent before the line is set up would be lost or come back as an echo, so the agent speaks first. A byte at a time: what follows is not ours.
            Stream lines = Process.StandardOutput.BaseStream;
            byte[] next = new byte[1];
            for (int matched = 0; matched < UserModeKernel.Ready.Length; matched = next[0] == UserModeKernel.Ready[matched] ? matched + 1 : 0)
            {
                if (await lines.ReadAsync(next, CancellationToken.None).ConfigureAwait(false) != 0) continue;
                cancel.ThrowIfCancellationRequested();
                throw new AgentLostException(limit.IsCancellationRequested
                    ? $"The user-mode kernel did not boot within {UserModeKernel.LongestBoot.TotalSeconds:0} s. {WhyLost()}" : WhyLost());
            }
        }

        RemoveFolder();
    }

    private protected override void End()
    {
        KillGroup();
        _ = Process.WaitForExit(2000);
        RemoveFolder();
    }

    private protected override string Explain(string said) => UserModeKernel.Explain(said);

    private void RemoveFolder()
    {
        try
        {
            Directory.Delete(_folder, recursive: true);
        }
        catch (DirectoryNotFoundException)
        {
            // Done before.
        }
    }

    private void KillGroup() => _ = Kill(-_group, 9);

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int process, int signal);
}
