using LbTest.Engine.Disturbances;

namespace LbTest.Engine.Tests.Disturbances;

/// <summary>What can be found wrong with a disturbance without any cluster.</summary>
public class DisturbanceCheckTests
{
    private static readonly TimeSpan Test = TimeSpan.FromSeconds(10);

    private static Disturbance A(DisturbanceKind kind, double at = 5) => new() { Kind = kind, At = TimeSpan.FromSeconds(at) };

    private static TimeSpan Seconds(double seconds) => TimeSpan.FromSeconds(seconds);

    public static TheoryData<Disturbance> Good =>
    [
        A(DisturbanceKind.EndpointDown, at: 0) with { Name = ["tserver-001"], DrainTime = Seconds(1), Duration = Seconds(10) },
        A(DisturbanceKind.EndpointDown) with { Count = 2, Mode = EndpointDownMode.Reset, DetectAfter = Seconds(1) },
        A(DisturbanceKind.EndpointDown) with { Share = 1, Mode = EndpointDownMode.Drop },
        A(DisturbanceKind.EndpointUp), A(DisturbanceKind.EndpointUp) with { Count = 1 },
        A(DisturbanceKind.NodeDown) with { Count = 1, DetectAfter = Seconds(40) }, A(DisturbanceKind.NodeUp),
        A(DisturbanceKind.EcmpTargetRemove) with { Share = 0.25, Duration = Seconds(2) }, A(DisturbanceKind.EcmpTargetAdd) with { Name = ["node-*"] },
        A(DisturbanceKind.PacketLoss) with { Percent = 100, Direction = HopDirection.From }, A(DisturbanceKind.PacketLoss) with { Percent = 0.01, Name = ["tester", "node-1"] },
        A(DisturbanceKind.Delay) with { Latency = Seconds(0.1), Jitter = Seconds(0.1) }, A(DisturbanceKind.RateLimit) with { BytesPerSecond = 1000 },
        A(DisturbanceKind.Reorder) with { Percent = 25 }, A(DisturbanceKind.Reorder) with { Percent = 99.9, Latency = Seconds(0.05), Direction = HopDirection.To, Duration = Seconds(1) },
        A(DisturbanceKind.RollingUpdate) with { MaxSurge = "1", MaxUnavailable = "0", DrainTime = Seconds(1), ReadinessDelay = Seconds(1) },
        A(DisturbanceKind.ScaleTo) with { Replicas = 0 }, A(DisturbanceKind.ProxyModeSwitch) with { ProxyMode = "Iptables", Duration = Seconds(1) },
        A(DisturbanceKind.ProxyModeSwitch) with { IpvsScheduler = "lc" }, A(DisturbanceKind.ProxyModeSwitch) with { ProxyMode = "Ipvs", IpvsScheduler = "Sh", Duration = Seconds(1) },
        A(DisturbanceKind.ConntrackFlush), A(DisturbanceKind.ConntrackFlush) with { Name = ["node-1"] }, A(DisturbanceKind.Script),
    ];

    [Theory]
    [MemberData(nameof(Good))]
    public void What_makes_sense_is_taken(Disturbance disturbance)
    {
        Assert.NotNull(disturbance);
        disturbance.Validate(Test);
    }

    public static TheoryData<Disturbance, string, string> Bad => new()
    {
        { A((DisturbanceKind)99), "Kind", "is not a kind" },
        { A(DisturbanceKind.ConntrackFlush, at: -1), "At", "is not within the test" },
        { A(DisturbanceKind.ConntrackFlush, at: 10), "At", "lasts 10 s" },
        { A(DisturbanceKind.PacketLoss) with { Percent = 1, Duration = Seconds(0) }, "Duration", "is not a duration" },
        { A(DisturbanceKind.PacketLoss) with { Percent = 1, Duration = Seconds(6) }, "Duration", "ends after the test" },
        { A(DisturbanceKind.EndpointDown), "Name", "has to know which" },
        { A(DisturbanceKind.NodeDown), "Name", "Give Name, Count or Share" },
        { A(DisturbanceKind.EcmpTargetRemove), "Name", "has to know which" },
        { A(DisturbanceKind.EndpointDown) with { Name = [" "] }, "Name", "is not a name" },
        { A(DisturbanceKind.EndpointDown) with { Name = ["a"], Count = 1 }, "Name", "exclude each other" },
        { A(DisturbanceKind.EndpointDown) with { Count = 1, Share = 0.5 }, "Name", "exclude each other" },
        { A(DisturbanceKind.EndpointDown) with { Count = 0 }, "Count", "1 or more" },
        { A(DisturbanceKind.EndpointDown) with { Share = 0 }, "Share", "more than 0" },
        { A(DisturbanceKind.EndpointDown) with { Share = 1.1 }, "Share", "at most 1" },
        { A(DisturbanceKind.EndpointDown) with { Share = double.NaN }, "Share", "is not a share" },
        { A(DisturbanceKind.EndpointDown) with { Count = 1, Mode = (EndpointDownMode)9 }, "Mode", "Drain, Reset or Drop" },
        { A(DisturbanceKind.EndpointDown) with { Count = 1, Mode = EndpointDownMode.Reset, DrainTime = Seconds(1) }, "DrainTime", "Mode Drain" },
        { A(DisturbanceKind.EndpointDown) with { Count = 1, DetectAfter = Seconds(1) }, "DetectAfter", "Mode Reset or Drop" },
        { A(DisturbanceKind.EndpointDown) with { Count = 1, DrainTime = Seconds(-1) }, "DrainTime", "0 s or more" },
        { A(DisturbanceKind.EndpointDown) with { Count = 1, Percent = 5 }, "Percent", "means nothing for EndpointDown" },
        { A(DisturbanceKind.EndpointUp) with { Duration = Seconds(1) }, "Duration", "means nothing for EndpointUp" },
        { A(DisturbanceKind.PacketLoss), "Percent", "is not a share of packets" },
        { A(DisturbanceKind.PacketLoss) with { Percent = 0 }, "Percent", "more than 0" },
        { A(DisturbanceKind.PacketLoss) with { Percent = 101 }, "Percent", "at most 100" },
        { A(DisturbanceKind.PacketLoss) with { Percent = 1, Count = 1 }, "Count", "means nothing for PacketLoss" },
        { A(DisturbanceKind.Delay), "Latency", "is not a delay" },
        { A(DisturbanceKind.Delay) with { Latency = Seconds(0.1), Jitter = Seconds(0.2) }, "Jitter", "is more than the delay" },
        { A(DisturbanceKind.Reorder), "Percent", "overtake" },
        { A(DisturbanceKind.Reorder) with { Percent = 100 }, "Percent", "less than 100" },
        { A(DisturbanceKind.Reorder) with { Percent = 1, Latency = Seconds(0) }, "Latency", "no time to hold packets back" },
        { A(DisturbanceKind.Reorder) with { Percent = 1, Latency = Seconds(61) }, "Latency", "at most 60 s" },
        { A(DisturbanceKind.Reorder) with { Percent = 1, Jitter = Seconds(0.01) }, "Jitter", "means nothing for Reorder" },
        { A(DisturbanceKind.RateLimit), "BytesPerSecond", "is not a rate" },
        { A(DisturbanceKind.RateLimit) with { BytesPerSecond = 999 }, "BytesPerSecond", "1,000" },
        { A(DisturbanceKind.RollingUpdate) with { Duration = Seconds(1) }, "Duration", "means nothing for RollingUpdate" },
        { A(DisturbanceKind.ScaleTo), "Replicas", "is not a number of endpoints" },
        { A(DisturbanceKind.ScaleTo) with { Replicas = -1 }, "Replicas", "0 to 5000" },
        { A(DisturbanceKind.ScaleTo) with { Replicas = 2, MaxSurge = "1" }, "MaxSurge", "means nothing for ScaleTo" },
        { A(DisturbanceKind.ProxyModeSwitch), "ProxyMode", "is missing" },
        { A(DisturbanceKind.ProxyModeSwitch) with { ProxyMode = " " }, "ProxyMode", "is not a proxy mode" },
        { A(DisturbanceKind.ProxyModeSwitch) with { IpvsScheduler = "" }, "IpvsScheduler", "is not a scheduler" },
        { A(DisturbanceKind.ConntrackFlush) with { IpvsScheduler = "lc" }, "IpvsScheduler", "means nothing for ConntrackFlush" },
        { A(DisturbanceKind.ConntrackFlush) with { Direction = HopDirection.To }, "Direction", "means nothing for ConntrackFlush" },
        { A(DisturbanceKind.Script) with { Name = ["x"] }, "Name", "means nothing for Script" },
    };

    [Theory]
    [MemberData(nameof(Bad))]
    public void What_makes_no_sense_is_named_with_the_remedy(Disturbance disturbance, string parameter, string says)
    {
        Assert.NotNull(disturbance);
        PlanException exception = Assert.Throws<PlanException>(() => disturbance.Validate(Test));
        Assert.Equal(parameter, exception.Parameter);
        Assert.Contains(says, exception.Message, StringComparison.Ordinal);
    }
}
