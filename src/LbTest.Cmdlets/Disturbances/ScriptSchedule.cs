using System.Diagnostics;
using LbTest.Clusters;
using LbTest.Engine.Disturbances;

namespace LbTest.Cmdlets.Disturbances;

/// <summary>Calls the scripts among the disturbances of a traffic test at their times, on the pipeline's thread, and undoes them whatever happens.</summary>
internal sealed class ScriptSchedule
{
    private const int LongestDescription = 60;

    private readonly Cluster? _cluster;
    private readonly TimeSpan _end;
    private readonly List<Call> _due = [];
    private readonly List<DisturbanceEvent> _events = [];
    private long? _started;

    /// <param name="disturbances">All disturbances of the test, others than scripts too.</param>
    /// <param name="cluster">What the scripts are given; null where there is none.</param>
    /// <param name="end">How long the test is to last.</param>
    internal ScriptSchedule(IReadOnlyList<Disturbance> disturbances, Cluster? cluster, TimeSpan end)
    {
        (_cluster, _end) = (cluster, end);
        for (int i = 0; i < disturbances.Count; i++)
        {
            if (disturbances[i] is ScriptDisturbance script) _due.Add(new Call(script.At, i, script, Undo: false));
        }
    }

    private sealed record Call(TimeSpan At, int Index, ScriptDisturbance Disturbance, bool Undo);

    /// <summary>What was called, undoing included, in the order of time.</summary>
    internal IReadOnlyList<DisturbanceEvent> Events => _events;

    /// <summary>How long until the next script is due; <see cref="TimeSpan.MaxValue"/> when none is.</summary>
    internal TimeSpan NextDue => _started is not { } started || _due.Count == 0 ? TimeSpan.MaxValue : _due.Min(call => call.At) - Stopwatch.GetElapsedTime(started);

    /// <summary>Traffic starts, or started, at this <see cref="Stopwatch"/> timestamp.</summary>
    internal void Start(long timestamp) => _started ??= timestamp;

    /// <summary>Calls the next script that is due; null when none is.</summary>
    internal DisturbanceEvent? CallNext()
    {
        if (NextDue > TimeSpan.Zero) return null;
        Call next = _due.MinBy(call => call.At)!;
        _ = _due.Remove(next);
        // Noted first: if Ctrl+C ends the script, half of what it does may have been done.
        if (!next.Undo && next.Disturbance.UndoScriptBlock is not null) _due.Add(next with { At = next.Disturbance.Duration is { } duration ? next.At + duration : _end, Undo = true });
        return Do(next);
    }

    /// <summary>Undoes all that is still to be undone, the latest first. A pipeline that Ctrl+C has stopped does not keep it from that.</summary>
    internal void UndoAll()
    {
        Call[] open = [.. _due.Where(call => call.Undo).OrderByDescending(call => call.Disturbance.At)];
        _due.Clear();
        foreach (Call call in open) _ = Do(call);
    }

    private DisturbanceEvent Do(Call call)
    {
        ScriptBlock script = call.Undo ? call.Disturbance.UndoScriptBlock! : call.Disturbance.ScriptBlock;
        TimeSpan applied = Stopwatch.GetElapsedTime(_started!.Value);
        string? error = Invoke(script);
        var called = new DisturbanceEvent
        {
            Kind = DisturbanceKind.Script, Description = Describe(script), Index = call.Index, Undo = call.Undo, Planned = call.At,
            Applied = applied, Took = Stopwatch.GetElapsedTime(_started.Value) - applied, Error = error,
        };
        _events.Add(called);
        return called;
    }

    // A pipeline of its own, within that of the cmdlet: its errors and output are its own, and it works even when the outer one is stopping.
    private string? Invoke(ScriptBlock script)
    {
        using PowerShell shell = PowerShell.Create(RunspaceMode.CurrentRunspace);
        _ = shell.AddScript("param($script, $variables, $arguments) $script.InvokeWithContext($null, $variables, $arguments)")
            .AddArgument(script).AddArgument(new List<PSVariable> { new("_", _cluster) }).AddArgument(new object?[] { _cluster });
        try
        {
            _ = shell.Invoke();
            return shell.InvocationStateInfo.State == PSInvocationState.Stopped ? "stopped by the user"
                : shell.HadErrors && shell.Streams.Error.Count > 0 ? string.Join(" ", shell.Streams.Error.Select(error => Message(error.Exception)).Distinct()) : null;
        }
        catch (RuntimeException fault)
        {
            return Message(fault);
        }
    }

    // The call itself is wrapped round what the script threw.
    private static string Message(Exception fault)
    {
        while (fault is MethodInvocationException && fault.InnerException is { } inner) fault = inner;
        return fault is ActionPreferenceStopException stop ? stop.ErrorRecord.Exception.Message : fault.Message;
    }

    private static string Describe(ScriptBlock script)
    {
        string text = string.Join(' ', script.ToString().Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        return "script " + (text.Length <= LongestDescription ? text : string.Concat(text.AsSpan(0, LongestDescription - 1), "…"));
    }
}
