using System.Diagnostics;
using System.Globalization;
using System.Text;
using LbTest.Clusters.Lab.Kernels;
using LbTest.Clusters.Protocol;
using LbTest.Clusters.Tools;

namespace LbTest.Clusters.Lab;

/// <summary>A lab's sandbox, seen from outside: one process tree whose init is the agent. When it ends, nothing of the lab is left.</summary>
internal abstract class LabSandbox : IDisposable
{
    private readonly StringBuilder _errors = new();
    private AgentClient? _agent;

    private protected LabSandbox(ProcessStartInfo start)
    {
        start.RedirectStandardInput = start.RedirectStandardOutput = start.RedirectStandardError = true;
        start.WorkingDirectory = "/";
        Process = Process.Start(start) ?? throw ToolException.Missing(start.FileName);
        Process.ErrorDataReceived += (_, line) =>
        {
            if (line.Data is null) return;
            lock (_errors) _ = _errors.AppendLine(line.Data);
        };
        Process.BeginErrorReadLine();
    }

    private protected Process Process { get; }

    internal AgentClient Agent => _agent ??= new AgentClient(Process.StandardOutput.BaseStream, Process.StandardInput.BaseStream, WhyLost, Line);

    /// <summary>What kind of line leads to the agent.</summary>
    private protected virtual LineEnd Line => LineEnd.Unpaced;

    /// <summary>The process that holds the sandbox; when it ends, so does the sandbox.</summary>
    internal int ProcessId => Process.Id;

    /// <summary>Starts the agent in a new sandbox. It builds nothing until it is told to.</summary>
    /// <param name="spec">The lab; it says on which kernel.</param>
    /// <param name="cancel">Ends the sandbox, and the waiting for it.</param>
    /// <exception cref="AgentLostException">It could not be made; the message says why.</exception>
    /// <exception cref="ToolException">A tool is missing.</exception>
    internal static async Task<LabSandbox> StartAsync(LabSpec spec, CancellationToken cancel)
    {
        if (spec.Kernel != LabKernel.UserMode) return NamespaceSandbox.Start(spec);
        return spec.Detached ? RelaySandbox.Start(spec) : await UserModeSandbox.BootAsync(spec, cancel).ConfigureAwait(false);
    }

    /// <summary>Starts <paramref name="command"/> in a session of its own: Ctrl+C and the end of the terminal are for the shell, not for the lab.</summary>
    private protected static ProcessStartInfo InSession(IEnumerable<string> command)
    {
        var start = new ProcessStartInfo(Tool.Find("setsid") ?? throw ToolException.Missing("setsid"));
        foreach (string word in command) start.ArgumentList.Add(word);
        return start;
    }

    /// <summary>Lets go of a detached lab: it goes on without us.</summary>
    internal void Release()
    {
        Agent.Dispose();
        Process.Dispose();
    }

    /// <summary>Ends the sandbox: by closing the agent's stdin, and by force when that does not help within two seconds.</summary>
    public void Dispose()
    {
        Agent.Dispose();
        try
        {
            End();
        }
        catch (InvalidOperationException)
        {
            // It had ended already.
        }

        Process.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>Ends the processes.</summary>
    private protected virtual void End()
    {
        if (!Process.WaitForExit(2000)) Process.Kill();
        _ = Process.WaitForExit(2000);
    }

    /// <summary>Says in words for a user why the sandbox could not be made; null when it is not that.</summary>
    /// <param name="said">What came on stderr.</param>
    private protected virtual string? Explain(string said) => null;

    /// <summary>Why the agent is gone.</summary>
    private protected string WhyLost()
    {
        // Its stdout closed, so it is ending: give it the moment to say why.
        try
        {
            // The second wait is for the rest of what it said.
            if (Process.WaitForExit(500)) Process.WaitForExit();
        }
        catch (InvalidOperationException)
        {
        }

        string said;
        lock (_errors) said = _errors.ToString().Trim();
        return Explain(said) ?? (said.Length == 0 ? "The lab's agent is gone: it was killed, or the lab was stopped." : string.Create(CultureInfo.InvariantCulture, $"The lab's agent is gone. It said: {said}"));
    }
}
