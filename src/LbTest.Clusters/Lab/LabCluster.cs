using System.Net.Sockets;
using LbTest.Clusters.Conntrack;
using LbTest.Clusters.Ipvs;
using LbTest.Clusters.Kubernetes;
using LbTest.Clusters.Lab.Dataplanes;
using LbTest.Clusters.Lab.Kernels;
using LbTest.Clusters.Prerequisites;
using LbTest.Clusters.Protocol;
using LbTest.Engine;
using LbTest.Engine.Connect;
using LbTest.Engine.Disturbances;
using LbTest.Engine.Serve;
using LbTest.Engine.Traffic;

namespace LbTest.Clusters.Lab;

/// <summary>A running lab, from outside its sandbox.</summary>
public sealed class LabCluster : Cluster, IDisposable
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

    /// <inheritdoc/>
    public override ProxyMode? ProxyMode => Spec.ProxyMode;

    /// <summary>In mode IPVS: the scheduler; null in other modes.</summary>
    public IpvsScheduler? IpvsScheduler => Mode.Scheduler;

    /// <summary>How its nodes balance: proxy mode and scheduler.</summary>
    public LabMode Mode => new(Spec.ProxyMode, Spec.IpvsScheduler);

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

    /// <inheritdoc/>
    public override async Task<ConnectResult> ConnectAsync(ConnectRequest request, IProgress<ConnectProgress>? progress, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(request);
        await RefreshAsync().ConfigureAwait(false);
        (ConnectPlan plan, string from) = new LabRoute(_topology, request).Resolve(request.Plan);
        plan.Validate();
        ConnectProgress? last = null;
        try
        {
            AgentResponse response = await _agent.AskAsync(new AgentRequest { Verb = AgentVerb.Connect, Plan = plan, From = from }, Hear, cancel).ConfigureAwait(false);
            return response.Result!;
        }
        catch (AgentLostException exception) when (last is not null)
        {
            return PartialResult.Of(plan, last, exception.Message);
        }

        void Hear(AgentResponse response)
        {
            last = response.Progress!;
            progress?.Report(last);
        }
    }

    /// <inheritdoc/>
    public override async Task<TrafficResult> TrafficAsync(TrafficRequest request, IProgress<TrafficProgress>? progress, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(request);
        await RefreshAsync().ConfigureAwait(false);
        (TrafficPlan plan, string from) = new LabRoute(_topology, request).Resolve(request.Plan);
        // Who knows the seed can tell which endpoints were chosen, even when the agent is lost.
        plan = plan with { Seed = plan.Seed ?? Random.Shared.Next() };
        plan.Validate();
        foreach (Disturbance disturbance in request.Disturbances)
        {
            disturbance.Validate(plan.Duration);
            PlanException.Require(disturbance.Kind != DisturbanceKind.Script, nameof(disturbance.Kind), disturbance.Kind, "is nothing that a lab can do by itself", "Leave it to the one who runs the test");
        }

        var soFar = new TrafficSoFar(plan, progress);
        var ask = new AgentRequest { Verb = AgentVerb.Traffic, Traffic = plan, From = from, Disturbances = request.Disturbances.IsEmpty ? null : request.Disturbances };
        try
        {
            AgentResponse response = await _agent.AskAsync(ask, line => soFar.Report(line.TrafficProgress!), cancel).ConfigureAwait(false);
            return response.TrafficResult!;
        }
        catch (AgentLostException exception)
        {
            if (soFar.Partial(exception.Message) is { } partial) return partial;
            throw;
        }
    }

    /// <inheritdoc/>
    public override async Task<ImmutableArray<ProxyModeReport>> GetProxyModesAsync(CancellationToken cancel)
    {
        await RefreshAsync().ConfigureAwait(false);
        return [Mode.Report(Name)];
    }

    /// <inheritdoc/>
    public override async Task<ProxyModeChange> PlanProxyModeAsync(ProxyMode? mode, IpvsScheduler? scheduler, bool look, CancellationToken cancel)
    {
        await RefreshAsync().ConfigureAwait(false);
        return new LabModeChange(this, Mode.To(mode, scheduler));
    }

    /// <inheritdoc/>
    public override async Task<ImmutableArray<EndpointCounter>> ObserveAsync(CancellationToken cancel)
    {
        AgentResponse response = await _agent.AskAsync(new AgentRequest { Verb = AgentVerb.Observe }, cancel: cancel).ConfigureAwait(false);
        return response.Counters ?? [];
    }

    /// <inheritdoc/>
    public override async Task<ImmutableArray<VirtualServer>> GetVirtualServersAsync(string? node, CancellationToken cancel) =>
        (await LookAsync(AgentVerb.VirtualServers, node, cancel).ConfigureAwait(false)).VirtualServers ?? [];

    /// <inheritdoc/>
    public override async Task<ImmutableArray<ServiceAddress>> GetServiceAddressesAsync(string? node, CancellationToken cancel) =>
        (await LookAsync(AgentVerb.ServiceAddresses, node, cancel).ConfigureAwait(false)).ServiceAddresses ?? [];

    /// <inheritdoc/>
    public override async Task<ImmutableArray<ConntrackEntry>> GetConntrackAsync(ConntrackFilter filter, string? node, CancellationToken cancel) =>
        (await LookAsync(AgentVerb.Conntrack, node, cancel, filter).ConfigureAwait(false)).Conntrack ?? [];

    /// <inheritdoc/>
    public override async Task<ImmutableArray<ConntrackEntry>> ClearConntrackAsync(ConntrackFilter filter, string? node, CancellationToken cancel) =>
        (await LookAsync(AgentVerb.ClearConntrack, node, cancel, filter).ConfigureAwait(false)).Conntrack ?? [];

    /// <inheritdoc/>
    public override Task<ImmutableArray<Prerequisite>> GetPrerequisitesAsync(IReadOnlyCollection<ProxyMode> modes, CancellationToken cancel) => Task.Run(() => PrerequisiteCheck.Of(modes, Kernel), cancel);

    private Task<AgentResponse> LookAsync(AgentVerb what, string? node, CancellationToken cancel, ConntrackFilter? filter = null) =>
        _agent.AskAsync(new AgentRequest { Verb = what, From = node, Conntrack = filter }, cancel: cancel);

    /// <summary>Changes all nodes over to another mode or scheduler, without a restart. Connections that exist stay where they are; only those that IPVS has are lost when its mode is left.</summary>
    /// <param name="mode">What they are to change over to, see <see cref="LabMode.To"/>.</param>
    /// <exception cref="PlanException">The lab's kernel cannot do that, or a traffic test with disturbances is running. Nothing has been touched.</exception>
    /// <exception cref="InvalidOperationException">It failed; the message says whether the lab is what it was before.</exception>
    /// <exception cref="AgentLostException">The lab is gone.</exception>
    public async Task SetModeAsync(LabMode mode)
    {
        ArgumentNullException.ThrowIfNull(mode);
        _ = await _agent.AskAsync(new AgentRequest { Verb = AgentVerb.SetMode, Lab = mode.Of(Spec) }).ConfigureAwait(false);
        _topology = new LabTopology(mode.Of(Spec));
    }

    /// <summary>Takes note of a change of mode that was made from another shell, which only a detached lab can meet.</summary>
    public async Task RefreshAsync()
    {
        if (!Detached || !Running) return;
        AgentResponse response = await _agent.AskAsync(new AgentRequest { Verb = AgentVerb.Describe }).ConfigureAwait(false);
        if (new LabMode(response.Lab!.ProxyMode, response.Lab.IpvsScheduler) != Mode) _topology = new LabTopology(response.Lab);
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
