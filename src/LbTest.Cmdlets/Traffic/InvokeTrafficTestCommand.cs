using System.Collections.Immutable;
using LbTest.Clusters;
using LbTest.Cmdlets.Clusters;
using LbTest.Cmdlets.Disturbances;
using LbTest.Cmdlets.Parameters;
using LbTest.Engine.Disturbances;
using LbTest.Engine.Traffic;

namespace LbTest.Cmdlets.Traffic;

/// <summary>Holds many long-lived connections at a known rate, second by second, while the cluster is disturbed at planned times.</summary>
[Cmdlet(VerbsLifecycle.Invoke, "TrafficTest", DefaultParameterSetName = ByCluster)]
[OutputType(typeof(TrafficResult), typeof(TrafficSample))]
public sealed class InvokeTrafficTestCommand : TestCommand
{
    private static readonly TimeSpan Late = TimeSpan.FromMilliseconds(50);

    /// <summary>How many connections are held at a time.</summary>
    [Parameter]
    [Alias("nconn")]
    public int Connections { get; set; } = 100;

    /// <summary>The rate of all connections together, bytes/s in each direction.</summary>
    [Parameter]
    public double? BytesPerSecond { get; set; }

    /// <summary>The rate of all connections together, packets/s.</summary>
    [Parameter]
    public double? PacketsPerSecond { get; set; }

    /// <summary>Bytes of payload per packet.</summary>
    [Parameter]
    [Alias("psize")]
    public int PacketSize { get; set; } = 1024;

    /// <summary>How long traffic lasts.</summary>
    [Parameter]
    [Alias("Timeout")]
    [Seconds]
    public TimeSpan Duration { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>What happens to the cluster meanwhile, from New-LbDisturbance.</summary>
    [Parameter]
    [ValidateNotNull]
    [Result]
    public Disturbance[] Disturbance { get; set; } = [];

    /// <summary>Leaves lost connections lost.</summary>
    [Parameter]
    public SwitchParameter NoReconnect { get; set; }

    /// <summary>The wait before the second attempt to connect; it grows by as much with every further one, up to ten times.</summary>
    [Parameter]
    [Seconds]
    public TimeSpan BackOff { get; set; } = TimeSpan.FromMilliseconds(100);

    /// <summary>How long one attempt to connect may take.</summary>
    [Parameter]
    [Seconds]
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(1.5);

    /// <summary>How long a TCP connection may wait for an echo before it counts as lost.</summary>
    [Parameter]
    [Seconds]
    public TimeSpan ResponseTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Connections are started evenly over this time.</summary>
    [Parameter]
    [Seconds]
    public TimeSpan RampUp { get; set; }

    /// <summary>Source address or CIDR, chosen from for every connection.</summary>
    [Parameter]
    [Alias("srccidr")]
    public string? Source { get; set; }

    /// <summary>A file of source addresses, one a line, each used once.</summary>
    [Parameter]
    [Alias("srcfile")]
    public string? SourceFile { get; set; }

    /// <summary>Returns every second's sample at once, and the result only in <c>$LbLastResult</c>.</summary>
    [Parameter]
    public SwitchParameter Monitor { get; set; }

    private protected override void Process()
    {
        TrafficPlan plan = Plan();
        plan.Validate();
        int[] others = CheckDisturbances(plan.Duration);
        var scripts = new ScriptSchedule(Disturbance, Tested, plan.Duration);
        using var watch = new TrafficWatch(plan.Duration, scripts, Monitor ? WriteObject : _ => { }, Tell);
        TrafficResult result;
        try
        {
            result = Run(
                cancel => Tested is { } cluster ? cluster.TrafficAsync(Request(plan, others), watch, cancel) : TrafficRun.RunAsync(plan, progress: watch, cancel: cancel),
                $"Traffic to {Whither}", watch.FillIn, watch);
        }
        finally
        {
            scripts.UndoAll();
        }

        // The cluster knows its own disturbances by their place among those that it got; users, by their place among all.
        IEnumerable<DisturbanceEvent> events = result.Disturbances.Select(one => one with { Index = others[one.Index] }).Concat(scripts.Events);
        result = result with { Disturbances = [.. events.OrderBy(one => one.Applied)] };
        Keep(result);
        ThrowIfInterrupted();
        watch.Finish();
        foreach (string warning in result.Warnings.Concat(Failures(scripts.Events))) WriteWarning(warning);
        if (!Monitor) WriteObject(result);
    }

    // Everything that can be known to be wrong is said before anything starts. Returns the places of those that are the cluster's to carry out.
    private int[] CheckDisturbances(TimeSpan duration)
    {
        foreach (Disturbance one in Disturbance)
        {
            bool script = one.Kind == DisturbanceKind.Script;
            PlanException.Require(script || Tested is not null, nameof(Disturbance), one.Kind, "needs a cluster, and -Address gives none",
                "Pipe the cluster to Invoke-TrafficTest, or do it in a script: New-LbDisturbance -ScriptBlock");
            PlanException.Require(script == one is ScriptDisturbance, nameof(Disturbance), one.Kind, "has no script", "Make it with New-LbDisturbance -ScriptBlock, in this session");
            one.Validate(duration);
        }

        return [.. Enumerable.Range(0, Disturbance.Length).Where(i => Disturbance[i] is not ScriptDisturbance)];
    }

    private void Tell(DisturbanceEvent one) => WriteVerbose($"{one.Applied.TotalSeconds:0.000} s: {(one.Undo ? "undone: " : "")}{one.Description}");

    private static IEnumerable<string> Failures(IEnumerable<DisturbanceEvent> scripts)
    {
        foreach (DisturbanceEvent one in scripts)
        {
            string which = $"Disturbance {one.Index}{(one.Undo ? ", undone" : "")}, {one.Description}";
            if (one.Error is not null) yield return $"{which}: {one.Error}";
            if (!one.Undo && one.Applied - one.Planned > Late)
                yield return $"{which}: began {(one.Applied - one.Planned).TotalMilliseconds:0} ms late, because another script or command of the pipeline was still at work. Let them do less, or start jobs.";
        }
    }

    private TrafficPlan Plan() => new()
    {
        Target = Target, Protocol = Protocol, Duration = Duration,
        Connections = Connections, BytesPerSecond = BytesPerSecond, PacketsPerSecond = PacketsPerSecond, PacketSize = PacketSize,
        Reconnect = !NoReconnect, BackOff = BackOff, ConnectTimeout = ConnectTimeout, ResponseTimeout = ResponseTimeout, RampUp = RampUp,
        Source = Source, Sources = ReadSources(), Seed = Seed, Threads = Threads, Label = Label,
    };

    private ImmutableArray<string> ReadSources()
    {
        if (SourceFile is null) return [];
        string file = GetUnresolvedProviderPathFromPSPath(SourceFile);
        try
        {
            return SourceList.Parse(File.ReadAllText(file), file);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new PlanException(nameof(SourceFile), file, "cannot be read", "Give a file of source addresses, one a line", fault);
        }
    }

    private TrafficRequest Request(TrafficPlan plan, int[] disturbances) => Fill(new TrafficRequest { Plan = plan, Disturbances = [.. disturbances.Select(i => Disturbance[i])] });
}
