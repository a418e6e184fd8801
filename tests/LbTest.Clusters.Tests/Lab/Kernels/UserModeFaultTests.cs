using LbTest.Clusters.Lab;
using LbTest.Clusters.Lab.Dataplanes;
using LbTest.Clusters.Lab.Kernels;
using LbTest.Clusters.Protocol;
using LbTest.Clusters.Tools;
using LbTest.Engine.Connect;

namespace LbTest.Clusters.Tests.Lab.Kernels;

/// <summary>A user-mode kernel that does not boot, is killed or interrupted says so, and leaves no process, mount, socket or folder.</summary>
/// <remarks>They look at all kernels of this machine and this process's folders, so nobody else makes any meanwhile.</remarks>
[Collection(nameof(UserModeFaultTests))]
[CollectionDefinition(nameof(UserModeFaultTests), DisableParallelization = true)]
public class UserModeFaultTests
{
    private static LabSpec Spec() => LabFixture.Spec(ProxyMode.Ipvs, nodes: 1, endpoints: 2) with { Kernel = LabKernel.UserMode };

    private static void Require()
    {
        LabFixture.Require();
        Skip.If(Tool.Find(UserModeKernel.Program) is null || Tool.Find("ipvsadm") is null || Tool.Find("ipset") is null, "needs the packages user-mode-linux, ipvsadm and ipset");
    }

    [SkippableFact]
    public async Task A_kernel_killed_in_the_middle_of_a_test_leaves_a_partial_result_and_nothing_else()
    {
        Require();
        using LabCluster lab = await LabCluster.StartAsync(Spec());
        var progress = new FirstProgress();
        Task<ConnectResult> running = lab.ConnectAsync(LabFixture.Request(10_000_000), progress, default);
        await progress.Seen;
        // The first process alone: the others would stay without anybody who ends them.
        LabFixture.Kill(lab.SandboxProcessId);
        ConnectResult result = await running;
        Assert.False(result.Completed);
        Assert.Contains("user-mode kernel is gone", result.Reason, StringComparison.Ordinal);
        Assert.True(result.Connections > 0);
        Assert.Equal(10_000_000, result.Connections + result.Failed + result.Unfinished);
        Assert.False(lab.Running);
        NothingLeft(lab.SandboxProcessId);
    }

    [SkippableFact]
    public async Task Two_such_labs_run_at_once_and_stop_without_a_trace()
    {
        Require();
        using LabCluster first = await LabCluster.StartAsync(Spec());
        using LabCluster second = await LabCluster.StartAsync(Spec() with { IpvsScheduler = IpvsScheduler.Lc });
        ConnectResult[] results = await Task.WhenAll(first.Connect(LabFixture.Request(100)), second.Connect(LabFixture.Request(100)));
        Assert.All(results, result => Assert.Equal((100, 2), (result.Connections, result.Endpoints.Length)));
        int[] groups = [first.SandboxProcessId, second.SandboxProcessId];
        await first.StopAsync();
        Assert.Equal(100, (await second.Connect(LabFixture.Request(100))).Connections);
        await second.StopAsync();
        NothingLeft(groups);
    }

    [SkippableFact]
    public async Task A_lab_interrupted_while_its_kernel_boots_leaves_nothing()
    {
        Require();
        foreach (int milliseconds in new[] { 1, 300, 1500 })
        {
            int[] before = Kernels();
            using var cancel = new CancellationTokenSource(milliseconds);
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => LabCluster.StartAsync(Spec(), cancel.Token));
            Assert.True(SoonTrue(() => !Kernels().Except(before).Any(pid => ParentIsUs(pid))));
        }

        Assert.True(SoonTrue(() => Folders().Length == 0));
    }

    [SkippableFact]
    public async Task A_detached_lab_ends_with_its_kernel()
    {
        Require();
        LabSpec spec = Spec() with { Detached = true };
        using LabCluster lab = await LabCluster.StartAsync(spec);
        // The child of the relay, which listens under the lab's name, as far as it leads a group.
        int kernel = Kernels().Single(pid => Group(pid) == pid && CommandLine(Parent(pid)).Contains(LabSocket.NameOf(spec.Name), StringComparison.Ordinal));
        LabFixture.Kill(kernel);
        Assert.True(SoonTrue(() => !LabCluster.DetachedNames().Contains(spec.Name)));
        NothingLeft(kernel);
        await Assert.ThrowsAsync<AgentLostException>(() => lab.Connect(LabFixture.Request(1)));
    }

    [SkippableTheory]
    [InlineData("mount -t tmpfs -o noexec lbtest /dev/shm && mount -t tmpfs -o noexec lbtest /tmp && mount -t tmpfs -o noexec lbtest /var/tmp", "noexec")]
    [InlineData("mount -t tmpfs -o size=8M lbtest /dev/shm && mount -t tmpfs -o size=8M lbtest /tmp && mount -t tmpfs -o size=8M lbtest /var/tmp", "MiB free, too few")]
    [InlineData("mount --bind /dev/null $(command -v linux.uml)", "user-mode-linux")]
    [InlineData("mount -t tmpfs lbtest /usr/lib/uml/modules", "has no module")]
    public void A_kernel_that_cannot_boot_says_why_and_what_to_do(string spoil, string reason)
    {
        Require();
        Skip.IfNot(LabFixture.IsRoot, "needs a mount namespace of its own");
        int[] before = Kernels();
        (int exit, string said) = LabFixture.Run(
            "unshare", "--mount", "sh", "-c", $"unset TMPDIR; {spoil} && exec \"$0\" lab start --name {LabFixture.Spec().Name} --proxy-mode Ipvs --kernel UserMode --nodes 1 --endpoints 1 --detached", LabFixture.Agent);
        Assert.NotEqual(0, exit);
        Assert.Contains(reason, said, StringComparison.Ordinal);
        Assert.True(SoonTrue(() => !Kernels().Except(before).Any(pid => Parent(pid) == 1)));
        Assert.True(SoonTrue(() => Folders().Length == 0));
    }

    [SkippableFact]
    public void A_kernel_without_memory_says_so()
    {
        Require();
        // In front of the real one: the same under a limit, as a user's shell may have.
        string folder = Directory.CreateTempSubdirectory("lbtest-limit-").FullName, program = Path.Combine(folder, UserModeKernel.Program);
        try
        {
            File.WriteAllText(program, $"#!/bin/sh\nexec prlimit --as=100000000 {Tool.Find(UserModeKernel.Program)} \"$@\"\n");
            if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(program, (UnixFileMode)0b111_101_101);
            (int exit, string said) = LabFixture.Run(
                "env", $"PATH={folder}:{Environment.GetEnvironmentVariable("PATH")}", LabFixture.Agent, "lab", "start", "--name", LabFixture.Spec().Name, "--proxy-mode", "Ipvs", "--kernel", "UserMode", "--nodes", "1",
                "--endpoints", "1");
            Assert.NotEqual(0, exit);
            Assert.Contains("got no memory", said, StringComparison.Ordinal);
            Assert.True(SoonTrue(() => Folders().Length == 0));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [SkippableFact]
    public void An_ordinary_user_has_labs_there_too()
    {
        Require();
        using var nobody = new OrdinaryUser();
        foreach (string mode in new[] { "Ipvs", "Iptables" })
        {
            _ = nobody.Succeed("lab", "start", "--name", nobody.LabName, "--proxy-mode", mode, "--kernel", "UserMode", "--nodes", "1", "--endpoints", "2", "--detached");
            Assert.Contains("100 of 100", nobody.Succeed("connect", "--lab", nobody.LabName, "--count", "100"), StringComparison.Ordinal);
            _ = nobody.Succeed("lab", "stop", "--name", nobody.LabName);
        }
    }

    [Theory]
    [InlineData("<0>Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000100", "Attempted to kill init")]
    [InlineData("kmsg_dump:\n<3>Bus error - the host /dev/shm or /tmp mount likely just ran out of space", "folder of its memory file is full")]
    [InlineData("setup_physmem - mapping 250302464 bytes of memory at 0x(____ptrval____) failed - errno = -12", "got no memory")]
    [InlineData("Operation not permitted\n/dev/shm must be not mounted noexec", "mounted noexec")]
    [InlineData("reboot: System halted", "it was killed, or the lab was stopped")]
    [InlineData("", "it was killed, or the lab was stopped")]
    public void What_a_kernel_says_at_its_end_is_told_in_words(string said, string told) => Assert.Contains(told, UserModeKernel.Explain(said), StringComparison.Ordinal);

    // The processes of a kernel are one group, which is named after the first.
    private static void NothingLeft(params int[] groups)
    {
        Assert.True(SoonTrue(() => !Kernels().Any(pid => groups.Contains(Group(pid)))));
        Assert.True(SoonTrue(() => Folders().Length == 0));
    }

    // Of this process: other test runs may have theirs.
    private static string[] Folders() => [.. new[] { "/dev/shm", "/tmp", "/var/tmp" }.SelectMany(place => Directory.EnumerateDirectories(place, $"lbtest-{Environment.ProcessId}-*"))];

    private static int[] Kernels() => [.. Directory.EnumerateDirectories("/proc").Select(Path.GetFileName).Where(name => int.TryParse(name, out _)).Select(name => int.Parse(name!, System.Globalization.CultureInfo.InvariantCulture))
        .Where(pid => CommandLine(pid).Contains(UserModeKernel.Program + "\0mem=", StringComparison.Ordinal))];

    private static bool ParentIsUs(int pid) => Parent(pid) == Environment.ProcessId || Parent(Parent(pid)) == Environment.ProcessId;

    private static int Parent(int pid) => Stat(pid, 1);

    private static int Group(int pid) => Stat(pid, 2);

    // "pid (name) state parent group …"; the name may have blanks.
    private static int Stat(int pid, int place)
    {
        string stat = Read($"/proc/{pid}/stat");
        string[] words = stat[(stat.LastIndexOf(')') + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return words.Length > place ? int.Parse(words[place], System.Globalization.CultureInfo.InvariantCulture) : 0;
    }

    private static string CommandLine(int pid) => Read($"/proc/{pid}/cmdline");

    private static string Read(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (IOException)
        {
            return "";
        }
    }

    private static bool SoonTrue(Func<bool> condition)
    {
        for (int turn = 0; turn < 400; turn++)
        {
            if (condition()) return true;
            Thread.Sleep(50);
        }

        return false;
    }
}
