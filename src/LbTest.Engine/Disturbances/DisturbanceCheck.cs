using System.Collections.Frozen;

namespace LbTest.Engine.Disturbances;

/// <summary>Checks a disturbance as far as that can be done without a cluster: its times, the values its kind needs, and those it has no use for.</summary>
public static class DisturbanceCheck
{
    private const double MostBytesPerSecond = 1e11;
    private const int MostEndpoints = 5000;

    private static readonly TimeSpan LongestLatency = TimeSpan.FromMinutes(1);

    private static readonly Disturbance Default = new() { Kind = DisturbanceKind.Script, At = TimeSpan.Zero };

    // What can be given beside Kind and At: a name, and whether it was given.
    private static readonly (string Name, Func<Disturbance, bool> Given)[] Properties =
    [
        (nameof(Disturbance.Duration), d => d.Duration is not null), (nameof(Disturbance.Name), d => !d.Name.IsDefaultOrEmpty),
        (nameof(Disturbance.Count), d => d.Count is not null), (nameof(Disturbance.Share), d => d.Share is not null),
        (nameof(Disturbance.Mode), d => d.Mode != default), (nameof(Disturbance.DetectAfter), d => d.DetectAfter != default),
        (nameof(Disturbance.DrainTime), d => d.DrainTime != default), (nameof(Disturbance.ReadinessDelay), d => d.ReadinessDelay != default),
        (nameof(Disturbance.MaxSurge), d => d.MaxSurge != Default.MaxSurge), (nameof(Disturbance.MaxUnavailable), d => d.MaxUnavailable != Default.MaxUnavailable),
        (nameof(Disturbance.Replicas), d => d.Replicas is not null), (nameof(Disturbance.Direction), d => d.Direction != default),
        (nameof(Disturbance.Percent), d => d.Percent is not null), (nameof(Disturbance.Latency), d => d.Latency is not null),
        (nameof(Disturbance.Jitter), d => d.Jitter != default), (nameof(Disturbance.BytesPerSecond), d => d.BytesPerSecond is not null),
        (nameof(Disturbance.ProxyMode), d => d.ProxyMode is not null), (nameof(Disturbance.IpvsScheduler), d => d.IpvsScheduler is not null),
        (nameof(Disturbance.Image), d => d.Image is not null),
    ];

    private static readonly FrozenDictionary<DisturbanceKind, string[]> Uses = new Dictionary<DisturbanceKind, string[]>
    {
        [DisturbanceKind.EndpointDown] = ["Duration", "Name", "Count", "Share", "Mode", "DetectAfter", "DrainTime"],
        [DisturbanceKind.EndpointUp] = ["Name", "Count", "Share"],
        [DisturbanceKind.NodeDown] = ["Duration", "Name", "Count", "Share", "DetectAfter"],
        [DisturbanceKind.NodeUp] = ["Name", "Count", "Share"],
        [DisturbanceKind.EcmpTargetRemove] = ["Duration", "Name", "Count", "Share"],
        [DisturbanceKind.EcmpTargetAdd] = ["Name", "Count", "Share"],
        [DisturbanceKind.PacketLoss] = ["Duration", "Name", "Direction", "Percent"],
        [DisturbanceKind.Delay] = ["Duration", "Name", "Direction", "Latency", "Jitter"],
        [DisturbanceKind.Reorder] = ["Duration", "Name", "Direction", "Percent", "Latency"],
        [DisturbanceKind.RateLimit] = ["Duration", "Name", "Direction", "BytesPerSecond"],
        [DisturbanceKind.RollingUpdate] = ["MaxSurge", "MaxUnavailable", "ReadinessDelay", "DrainTime", "Image"],
        [DisturbanceKind.ScaleTo] = ["Duration", "Replicas", "ReadinessDelay", "DrainTime"],
        [DisturbanceKind.ProxyModeSwitch] = ["Duration", "ProxyMode", "IpvsScheduler"],
        [DisturbanceKind.ConntrackFlush] = ["Name"],
        [DisturbanceKind.Script] = ["Duration"],
        [DisturbanceKind.NodeDrain] = ["Duration", "Name", "Count", "Share"],
        [DisturbanceKind.ProxyRestart] = [],
    }.ToFrozenDictionary();

    /// <summary>The properties that count for a kind, beside Kind and At.</summary>
    public static IReadOnlyList<string> UsedBy(DisturbanceKind kind) => Uses.TryGetValue(kind, out string[]? uses) ? uses : [];

    /// <summary>Checks a disturbance of a test that lasts <paramref name="testDuration"/>.</summary>
    /// <exception cref="PlanException">A value is missing, out of its range, or means nothing for this kind.</exception>
    public static void Validate(Disturbance disturbance, TimeSpan testDuration)
    {
        ArgumentNullException.ThrowIfNull(disturbance);
        PlanException.Require(Uses.TryGetValue(disturbance.Kind, out string[]? uses), nameof(Disturbance.Kind), disturbance.Kind, "is not a kind of disturbance",
            $"Use one of {string.Join(", ", Enum.GetNames<DisturbanceKind>())}");
        Times(disturbance, testDuration);
        foreach ((string name, Func<Disturbance, bool> given) in Properties)
        {
            if (!given(disturbance) || uses!.Contains(name)) continue;
            throw new PlanException(name, Value(disturbance, name), $"means nothing for {disturbance.Kind}", $"Leave it out; {disturbance.Kind} knows {string.Join(", ", uses!)}");
        }

        Selection(disturbance);
        Kind(disturbance);
    }

    private static void Times(Disturbance d, TimeSpan test)
    {
        string lasts = $"the test lasts {Seconds(test)}";
        PlanException.Require(d.At >= TimeSpan.Zero && d.At < test, nameof(d.At), Seconds(d.At), $"is not within the test: {lasts}", "Give 0 or more, and less than the test's duration");
        NotNegative(nameof(d.DetectAfter), d.DetectAfter);
        NotNegative(nameof(d.DrainTime), d.DrainTime);
        NotNegative(nameof(d.ReadinessDelay), d.ReadinessDelay);
        NotNegative(nameof(d.Jitter), d.Jitter);
        if (d.Duration is not { } duration) return;
        PlanException.Require(duration > TimeSpan.Zero, nameof(d.Duration), Seconds(duration), "is not a duration", "Give more than 0 s");
        PlanException.Require(d.At + duration <= test, nameof(d.Duration), Seconds(duration), $"ends after the test: it begins at {Seconds(d.At)}, and {lasts}",
            "Give less, or leave it out: at the test's end it is undone in any case");
    }

    private static void Selection(Disturbance d)
    {
        bool named = !d.Name.IsDefaultOrEmpty;
        if (named) foreach (string name in d.Name) PlanException.Require(!string.IsNullOrWhiteSpace(name), nameof(d.Name), name, "is not a name", "Give names, or leave it out");
        PlanException.Require((named ? 1 : 0) + (d.Count is null ? 0 : 1) + (d.Share is null ? 0 : 1) <= 1, nameof(d.Name), string.Join(", ", named ? d.Name : []),
            "cannot be combined: Name, Count and Share exclude each other", "Give one of them");
        PlanException.Require(d.Count is null or >= 1, nameof(d.Count), d.Count, "is not a number of them", "Give 1 or more");
        PlanException.Require(d.Share is null or (> 0 and <= 1), nameof(d.Share), d.Share, "is not a share", "Give more than 0 and at most 1");
        bool chooses = d.Kind is DisturbanceKind.EndpointDown or DisturbanceKind.NodeDown or DisturbanceKind.EcmpTargetRemove or DisturbanceKind.NodeDrain;
        PlanException.Require(!chooses || named || d.Count is not null || d.Share is not null, nameof(d.Name), "", $"is missing: {d.Kind} has to know which", "Give Name, Count or Share");
    }

    private static void Kind(Disturbance d)
    {
        switch (d.Kind)
        {
            case DisturbanceKind.EndpointDown:
                PlanException.Require(Enum.IsDefined(d.Mode), nameof(d.Mode), d.Mode, "is not a way to leave", "Use Drain, Reset or Drop");
                PlanException.Require(d.Mode == EndpointDownMode.Drain || d.DrainTime == default, nameof(d.DrainTime), Seconds(d.DrainTime), $"means nothing for an endpoint that leaves by {d.Mode}",
                    "Leave it out, or use Mode Drain");
                PlanException.Require(d.Mode != EndpointDownMode.Drain || d.DetectAfter == default, nameof(d.DetectAfter), Seconds(d.DetectAfter), "means nothing for an endpoint that drains: it is out of the rules first",
                    "Leave it out, or use Mode Reset or Drop");
                break;
            case DisturbanceKind.PacketLoss:
                PlanException.Require(d.Percent is > 0 and <= 100, nameof(d.Percent), d.Percent, "is not a share of packets", "Give more than 0 and at most 100 per cent");
                break;
            case DisturbanceKind.Delay:
                PlanException.Require(IsLatency(d.Latency), nameof(d.Latency), d.Latency is { } latency ? Seconds(latency) : "", "is not a delay", "Give more than 0 s and at most 60 s");
                PlanException.Require(d.Jitter <= d.Latency, nameof(d.Jitter), Seconds(d.Jitter), $"is more than the delay of {Seconds(d.Latency!.Value)} that varies by it", "Give at most that");
                break;
            case DisturbanceKind.Reorder:
                PlanException.Require(d.Percent is > 0 and < 100, nameof(d.Percent), d.Percent, "is not a share of packets that overtake the others", "Give more than 0 and less than 100 per cent");
                PlanException.Require(d.Latency is null || IsLatency(d.Latency), nameof(d.Latency), d.Latency is { } held ? Seconds(held) : "", "is no time to hold packets back", "Give more than 0 s and at most 60 s");
                break;
            case DisturbanceKind.RateLimit:
                PlanException.Require(d.BytesPerSecond is >= 1000 and <= MostBytesPerSecond, nameof(d.BytesPerSecond), d.BytesPerSecond, "is not a rate", "Give 1,000 to 100,000,000,000 bytes/s");
                break;
            case DisturbanceKind.ScaleTo:
                PlanException.Require(d.Replicas is >= 0 and <= MostEndpoints, nameof(d.Replicas), d.Replicas, "is not a number of endpoints", $"Give 0 to {MostEndpoints}");
                break;
            case DisturbanceKind.ProxyModeSwitch:
                PlanException.Require(d.ProxyMode is not null || d.IpvsScheduler is not null, nameof(d.ProxyMode), "", "is missing", "Give the mode to change to, e.g. Iptables, or IpvsScheduler, or both");
                PlanException.Require(d.ProxyMode is null || !string.IsNullOrWhiteSpace(d.ProxyMode), nameof(d.ProxyMode), d.ProxyMode, "is not a proxy mode", "Give the mode to change to, e.g. Iptables");
                PlanException.Require(d.IpvsScheduler is null || !string.IsNullOrWhiteSpace(d.IpvsScheduler), nameof(d.IpvsScheduler), d.IpvsScheduler, "is not a scheduler of IPVS", "Give one, e.g. lc");
                break;
            default:
                break;
        }
    }

    private static object? Value(Disturbance d, string name) => name switch
    {
        nameof(d.Duration) => Seconds(d.Duration!.Value), nameof(d.Name) => string.Join(", ", d.Name), nameof(d.Count) => d.Count, nameof(d.Share) => d.Share, nameof(d.Mode) => d.Mode,
        nameof(d.DetectAfter) => Seconds(d.DetectAfter), nameof(d.DrainTime) => Seconds(d.DrainTime), nameof(d.ReadinessDelay) => Seconds(d.ReadinessDelay),
        nameof(d.MaxSurge) => d.MaxSurge, nameof(d.MaxUnavailable) => d.MaxUnavailable, nameof(d.Replicas) => d.Replicas, nameof(d.Direction) => d.Direction,
        nameof(d.Percent) => d.Percent, nameof(d.Latency) => Seconds(d.Latency!.Value), nameof(d.Jitter) => Seconds(d.Jitter), nameof(d.BytesPerSecond) => d.BytesPerSecond,
        nameof(d.IpvsScheduler) => d.IpvsScheduler, nameof(d.Image) => d.Image, _ => d.ProxyMode,
    };

    private static bool IsLatency(TimeSpan? time) => time > TimeSpan.Zero && time <= LongestLatency;

    private static void NotNegative(string name, TimeSpan value) =>
        PlanException.Require(value >= TimeSpan.Zero && value <= TimeSpan.FromDays(30), name, Seconds(value), "is not a time to wait", "Give 0 s or more");

    private static string Seconds(TimeSpan time) => string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0.###} s");
}
