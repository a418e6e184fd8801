using LbTest.Engine.Connect;
using LbTest.Engine.Sockets;

namespace LbTest.Engine.Traffic;

/// <summary>TCP: one packet at a time on a connection. The next one goes out when the last one has come back whole.</summary>
internal sealed unsafe class TcpTraffic(TrafficRun run, int number, int count) : TrafficWorker(run, number, count)
{
    // Beginnings of first packets that came in pieces, the server's name in them.
    private readonly Dictionary<int, byte[]> _heads = [];

    protected override bool IsConnected => false;

    protected override bool Busy(ref TrafficClient client) => client.SentDue != 0;

    protected override bool Expects(ref TrafficClient client) => client.SentDue != 0;

    // Segments leave when they are written, not when the last one is acknowledged (RFC 896).
    protected override void Configure(int fd) => _ = Linux.SetInt(fd, Linux.IpprotoTcp, Linux.TcpNoDelay, 1);

    protected override void Send(ref TrafficClient client, long due, long now)
    {
        client.SentDue = due;
        client.Progress = now;
        client.ToSend = client.ToReceive = Plan.PacketSize;
        client.Sent++;
        Bucket.Sent++;
        Push(ref client);
    }

    // An error shows in the socket's next event, with everything that came before it.
    private void Push(ref TrafficClient client)
    {
        nint sent = Linux.Send(client.Fd, Payload, client.ToSend, Linux.MsgNoSignal);
        if (sent > 0) client.ToSend -= (int)sent;
    }

    protected override void Handle(int index, uint events)
    {
        ref TrafficClient client = ref Clients[index];
        if ((events & Linux.EpollOut) != 0 && client.ToSend > 0) Push(ref client);
        if ((events & ~Linux.EpollOut) == 0) return;
        bool ending = (events & (Linux.EpollRdHup | Linux.EpollHup | Linux.EpollErr)) != 0;
        while (true)
        {
            nint read = Linux.Receive(client.Fd, Buffer, BufferSize, 0);
            if (read > 0)
            {
                if (!Accept(index, (int)read)) return;
                // Less than there was room for: the rest is not here yet (epoll(7)), unless the end is.
                if (read < BufferSize && !ending) return;
                continue;
            }

            int error = read < 0 ? Linux.LastError : 0;
            if (error is Linux.EAGAIN or Linux.EINTR) return;
            _ = _heads.Remove(index);
            if (error == 0) Lost(index, FailureClass.ReadFailed, "the server closed the connection");
            else Lost(index, FailureClasses.OfRead(error), error);
            return;
        }
    }

    private bool Accept(int index, int length)
    {
        ref TrafficClient client = ref Clients[index];
        if (length > client.ToReceive)
        {
            Lost(index, FailureClass.ReadFailed, "the server sent more than it got: not an echo");
            return false;
        }

        if (client.Received == 0) Name(index, new ReadOnlySpan<byte>(Buffer, length));
        long now = client.Progress = Now();
        client.ToReceive -= length;
        if (client.ToReceive > 0) return true;
        Echoed(ref client, client.SentDue, now);
        client.SentDue = 0;
        if (client.Pending == 0) return true;
        long due = client.Pending;
        client.Pending = 0;
        if (now - due < Interval) Send(ref client, due, now);
        else Drop(ref client);
        return true;
    }

    private void Name(int index, ReadOnlySpan<byte> piece)
    {
        ref TrafficClient client = ref Clients[index];
        if (client.Endpoint != TrafficClient.Nobody || Plan.PacketSize - client.ToReceive >= TrafficPlan.LeastPacketSize) return;
        if (_heads.Remove(index, out byte[]? before)) piece = (byte[])[.. before, .. piece];
        int length = NameLength(piece);
        if (length == piece.Length && length < TrafficPlan.LeastPacketSize) _heads[index] = piece.ToArray();
        else if (length > 0) client.Endpoint = Names.FindOrAdd(piece[..length]);
    }
}
