using LbTest.Engine.Connect;
using LbTest.Engine.Traffic;
using Microsoft.Win32.SafeHandles;

namespace LbTest.Clusters.Protocol;

/// <summary>The agent of a machine or a pod: carries out plans from where it is, for whoever holds the other end of its stdin and stdout.</summary>
public static class MachineAgent
{
    // What runs ends within a tenth of a second; the rest is for telling what it had measured.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    /// <summary>Runs until stdin closes. What still runs then is stopped and answered with what it had measured.</summary>
    /// <param name="cancel">Ends it too.</param>
    public static async Task RunAsync(CancellationToken cancel)
    {
        AgentSession.EnoughThreads();
        // Not the console's stream: from a terminal that one would edit lines.
        using var input = new FileStream(new SafeFileHandle(0, ownsHandle: false), FileAccess.Read, bufferSize: 0);
        using var lines = new LineChannel(input, Console.OpenStandardOutput());
        var session = new AgentSession(lines, new MachineHost());
        try
        {
            await session.ServeAsync().WaitAsync(cancel).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            session.CancelAll();
        }

        await Task.WhenAny(session.AnsweredAsync(), Task.Delay(Patience, CancellationToken.None)).ConfigureAwait(false);
    }
}

/// <summary>A machine or a pod as it is: it makes connections, and builds or changes nothing.</summary>
internal sealed class MachineHost : IAgentHost
{
    public async Task<AgentResponse> HandleAsync(AgentRequest request, IProgress<AgentResponse> progress, CancellationToken cancel)
    {
        switch (request.Verb)
        {
            case AgentVerb.Clock:
                return new AgentResponse { Done = true, Clock = DateTimeOffset.UtcNow };
            case AgentVerb.Connect:
                ConnectPlan plan = request.Plan ?? throw new InvalidOperationException("A connect test needs a plan.");
                var connecting = new Telling<ConnectProgress>(report => progress.Report(new AgentResponse { Progress = report }));
                ConnectResult result = request is { Name: { } name, EachLookup: true } ? await new LookupRun(plan, name, connecting).RunAsync(cancel).ConfigureAwait(false)
                    : await ConnectRun.RunAsync(plan with { Target = Resolve(request.Name, plan.Target) }, progress: connecting, cancel: cancel).ConfigureAwait(false);
                return new AgentResponse { Done = true, Result = result };
            case AgentVerb.Traffic:
                TrafficPlan traffic = request.Traffic ?? throw new InvalidOperationException("A traffic test needs a plan.");
                if (request.Disturbances is { IsEmpty: false }) throw new InvalidOperationException("The agent of a machine disturbs nothing: whoever asks for traffic has to do that.");
                var telling = new Telling<TrafficProgress>(report => progress.Report(new AgentResponse { TrafficProgress = report }));
                return new AgentResponse { Done = true, TrafficResult = await TrafficRun.RunAsync(traffic with { Target = Resolve(request.Name, traffic.Target) }, progress: telling, cancel: cancel).ConfigureAwait(false) };
            default:
                throw new InvalidOperationException($"The agent of a machine does not know '{request.Verb}'.");
        }
    }

    private static IPEndPoint Resolve(string? name, IPEndPoint target) => name is null ? target : new(NameLookup.First(name[..name.LastIndexOf(':')], target.AddressFamily), target.Port);
}
