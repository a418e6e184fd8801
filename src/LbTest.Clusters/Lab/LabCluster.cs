using System.Net.Sockets;
using LbTest.Clusters.Lab.Kernels;
using LbTest.Clusters.Protocol;
using LbTest.Engine;
using LbTest.Engine.Serve;

namespace LbTest.Clusters.Lab;

/// <summary>A running lab, from outside its sandbox.</summary>
public sealed partial class LabCluster : Cluster, IDisposable
{
    // Another one once the mode has been changed.
    private volatile LabTopology _topology;
    private readonly LabSandbox? _sandbox;
    private readonly AgentClient _agent;
    private bool _disposed;

    private LabCluster(LabSpec spec, AgentClient agent, LabSandbox? sandbox)
    {
        (_topology, _agent, _sandbox) = (new LabTopology(spec), agent, sandbox);
    }

    /// <inheritdoc/>
    public override string Name => Spec.Name;

    /// <inheritdoc/>
    public override string Kind => "Lab";

    /// <summary>What it was asked to be; the mode is the one in force.</summary>
    public LabSpec Spec => _topology.Spec;

    /// <summary>Whose kernel it runs on.</summary>
    public LabKernel Kernel => Spec.Kernel;

    /// <summary>True when it outlives the shell that started it.</summary>
    public bool Detached => Spec.Detached;

    /// <inheritdoc/>
    public override ImmutableArray<string> Nodes => [.. _topology.Nodes.Select(node => node.Name)];

    /// <inheritdoc/>
    public override ImmutableArray<string> Endpoints => [.. _topology.Endpoints.Select(endpoint => endpoint.Name)];

    /// <summary>The process that holds the sandbox of an attached lab; 0 for a detached one, which is nobody's child.</summary>
    internal int SandboxProcessId => _sandbox?.ProcessId ?? 0;

    /// <inheritdoc/>
    public override bool Running => _agent.Alive && !_disposed;

    /// <summary>Builds a lab. When this returns, every endpoint answers; when it throws, nothing is left.</summary>
    /// <exception cref="PlanException">The spec is not good, or a lab of that name is running.</exception>
    /// <exception cref="InvalidOperationException">The lab could not be built.</exception>
    /// <exception cref="AgentLostException">The sandbox could not be made.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static async Task<LabCluster> StartAsync(LabSpec spec, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(spec);
        spec.Validate();
        if (!OperatingSystem.IsLinux()) throw new PlatformNotSupportedException("The lab is made of Linux network namespaces. Run it on Linux (WSL 2 will do).");
        if (LabSocket.Labs().Contains(spec.Name)) throw NameInUse(spec.Name);
        if (spec.Kernel == LabKernel.Auto) spec = KernelChoice.For(spec).Apply(spec);
        LabSandbox sandbox = await LabSandbox.StartAsync(spec, cancel).ConfigureAwait(false);
        try
        {
            // Building cannot be stopped half-way, but ending the sandbox ends it all.
            using CancellationTokenRegistration stop = cancel.Register(sandbox.Dispose);
            _ = await sandbox.Agent.AskAsync(new AgentRequest { Verb = AgentVerb.Start, Lab = spec }, cancel: CancellationToken.None).ConfigureAwait(false);
            cancel.ThrowIfCancellationRequested();
        }
        catch (Exception exception)
        {
            sandbox.Dispose();
            cancel.ThrowIfCancellationRequested();
            if (exception is AgentLostException && spec.Detached && LabSocket.Labs().Contains(spec.Name)) throw NameInUse(spec.Name);
            throw;
        }

        if (!spec.Detached) return new LabCluster(spec, sandbox.Agent, sandbox);
        sandbox.Release();
        return await FindAsync(spec.Name).ConfigureAwait(false) ?? throw new AgentLostException($"The lab '{spec.Name}' was built but does not answer.");
    }

    /// <summary>The error of a lab whose name another one has.</summary>
    public static PlanException NameInUse(string name) =>
        new("Name", name, "is the name of a lab that is running", $"Choose another name, or stop that one first: Stop-LbCluster -Name {name}");

    /// <summary>The names of this user's detached labs.</summary>
    public static ImmutableArray<string> DetachedNames() => [.. LabSocket.Labs().Order(StringComparer.Ordinal)];

    /// <summary>Finds a detached lab of this user; null when there is none of that name (any more).</summary>
    public static async Task<LabCluster?> FindAsync(string name)
    {
        if (LabSocket.Connect(name) is not { } socket) return null;
        var stream = new NetworkStream(socket, ownsSocket: true);
        var agent = new AgentClient(stream, stream, () => $"The lab '{name}' is gone: it was stopped or killed.");
        try
        {
            AgentResponse response = await agent.AskAsync(new AgentRequest { Verb = AgentVerb.Describe }).ConfigureAwait(false);
            return new LabCluster(response.Lab!, agent, sandbox: null);
        }
        catch (Exception exception) when (exception is AgentLostException or InvalidOperationException)
        {
            // It ended, or is only being built.
            agent.Dispose();
            return null;
        }
    }

    /// <summary>Changes how an endpoint treats new connections: a fault on demand.</summary>
    /// <exception cref="InvalidOperationException">There is no such endpoint.</exception>
    public async Task SetBehaviorAsync(string endpoint, EndpointBehavior behavior) =>
        _ = await _agent.AskAsync(new AgentRequest { Verb = AgentVerb.Behave, Endpoint = endpoint, Behavior = behavior }).ConfigureAwait(false);

    /// <inheritdoc/>
    public override async Task StopAsync()
    {
        try
        {
            if (Running) _ = await _agent.AskAsync(new AgentRequest { Verb = AgentVerb.Stop }).ConfigureAwait(false);
            for (int turn = 0; Detached && turn < 100 && LabSocket.Labs().Contains(Name); turn++) await Task.Delay(20).ConfigureAwait(false);
        }
        catch (AgentLostException)
        {
            // That is what was wanted.
        }

        Dispose();
    }

    /// <summary>Stops an attached lab; lets go of a detached one.</summary>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        _agent.Dispose();
        _sandbox?.Dispose();
    }

    /// <inheritdoc/>
    public override string ToString() => Name;
}
