using System.Diagnostics;
using System.Globalization;
using System.Text;
using LbTest.Clusters.Protocol;
using LbTest.Clusters.Tools;

namespace LbTest.Clusters.Lab;

/// <summary>Starts a lab's sandbox: one process tree with its own pid, mount and network namespaces, whose init is the agent.</summary>
internal sealed class LabSandbox : IDisposable
{
    private readonly Process _process;
    private readonly StringBuilder _errors = new();

    private LabSandbox(Process process)
    {
        _process = process;
        _process.ErrorDataReceived += (_, line) =>
        {
            if (line.Data is null) return;
            lock (_errors) _ = _errors.AppendLine(line.Data);
        };
        _process.BeginErrorReadLine();
        Agent = new AgentClient(process.StandardOutput.BaseStream, process.StandardInput.BaseStream, WhyLost);
    }

    internal AgentClient Agent { get; }

    /// <summary>The process that holds the sandbox, unshare; the agent is its only child.</summary>
    internal int ProcessId => _process.Id;

    /// <summary>What <c>unshare</c> needs to be told in addition where we are not root.</summary>
    internal static string[] UserNamespace => LabSocket.EffectiveUser() == 0 ? [] : ["--user", "--map-root-user"];

    /// <summary>What to do where an ordinary user may make no namespaces.</summary>
    internal const string UserNamespaceRemedy =
        "Run as root, or allow them: sysctl user.max_user_namespaces (Debian also kernel.unprivileged_userns_clone, Ubuntu kernel.apparmor_restrict_unprivileged_userns)";

    /// <summary>Starts the agent in a new sandbox. It builds nothing until it is told to.</summary>
    internal static LabSandbox Start(LabSpec spec)
    {
        string agent = AgentFile.Find();
        // A session of its own: Ctrl+C and the end of the terminal are for the shell, not for the lab. A user namespace where we are not root.
        List<string> arguments = [Tool.Find("unshare") ?? throw ToolException.Missing("unshare")];
        arguments.AddRange(UserNamespace);
        arguments.AddRange(["--pid", "--fork", "--kill-child", "--mount", "--mount-proc"]);
        if (!spec.Detached) arguments.Add("--net");
        arguments.AddRange([agent, "lab", "init"]);
        if (spec.Detached) arguments.AddRange(["--listen", LabSocket.NameOf(spec.Name)]);
        var start = new ProcessStartInfo(Tool.Find("setsid") ?? throw ToolException.Missing("setsid"))
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = "/",
        };
        foreach (string argument in arguments) start.ArgumentList.Add(argument);
        return new LabSandbox(Process.Start(start) ?? throw ToolException.Missing("setsid"));
    }

    /// <summary>Lets go of a detached lab: it goes on without us.</summary>
    internal void Release()
    {
        Agent.Dispose();
        _process.Dispose();
    }

    /// <summary>Ends the sandbox: by closing the agent's stdin, and by force when that does not help within two seconds.</summary>
    public void Dispose()
    {
        Agent.Dispose();
        try
        {
            // unshare --kill-child takes the agent along, and the kernel everything in the agent's pid namespace.
            if (!_process.WaitForExit(2000)) _process.Kill();
            _ = _process.WaitForExit(2000);
        }
        catch (InvalidOperationException)
        {
            // It had ended already.
        }

        _process.Dispose();
    }

    private string WhyLost()
    {
        // Its stdout closed, so it is ending: give it the moment to say why.
        try
        {
            // The second wait is for the rest of what it said.
            if (_process.WaitForExit(500)) _process.WaitForExit();
        }
        catch (InvalidOperationException)
        {
        }

        string said;
        lock (_errors) said = _errors.ToString().Trim();
        if (said.Contains("unshare failed", StringComparison.Ordinal) || said.Contains("uid_map", StringComparison.Ordinal))
        {
            return LabSocket.EffectiveUser() == 0
                ? $"This machine does not let root make namespaces, so there is no lab here: {said}. In a container, run it with --privileged (or with CAP_SYS_ADMIN and CAP_NET_ADMIN)."
                : $"This machine does not let ordinary users make user namespaces, so there is no lab for them: {said}. {UserNamespaceRemedy}.";
        }

        return said.Length == 0 ? "The lab's agent is gone: it was killed, or the lab was stopped." : string.Create(CultureInfo.InvariantCulture, $"The lab's agent is gone. It said: {said}");
    }
}
