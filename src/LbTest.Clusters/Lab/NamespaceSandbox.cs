using System.Diagnostics;
using LbTest.Clusters.Protocol;
using LbTest.Clusters.Tools;

namespace LbTest.Clusters.Lab;

/// <summary>A sandbox on the host's kernel: pid, mount and network namespaces of its own, and a user namespace where we are not root.</summary>
internal sealed class NamespaceSandbox : LabSandbox
{
    private NamespaceSandbox(ProcessStartInfo start) : base(start)
    {
    }

    /// <summary>What <c>unshare</c> needs to be told in addition where we are not root.</summary>
    internal static string[] UserNamespace => LabSocket.EffectiveUser() == 0 ? [] : ["--user", "--map-root-user"];

    /// <summary>What to do where an ordinary user may make no namespaces.</summary>
    internal const string UserNamespaceRemedy =
        "Run as root, or allow them: sysctl user.max_user_namespaces (Debian also kernel.unprivileged_userns_clone, Ubuntu kernel.apparmor_restrict_unprivileged_userns)";

    internal static NamespaceSandbox Start(LabSpec spec)
    {
        // unshare --kill-child takes the agent along, and the kernel everything in the agent's pid namespace.
        List<string> command =
            [Tool.Find("unshare") ?? throw ToolException.Missing("unshare"), .. UserNamespace, "--pid", "--fork", "--kill-child", "--mount", "--mount-proc"];
        if (!spec.Detached) command.Add("--net");
        command.AddRange([AgentFile.Find(), "lab", "init"]);
        if (spec.Detached) command.AddRange(["--listen", LabSocket.NameOf(spec.Name)]);
        return new NamespaceSandbox(InSession(command));
    }

    private protected override string? Explain(string said)
    {
        if (!said.Contains("unshare failed", StringComparison.Ordinal) && !said.Contains("uid_map", StringComparison.Ordinal)) return null;
        return LabSocket.EffectiveUser() == 0
            ? $"This machine does not let root make namespaces, so there is no lab here: {said}. In a container, run it with --privileged (or with CAP_SYS_ADMIN and CAP_NET_ADMIN), or use mode Iptables or Ipvs with Kernel UserMode."
            : $"This machine does not let ordinary users make user namespaces, so there is no lab for them on its kernel: {said}. {UserNamespaceRemedy}; or use mode Iptables or Ipvs, which user-mode kernels have too (Kernel UserMode).";
    }
}
