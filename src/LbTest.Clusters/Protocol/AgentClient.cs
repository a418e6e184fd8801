using System.Collections.Concurrent;
using LbTest.Engine;

namespace LbTest.Clusters.Protocol;

/// <summary>The agent is gone: killed, or its cluster was stopped.</summary>
public sealed class AgentLostException(string message) : IOException(message);

/// <summary>Our side of an agent's lines: many requests may be under way at once.</summary>
internal sealed class AgentClient : IDisposable
{
    private sealed record Pending(TaskCompletionSource<AgentResponse> Answer, Action<AgentResponse>? Progress);

    private readonly LineChannel _lines;
    private readonly ConcurrentDictionary<long, Pending> _pending = new();
    private readonly Func<string> _whyLost;
    private readonly TaskCompletionSource _gone = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _lastId;
    private volatile bool _lost;

    internal AgentClient(Stream input, Stream output, Func<string> whyLost, LineEnd end = LineEnd.Unpaced)
    {
        _lines = new LineChannel(input, output, end);
        _whyLost = whyLost;
        _ = Task.Run(ReadAll);
    }

    /// <summary>False once the agent is gone.</summary>
    internal bool Alive => !_lost;

    /// <summary>Ends when the agent is gone.</summary>
    internal Task Lost => _gone.Task;

    /// <summary>Sends a request and waits for the line that ends it. Cancelling asks the agent to stop, and still waits for its answer.</summary>
    /// <exception cref="PlanException">The agent found a value wrong.</exception>
    /// <exception cref="InvalidOperationException">The agent could not do it.</exception>
    /// <exception cref="AgentLostException">The agent is gone.</exception>
    internal async Task<AgentResponse> AskAsync(AgentRequest request, Action<AgentResponse>? progress = null, CancellationToken cancel = default)
    {
        long id = Interlocked.Increment(ref _lastId);
        var answer = new TaskCompletionSource<AgentResponse>(TaskCreationOptions.RunContinuationsAsynchronously);
        _pending[id] = new Pending(answer, progress);
        if (_lost || !await Send(request with { Id = id }).ConfigureAwait(false)) Lose();
        using CancellationTokenRegistration stop = cancel.Register(() => _ = Send(new AgentRequest { Verb = AgentVerb.Cancel, Cancel = id }));
        AgentResponse response = await answer.Task.ConfigureAwait(false);
        return response.Error is not { } error ? response
            : error.Parameter is { } parameter ? throw PlanException.Restored(error.Message, parameter, error.Value, error.Remedy ?? "")
            : throw new InvalidOperationException(error.Message);
    }

    private Task<bool> Send(AgentRequest request) => _lines.WriteAsync(request, AgentJson.Default.AgentRequest);

    private async Task ReadAll()
    {
        try
        {
            while (await _lines.ReadAsync(AgentJson.Default.AgentResponse).ConfigureAwait(false) is { } response)
            {
                if (!_pending.TryGetValue(response.Id, out Pending? pending)) continue;
                if (!response.Last) pending.Progress?.Invoke(response);
                else if (_pending.TryRemove(response.Id, out _)) _ = pending.Answer.TrySetResult(response);
            }
        }
        catch (System.Text.Json.JsonException)
        {
            // A line that is none of ours: nothing after it can be trusted.
        }

        Lose();
    }

    private void Lose()
    {
        _lost = true;
        _ = _gone.TrySetResult();
        foreach (long id in _pending.Keys)
        {
            if (_pending.TryRemove(id, out Pending? pending)) _ = pending.Answer.TrySetException(new AgentLostException(_whyLost()));
        }
    }

    public void Dispose()
    {
        _lost = true;
        _lines.Dispose();
    }
}
