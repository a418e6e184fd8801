using System.Diagnostics;
using LbTest.Clusters.Protocol;

namespace LbTest.Clusters.Lab.Kernels;

/// <summary>A detached lab in user mode: an agent on the host that listens for its users, holds the user-mode kernel and passes everything on.</summary>
/// <remarks>A socket inside the user-mode kernel is of that kernel: nobody outside could connect to it.</remarks>
internal sealed class RelaySandbox : LabSandbox
{
    private RelaySandbox(ProcessStartInfo start) : base(start)
    {
    }

    internal static RelaySandbox Start(LabSpec spec) => new(InSession([AgentFile.Find(), "lab", "init", "--listen", LabSocket.NameOf(spec.Name), "--relay"]));
}

/// <summary>The relay: what it is asked, it asks the agent inside.</summary>
internal sealed class LabRelay : ILabHost
{
    private readonly TaskCompletionSource _stopped = new();
    private LabSandbox? _sandbox;

    public Task Stopped => _stopped.Task;

    public bool Started { get; private set; }

    public async Task<AgentResponse> HandleAsync(AgentRequest request, IProgress<AgentResponse> progress, CancellationToken cancel)
    {
        if (request.Verb == AgentVerb.Start && request.Lab is { } lab)
        {
            _sandbox = await UserModeSandbox.BootAsync(lab, CancellationToken.None).ConfigureAwait(false);
            _ = EndWith(_sandbox);
        }

        LabSandbox sandbox = _sandbox ?? throw new InvalidOperationException("The lab has not been started.");
        try
        {
            AgentResponse response = await sandbox.Agent.AskAsync(request, progress.Report, cancel).ConfigureAwait(false);
            Started |= request.Verb == AgentVerb.Start;
            return response;
        }
        catch (AgentLostException) when (Started)
        {
            // Whoever asked must see what we see, an agent that is lost, and return what it has been told so far: no answer, and the end.
            await Task.Delay(Timeout.Infinite, CancellationToken.None).ConfigureAwait(false);
            throw;
        }
    }

    private async Task EndWith(LabSandbox sandbox)
    {
        await sandbox.Agent.Lost.ConfigureAwait(false);
        _ = _stopped.TrySetResult();
    }

    public void Dispose() => _sandbox?.Dispose();
}
