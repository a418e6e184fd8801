using LbTest.Engine.Sockets;
using LbTest.Engine.Traffic;

namespace LbTest.Engine.Disturbances;

/// <summary>Puts a disruption into a few plain sentences.</summary>
internal static class DisruptionText
{
    internal static string Of(Disruption disruption, TrafficResult result, bool firstSampled, bool lastSampled) => string.Join(' ', new[]
    {
        result.Protocol == TransportProtocol.Udp ? Packets(disruption, result) : Connections(disruption),
        Times(disruption, result, firstSampled, lastSampled), Silence(disruption),
        result.Completed ? "" : $"The test is not complete: {result.Reason ?? "nobody says why"}.",
    }.Where(sentence => sentence.Length > 0));

    private static string Connections(Disruption d)
    {
        // Where clients lost more than one each, there is no whole that the lost ones are a part of.
        string lost = d.LostConnections == 0 ? Invariant($"No connection of {Count(d.Clients, "client")} was lost")
            : d.LostConnections <= d.Clients && d.MostReconnects <= 1 ? Invariant($"{d.LostConnections:N0} of {Count(d.Clients, "connection")} {Were(d.LostConnections)} lost")
            : Invariant($"{Count(d.LostConnections, "connection")} of {Count(d.Clients, "client")} {Were(d.LostConnections)} lost");
        string least = d.LeastLost switch
        {
            null => "",
            0 => d.LostConnections == 0 ? ", and none had to be" : ", though none had to be",
            { } number when d.LostConnections == 0 => Invariant($", though {number:#,0.#} {Were(number)} on what was taken away"),
            { } number => Invariant($" where {(d.Steps.Any(s => s.LeastIsExpectation) ? "about" : "at least")} {number:#,0.#} had to be ({d.Ratio:0.0} times the least)"),
        };
        string dropped = d.DroppedPackets == 0 ? "" : Invariant($"; {Count(d.DroppedPackets, "packet")} could not go out in {(d.DroppedPackets == 1 ? "its slot" : "their slots")}");
        return $"{lost}{least}{dropped}.";
    }

    private static string Packets(Disruption d, TrafficResult result) => Invariant(
        $"{d.LostPackets:N0} of {Count(result.Sent, "packet")} {Were(d.LostPackets)} lost ({(result.Sent == 0 ? 0 : 100.0 * d.LostPackets / result.Sent):0.###} %), and {d.DroppedPackets:N0} could not go out in their slots.");

    private static string Times(Disruption d, TrafficResult result, bool firstSampled, bool lastSampled)
    {
        if (d.FirstFailure is not { } first)
        {
            return d.Steps.Length == 0 ? "There was no disturbance." : d.Recovered ? "Nothing failed from the first disturbance on." : "";
        }

        string begin = Invariant($"The first {(firstSampled ? "failure came at most" : "failed")} {first.TotalSeconds:0.00} s after the first disturbance; ");
        string all = result.Protocol == TransportProtocol.Udp || lastSampled ? "all was well again" : "all clients were back";
        return begin + (d.Recovery is { } recovery ? Invariant($"{all} after {(lastSampled ? "at most " : "")}{recovery.TotalSeconds:0.00} s.") : "at the end it had not recovered.");
    }

    private static string Silence(Disruption d) => Invariant($"The longest silence of all was {d.Outage.TotalSeconds:0.00} s, of one client {d.LongestGap.TotalSeconds:0.00} s.");

    private static string Were(double count) => count == 1 ? "was" : "were";

    private static string Count(long count, string noun) => Invariant($"{count:N0} {noun}{(count == 1 ? "" : "s")}");

    private static string Invariant(FormattableString text) => FormattableString.Invariant(text);
}
