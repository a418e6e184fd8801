using LbTest.Engine.Connect;
using LbTest.Engine.Results;
using LbTest.Engine.Traffic;

namespace LbTest.Engine.Compare;

/// <summary>In what two tests are unlike though they should not be.</summary>
internal static class Unlike
{
    internal static ImmutableArray<string> Of(ITestResult reference, ITestResult result, string first, string second)
    {
        var warnings = ImmutableArray.CreateBuilder<string>();
        if (!reference.Completed) warnings.Add($"{first} is not complete: {Why(reference)}.");
        if (!result.Completed) warnings.Add($"{second} is not complete: {Why(result)}.");
        Differ("is a {0} test", reference.Kind, result.Kind);
        Differ("went over {0}", reference.Protocol.ToString().ToUpperInvariant(), result.Protocol.ToString().ToUpperInvariant());
        if (reference.Context is { } a && result.Context is { } b)
        {
            Differ("started from {0}", a.From, b.From);
            Differ("went to {0}", a.To, b.To);
            Differ("went over {0}", Family(reference.Target), Family(result.Target));
            Differ("{0}", a.Ecmp ? "went through ECMP" : "did not go through ECMP", b.Ecmp ? "went through ECMP" : "did not go through ECMP");
            Differ("{0}", Affinity(a), Affinity(b));
        }
        else if (reference.Target != result.Target && reference.Target.Length > 0 && result.Target.Length > 0) Differ("went to {0}", reference.Target, result.Target);

        (int, int) endpoints = (Endpoints(reference), Endpoints(result));
        Differ("had {0}", Endpoints(endpoints.Item1), Endpoints(endpoints.Item2));
        if (reference is TrafficResult x && result is TrafficResult y)
        {
            Differ("had {0} clients", Number(x.Clients), Number(y.Clients));
            Differ("sent {0} packets/s", Number(x.PacketsPerSecond), Number(y.PacketsPerSecond));
            Differ("was planned to last {0} s", Number(x.PlannedDuration.TotalSeconds), Number(y.PlannedDuration.TotalSeconds));
            if (!DisturbedAlike(x, y)) warnings.Add($"{first} and {second} were not disturbed alike, so what that cost cannot be compared.");
        }

        return warnings.ToImmutable();

        void Differ(string what, string? one, string? other)
        {
            if (one != other && one is not null && other is not null)
                warnings.Add($"{first} {string.Format(CultureInfo.InvariantCulture, what, one)}, {second} {string.Format(CultureInfo.InvariantCulture, what, other)}.");
        }
    }

    /// <summary>True where the same was planned to be done at the same times.</summary>
    internal static bool DisturbedAlike(TrafficResult one, TrafficResult other) =>
        one.Disturbances.Select(d => (d.Kind, d.Index, d.Step, d.Undo, d.Planned)).SequenceEqual(other.Disturbances.Select(d => (d.Kind, d.Index, d.Step, d.Undo, d.Planned)));

    private static int Endpoints(ITestResult result) => result switch
    {
        ConnectResult connect => connect.Endpoints.Length,
        TrafficResult { Endpoints.Length: > 0 } traffic => traffic.Endpoints.Length,
        TrafficResult traffic => traffic.Connections.Select(c => c.Endpoint).Where(name => !string.IsNullOrEmpty(name)).Distinct(StringComparer.Ordinal).Count(),
        _ => 0,
    };

    private static string Affinity(TestContext context) => context.Affinity ? "had session affinity" : "had no session affinity";

    private static string? Family(string target) => IPEndPoint.TryParse(target, out IPEndPoint? address) ? address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6 ? "IPv6" : "IPv4" : null;

    private static string Why(ITestResult result) => result.Reason?.TrimEnd('.') ?? "nobody says why";

    private static string Endpoints(int count) => $"{Number(count)} endpoint{(count == 1 ? "" : "s")}";

    private static string Number(double number) => number.ToString("#,0.##", CultureInfo.InvariantCulture);
}
