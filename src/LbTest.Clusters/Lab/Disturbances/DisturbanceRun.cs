using System.Diagnostics;
using System.Threading.Channels;
using LbTest.Clusters.Tools;
using LbTest.Engine.Disturbances;
using LbTest.Engine.Traffic;

namespace LbTest.Clusters.Lab.Disturbances;

/// <summary>The disturbances of one traffic test: prepared before it, carried out in the course of it, undone after it.</summary>
internal sealed class DisturbanceRun
{
    private readonly LabControl _control;
    private readonly LabNetwork _network;
    private readonly LabServers _servers;
    private readonly IProgress<TrafficProgress> _progress;
    private readonly LabHops _hops = new();
    private readonly LabState _calm;
    private readonly ImmutableArray<LabEndpoint> _extra;
    private readonly bool _forgetDatagrams, _reroutes;
    private readonly Lock _lock = new();
    private readonly List<DisturbanceEvent> _events = [];
    private readonly Timeline[] _timelines;
    private readonly Channel<Begun> _begun = Channel.CreateUnbounded<Begun>();
    private Task _following = Task.CompletedTask;
    private long _started;

    // Steps that have begun; what of them has to follow may take a while.
    private sealed record Begun(ImmutableArray<LabStep> Steps, TimeSpan Applied, ImmutableArray<string> Errors);

    private DisturbanceRun(
        LabControl control, LabNetwork network, LabServers servers, TrafficPlan plan, ImmutableArray<LabStep> steps, ImmutableArray<LabEndpoint> extra, IProgress<TrafficProgress> progress)
    {
        (_control, _network, _servers, _progress, _calm, _extra) = (control, network, servers, progress, control.State, extra);
        _forgetDatagrams = plan.Protocol == TransportProtocol.Udp;
        _reroutes = steps.Any(step => step.Event.EcmpTargetsAfter is not null);
        _timelines = [Along(steps.Where(step => step.State is not null), BeginState), Along(steps.Where(step => step.State is null), ChangeHops)];
    }

    /// <summary>Works everything out, looks whether this machine can do it, and adds the endpoints that it needs.</summary>
    /// <exception cref="Engine.PlanException">A disturbance cannot be carried out. Nothing has been touched.</exception>
    /// <exception cref="InvalidOperationException">An endpoint could not be added. Nothing is left of it.</exception>
    internal static DisturbanceRun Prepare(
        LabControl control, LabNetwork network, LabServers servers, TrafficPlan plan, ImmutableArray<Disturbance> disturbances, IProgress<TrafficProgress> progress)
    {
        foreach (Disturbance disturbance in disturbances) disturbance.Validate(plan.Duration);
        (ImmutableArray<LabStep> steps, ImmutableArray<LabEndpoint> extra) = DisturbancePlanner.Plan(control.State, plan, disturbances);
        DisturbanceNeeds.Check(control.State, disturbances, steps, plan);
        var run = new DisturbanceRun(control, network, servers, plan, steps, extra, progress);
        try
        {
            network.Add(extra);
            if (!extra.IsEmpty) servers.StartExtra(extra);
            return run;
        }
        catch (Exception exception)
        {
            _ = run.Undo();
            throw new InvalidOperationException($"The endpoints that a disturbance needs could not be added to the lab: {exception.Message}", exception);
        }
    }

    /// <summary>What happened so far, in the order of time.</summary>
    internal ImmutableArray<DisturbanceEvent> Events
    {
        get
        {
            lock (_lock) return [.. _events.OrderBy(e => e.Applied)];
        }
    }

    /// <summary>Traffic has started: times count from this <see cref="Stopwatch"/> timestamp.</summary>
    internal void Start(long timestamp)
    {
        _started = timestamp;
        _following = Task.Run(FollowAsync);
        foreach (Timeline timeline in _timelines) timeline.Start(timestamp);
    }

    /// <summary>Ends it all and makes the lab what it was before.</summary>
    /// <returns>What could not be undone; empty when all was.</returns>
    internal ImmutableArray<string> Undo()
    {
        foreach (Timeline timeline in _timelines) timeline.Stop();
        // What has begun is brought to its end, so that the result can say how long that took.
        _ = _begun.Writer.TryComplete();
        _following.GetAwaiter().GetResult();
        var errors = new List<string>();
        Try(() => errors.AddRange(_hops.End()));
        Try(() => errors.AddRange(_control.Enforce(_calm, _forgetDatagrams)));
        if (_reroutes) Try(_network.RebalanceEcmp);
        // The servers first: a socket keeps its namespace.
        Try(_servers.StopExtra);
        foreach (LabEndpoint endpoint in _extra) Try(() => LabNetwork.Remove(endpoint));
        return [.. errors];

        void Try(Action work)
        {
            if (Attempt.To(work) is { } error) errors.Add(error);
        }
    }

    // What is planned for one instant is one change, and each of its steps an event.
    private static Timeline Along(IEnumerable<LabStep> steps, Action<ImmutableArray<LabStep>> work) =>
        new([.. steps.GroupBy(step => step.Event.Planned).OrderBy(g => g.Key).Select(g => (g.Key, new Action(() => work([.. g]))))]);

    private void BeginState(ImmutableArray<LabStep> steps)
    {
        TimeSpan applied = Stopwatch.GetElapsedTime(_started);
        (ImmutableArray<string> Errors, bool Left) begun = ([], false);
        string? failed = Attempt.To(() => begun = _control.Begin(steps[^1].State!));
        var what = new Begun(steps, applied, failed is null ? begun.Errors : [failed]);
        // The rules of many nodes take a while: whatever comes next does not wait for them.
        if (!begun.Left || !_begun.Writer.TryWrite(what)) Tell(what, []);
    }

    // Like kube-proxy: what came while the last change of rules was under way goes into the next one together.
    private async Task FollowAsync()
    {
        while (await _begun.Reader.WaitToReadAsync().ConfigureAwait(false))
        {
            var together = new List<Begun>();
            while (_begun.Reader.TryRead(out Begun? one)) together.Add(one);
            ImmutableArray<string> errors = [];
            string? failed = Attempt.To(() => errors = _control.Follow(_forgetDatagrams));
            foreach (Begun one in together) Tell(one, failed is null ? errors : [failed]);
        }
    }

    private void ChangeHops(ImmutableArray<LabStep> steps)
    {
        TimeSpan applied = Stopwatch.GetElapsedTime(_started);
        ImmutableArray<string> errors = [];
        string? failed = Attempt.To(() =>
        {
            if (steps.LastOrDefault(step => step.Hops is not null)?.Hops is { } hops) errors = _hops.Enforce(hops);
            SideBySide.Run(steps.SelectMany(step => step.Flush).Distinct(), node => node, _ => Tool.Run("conntrack", ["-F"]));
        });
        Tell(new Begun(steps, applied, errors), failed is null ? [] : [failed]);
    }

    private void Tell(Begun begun, ImmutableArray<string> errors)
    {
        string[] all = [.. begun.Errors, .. errors];
        TimeSpan took = Stopwatch.GetElapsedTime(_started) - begun.Applied;
        foreach (LabStep step in begun.Steps)
        {
            DisturbanceEvent done = step.Event with { Applied = begun.Applied, Took = took, Error = all.Length == 0 ? null : string.Join(" / ", all.Take(3)) };
            lock (_lock) _events.Add(done);
            _progress.Report(new TrafficProgress { Disturbance = done });
        }
    }
}
