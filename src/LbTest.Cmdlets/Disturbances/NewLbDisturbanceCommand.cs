using System.Collections.Immutable;
using LbTest.Clusters.Lab.Dataplanes;
using LbTest.Cmdlets.Parameters;
using LbTest.Engine.Disturbances;

namespace LbTest.Cmdlets.Disturbances;

/// <summary>Plans something that is to happen to a cluster during a traffic test.</summary>
[Cmdlet(VerbsCommon.New, "LbDisturbance", DefaultParameterSetName = ByKind)]
[OutputType(typeof(Disturbance), typeof(ScriptDisturbance))]
public sealed class NewLbDisturbanceCommand : LbCommand
{
    private const string ByKind = "Kind", ByScript = "Script";

    /// <summary>What happens.</summary>
    [Parameter(Position = 0, Mandatory = true, ParameterSetName = ByKind)]
    public DisturbanceKind Kind { get; set; } = DisturbanceKind.Script;

    /// <summary>A script, called with the cluster as <c>$_</c> and as first argument.</summary>
    [Parameter(Position = 0, Mandatory = true, ParameterSetName = ByScript)]
    public ScriptBlock ScriptBlock { get; set; } = null!;

    /// <summary>A script that undoes what ScriptBlock did.</summary>
    [Parameter(ParameterSetName = ByScript)]
    public ScriptBlock? UndoScriptBlock { get; set; }

    /// <summary>When, from the start of traffic.</summary>
    [Parameter(Position = 1, Mandatory = true)]
    [Seconds]
    public TimeSpan At { get; set; }

    /// <summary>After how long it is undone; at the end of the test if not given.</summary>
    [Parameter]
    [Seconds]
    public TimeSpan? Duration { get; set; }

    /// <summary>Endpoints, nodes, or the one end of a hop; wildcards match.</summary>
    [Parameter(ParameterSetName = ByKind)]
    [Alias("Endpoint", "Node", "Hop")]
    [ArgumentCompleter(typeof(PlaceNameCompleter))]
    [SupportsWildcards]
    public string[] Name { get; set; } = [];

    /// <summary>How many of them, chosen at random by the test's seed.</summary>
    [Parameter(ParameterSetName = ByKind)]
    public int? Count { get; set; }

    /// <summary>The share of all of them, above 0 and up to 1.</summary>
    [Parameter(ParameterSetName = ByKind)]
    public double? Share { get; set; }

    /// <summary>How endpoints leave.</summary>
    [Parameter(ParameterSetName = ByKind)]
    public EndpointDownMode Mode { get; set; }

    /// <summary>How long until the rules leave out what is down.</summary>
    [Parameter(ParameterSetName = ByKind)]
    [Seconds]
    public TimeSpan DetectAfter { get; set; }

    /// <summary>How long a leaving endpoint goes on with its connections.</summary>
    [Parameter(ParameterSetName = ByKind)]
    [Seconds]
    public TimeSpan DrainTime { get; set; }

    /// <summary>How long a new endpoint takes until it is ready.</summary>
    [Parameter(ParameterSetName = ByKind)]
    [Seconds]
    public TimeSpan ReadinessDelay { get; set; }

    /// <summary>Endpoints beyond the wanted number, <c>1</c> or <c>25%</c>.</summary>
    [Parameter(ParameterSetName = ByKind)]
    public string MaxSurge { get; set; } = "25%";

    /// <summary>Endpoints that may be missing, <c>1</c> or <c>25%</c>.</summary>
    [Parameter(ParameterSetName = ByKind)]
    public string MaxUnavailable { get; set; } = "25%";

    /// <summary>The image that a rolling update changes over to, on Kubernetes; the same again if not given.</summary>
    [Parameter(ParameterSetName = ByKind)]
    public string? Image { get; set; }

    /// <summary>The wanted number of endpoints.</summary>
    [Parameter(ParameterSetName = ByKind)]
    public int? Replicas { get; set; }

    /// <summary>Which way of a hop.</summary>
    [Parameter(ParameterSetName = ByKind)]
    public HopDirection Direction { get; set; }

    /// <summary>Per cent of packets that are lost, or that overtake the others.</summary>
    [Parameter(ParameterSetName = ByKind)]
    public double? Percent { get; set; }

    /// <summary>How much packets are delayed, or held back while others overtake them.</summary>
    [Parameter(ParameterSetName = ByKind)]
    [Seconds]
    public TimeSpan? Latency { get; set; }

    /// <summary>How much the delay varies, up and down.</summary>
    [Parameter(ParameterSetName = ByKind)]
    [Seconds]
    public TimeSpan Jitter { get; set; }

    /// <summary>The rate that a hop is limited to.</summary>
    [Parameter(ParameterSetName = ByKind)]
    public double? BytesPerSecond { get; set; }

    /// <summary>The proxy mode to change to.</summary>
    [Parameter(ParameterSetName = ByKind)]
    public ProxyMode? ProxyMode { get; set; }

    /// <summary>The scheduler of mode Ipvs to change to.</summary>
    [Parameter(ParameterSetName = ByKind)]
    public IpvsScheduler? IpvsScheduler { get; set; }

    private protected override void Process()
    {
        PlanException.Require(At >= TimeSpan.Zero, nameof(At), At, "is before the start of traffic", "Give 0 s or more");
        Disturbance disturbance = ParameterSetName == ByScript ? OfScript() : OfKind();
        // What depends on the test is checked when there is one.
        disturbance.Validate(TimeSpan.MaxValue);
        WriteObject(disturbance);
    }

    private ScriptDisturbance OfScript()
    {
        PlanException.Require(Duration is null || UndoScriptBlock is not null, nameof(Duration), Duration, "says when to undo the script, but not how", "Give UndoScriptBlock too");
        return new ScriptDisturbance { Kind = DisturbanceKind.Script, At = At, Duration = Duration, ScriptBlock = ScriptBlock, UndoScriptBlock = UndoScriptBlock };
    }

    private Disturbance OfKind()
    {
        PlanException.Require(Kind != DisturbanceKind.Script, nameof(Kind), Kind, "needs the script itself", "Write New-LbDisturbance -ScriptBlock { … } -At 5, without Kind");
        RequireUsed();
        return new Disturbance
        {
            Kind = Kind, At = At, Duration = Duration, Name = [.. Name], Count = Count, Share = Share, Mode = Mode, DetectAfter = DetectAfter, DrainTime = DrainTime,
            ReadinessDelay = ReadinessDelay, MaxSurge = MaxSurge, MaxUnavailable = MaxUnavailable, Image = Image, Replicas = Replicas, Direction = Direction, Percent = Percent,
            Latency = Latency, Jitter = Jitter, BytesPerSecond = BytesPerSecond, ProxyMode = ProxyMode?.ToString(), IpvsScheduler = IpvsScheduler?.ToString(),
        };
    }

    // Even where a value is the default: who gives one thinks that it counts.
    private void RequireUsed()
    {
        IReadOnlyList<string> used = DisturbanceCheck.UsedBy(Kind);
        foreach ((string name, object value) in MyInvocation.BoundParameters.Where(given => typeof(Disturbance).GetProperty(given.Key) is not null))
        {
            PlanException.Require(name is nameof(Kind) or nameof(At) || used.Contains(name), name, value, $"means nothing for {Kind}", $"Leave it out; {Kind} knows {string.Join(", ", used)}");
        }
    }
}
