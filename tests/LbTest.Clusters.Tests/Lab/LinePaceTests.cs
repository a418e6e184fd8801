using System.IO.Pipelines;
using LbTest.Clusters.Protocol;

namespace LbTest.Clusters.Tests.Lab;

public sealed class LinePaceTests
{
    [Fact]
    public async Task A_message_longer_than_the_line_holds_arrives_whole_and_never_more_than_that_is_under_way()
    {
        var there = new Pipe(new PipeOptions(pauseWriterThreshold: 0));
        var back = new Pipe(new PipeOptions(pauseWriterThreshold: 0));
        using var sender = new LineChannel(back.Reader.AsStream(), there.Writer.AsStream(), LineEnd.Sender);
        AgentRequest request = new() { Id = 7, From = new string('x', 100_000) };
        _ = sender.ReadAsync(AgentJson.Default.AgentResponse);
        Task<bool> sent = sender.WriteAsync(request, AgentJson.Default.AgentRequest);

        // Nobody reads: it waits, with no more under way than the line holds.
        await Task.Delay(50);
        Assert.False(sent.IsCompleted);
        Assert.True(there.Reader.TryRead(out ReadResult held));
        Assert.InRange(held.Buffer.Length, LinePace.Piece, 4096 - 128);
        there.Reader.AdvanceTo(held.Buffer.Start);

        using var receiver = new LineChannel(there.Reader.AsStream(), back.Writer.AsStream(), LineEnd.Receiver);
        AgentRequest? received = await receiver.ReadAsync(AgentJson.Default.AgentRequest);
        Assert.True(await sent);
        Assert.Equal(request, received);
    }

    [Fact]
    public async Task Who_waits_for_room_is_told_when_the_other_end_goes()
    {
        var there = new Pipe(new PipeOptions(pauseWriterThreshold: 0));
        var back = new Pipe();
        using var sender = new LineChannel(back.Reader.AsStream(), there.Writer.AsStream(), LineEnd.Sender);
        Task<AgentResponse?> read = sender.ReadAsync(AgentJson.Default.AgentResponse);
        Task<bool> sent = sender.WriteAsync(new AgentRequest { From = new string('x', 100_000) }, AgentJson.Default.AgentRequest);
        await back.Writer.CompleteAsync();
        Assert.Null(await read);
        Assert.False(await sent);
    }
}
