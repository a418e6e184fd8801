using System.Buffers.Binary;
using LbTest.Engine.Connect;
using LbTest.Engine.Sockets;

namespace LbTest.Engine.Traffic;

/// <summary>UDP: a datagram at every planned time, whatever became of the last one. Its sequence number tells its planned time when it comes back.</summary>
internal sealed unsafe class UdpTraffic(TrafficRun run, int number, int count) : TrafficWorker(run, number, count)
{
    private const int WindowSize = 64;

    protected override bool IsConnected => true;

    protected override bool Busy(ref TrafficClient client) => false;

    protected override bool Expects(ref TrafficClient client) => client.Received < client.Sent;

    protected override void Send(ref TrafficClient client, long due, long now)
    {
        BinaryPrimitives.WriteInt64BigEndian(new Span<byte>(Payload + TrafficPlan.LeastPacketSize, 8), Round);
        // A second attempt: the first one may only fetch the error that ICMP brought for an earlier datagram (udp(7)).
        for (int attempt = 0; attempt < 2; attempt++)
        {
            if (Linux.Send(client.Fd, Payload, Plan.PacketSize, Linux.MsgNoSignal) >= 0)
            {
                client.Sent++;
                Bucket.Sent++;
                return;
            }

            int error = Linux.LastError;
            if (error is Linux.EAGAIN or Linux.ENOBUFS) break;
            Failures.Add(FailureClasses.OfConnect(error), Describe(error));
        }

        Drop(ref client);
    }

    protected override void Handle(int index, uint events)
    {
        ref TrafficClient client = ref Clients[index];
        if ((events & ~Linux.EpollOut) == 0) return;
        while (true)
        {
            nint read = Linux.Receive(client.Fd, Buffer, BufferSize, 0);
            if (read >= 0) Accept(ref client, (int)read);
            else if (Linux.LastError is var error && error is Linux.EAGAIN or Linux.EINTR) return;
            else Failures.Add(FailureClasses.OfConnect(error), Describe(error));
        }
    }

    private void Accept(ref TrafficClient client, int length)
    {
        // The socket is connected, so it comes from the service's address; another length can only be another protocol's.
        if (length != Plan.PacketSize) return;
        var datagram = new ReadOnlySpan<byte>(Buffer, length);
        long round = BinaryPrimitives.ReadInt64BigEndian(datagram[TrafficPlan.LeastPacketSize..]), now = Now(), due = PlannedTime(ref client, round);
        if (round < 0 || due > now || Repeated(ref client, round)) return;
        Echoed(ref client, due, now);
        int name = NameLength(datagram);
        if (name == 0) return;
        int endpoint = Names.FindOrAdd(datagram[..name]);
        if (client.Endpoint != TrafficClient.Nobody && endpoint != client.Endpoint) client.EndpointChanges++;
        client.Endpoint = endpoint;
    }

    // The window of RFC 4303 (3.4.3). What is older than it is taken for a first copy.
    private static bool Repeated(ref TrafficClient client, long round)
    {
        if (round > client.Highest)
        {
            long ahead = round - client.Highest;
            client.Window = client.Highest < 0 || ahead >= WindowSize ? 1 : (client.Window << (int)ahead) | 1;
            client.Highest = round;
            return false;
        }

        long behind = client.Highest - round;
        bool seen = behind < WindowSize && (client.Window & (1UL << (int)behind)) != 0;
        if (seen) client.Duplicated++;
        else client.Reordered++;
        if (behind < WindowSize) client.Window |= 1UL << (int)behind;
        return seen;
    }
}
