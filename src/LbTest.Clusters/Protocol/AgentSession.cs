using System.Collections.Concurrent;
using System.Text.Json;
using LbTest.Engine;

namespace LbTest.Clusters.Protocol;

/// <summary>What an agent can do, behind its lines.</summary>
internal interface IAgentHost
{
    /// <summary>Carries a request out and returns the line that ends it; that and the lines of progress are without its number.</summary>
    Task<AgentResponse> HandleAsync(AgentRequest request, IProgress<AgentResponse> progress, CancellationToken cancel);
}

/// <summary>The agent's side: reads requests, runs them side by side, writes progress and exactly one result or error for each.</summary>
internal sealed class AgentSession(LineChannel lines, IAgentHost host)
{
    private readonly ConcurrentDictionary<long, CancellationTokenSource> _running = new();

    /// <summary>
    /// Threads of the pool wait for what comes in on lines and for what tools say. When all do, the runtime adds one only every half second; it begins
    /// with one for each processor.
    /// </summary>
    internal static void EnoughThreads() => _ = ThreadPool.SetMinThreads(32, 8);

    /// <summary>Serves until the other side is gone; what it had asked for is stopped then.</summary>
    internal async Task ServeAsync()
    {
        try
        {
            while (await lines.ReadAsync(AgentJson.Default.AgentRequest).ConfigureAwait(false) is { } request)
            {
                if (request.Verb == AgentVerb.Cancel) Cancel(request.Cancel);
                else Start(request);
            }
        }
        catch (JsonException exception)
        {
            _ = await Send(new AgentResponse { Error = new AgentError($"Not a request: {exception.Message}") }).ConfigureAwait(false);
        }

        CancelAll();
    }

    /// <summary>Stops everything that is under way; each is still answered.</summary>
    internal void CancelAll()
    {
        foreach (long id in _running.Keys) Cancel(id);
    }

    /// <summary>Ends when everything that was asked for has been answered.</summary>
    internal async Task AnsweredAsync()
    {
        while (!_running.IsEmpty) await Task.Delay(10).ConfigureAwait(false);
    }

    private void Cancel(long id)
    {
        if (_running.TryGetValue(id, out CancellationTokenSource? source)) source.Cancel();
    }

    private void Start(AgentRequest request)
    {
        var cancel = new CancellationTokenSource();
        _running[request.Id] = cancel;
        _ = Task.Run(async () =>
        {
            AgentResponse response = await Handle(request, cancel.Token).ConfigureAwait(false);
            _ = await Send(response with { Id = request.Id }).ConfigureAwait(false);
            _ = _running.TryRemove(request.Id, out _);
        });
    }

    private async Task<AgentResponse> Handle(AgentRequest request, CancellationToken cancel)
    {
        try
        {
            var progress = new Telling<AgentResponse>(report => _ = Send(report with { Id = request.Id }));
            return await host.HandleAsync(request, progress, cancel).ConfigureAwait(false);
        }
        catch (PlanException exception)
        {
            string? value = Convert.ToString(exception.Value, System.Globalization.CultureInfo.InvariantCulture);
            return new AgentResponse { Error = new AgentError(exception.Message, exception.Parameter, value, exception.Remedy) };
        }
#pragma warning disable CA1031 // Whatever it is, the one who asked must get an answer.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            string message = exception is AggregateException { InnerException: { } inner } ? inner.Message : exception.Message;
            return new AgentResponse { Error = new AgentError(message) };
        }
    }

    private Task<bool> Send(AgentResponse response) => lines.WriteAsync(response, AgentJson.Default.AgentResponse);
}
