using System.Diagnostics;

namespace LbTest.Cmdlets;

/// <summary>What all cmdlets share: work that Ctrl+C stops, progress while it lasts, faults as error records.</summary>
public abstract class LbCommand : PSCmdlet, IDisposable
{
    // Four records a second, and none for work that is over before anyone could read it.
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250), Quiet = TimeSpan.FromSeconds(1);

    // After Ctrl+C the work has this long to hand over what it has.
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(2);

    private readonly CancellationTokenSource _cancel = new();

    /// <summary>True when what goes wrong with one input object leaves the others unharmed.</summary>
    private protected virtual bool OneOfMany => true;

    /// <summary>Does the work for one input object.</summary>
    private protected virtual void Process()
    {
    }

    /// <summary>Does what is left when all input has come.</summary>
    private protected virtual void Finish()
    {
    }

    /// <inheritdoc/>
    protected sealed override void ProcessRecord() => Guard(Process);

    /// <inheritdoc/>
    protected sealed override void EndProcessing() => Guard(Finish);

    /// <inheritdoc/>
    protected sealed override void StopProcessing() => _cancel.Cancel();

    /// <summary>Runs <paramref name="work"/> beside the pipeline's thread, which shows its progress meanwhile.</summary>
    /// <param name="work">The work; when its token is cancelled it returns what it has, or throws.</param>
    /// <param name="progress">Fills in how far it is. Called on the pipeline's thread, four times a second at most.</param>
    /// <param name="activity">What is being done, for the progress bar.</param>
    private protected T Run<T>(Func<CancellationToken, Task<T>> work, string activity, Action<ProgressRecord>? progress = null)
    {
        Task<T> task = Task.Run(() => work(_cancel.Token));
        var record = new ProgressRecord(0, activity, "Working") { PercentComplete = -1, SecondsRemaining = -1 };
        var elapsed = Stopwatch.StartNew();
        bool shown = false;
        while (!Ended(task))
        {
            if (elapsed.Elapsed < Quiet || _cancel.IsCancellationRequested) continue;
            progress?.Invoke(record);
            shown = Show(record);
        }

        record.RecordType = ProgressRecordType.Completed;
        if (shown) _ = Show(record);
        return task.GetAwaiter().GetResult();
    }

    /// <summary>Writes an error record for one input object, or ends the pipeline where <paramref name="fault"/> concerns all of them.</summary>
    private protected void Report(Exception fault, ErrorRecord error)
    {
        if (OneOfMany && !Faults.IsBadParameter(fault)) WriteError(error);
        else ThrowTerminatingError(error);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Lets go of what the cmdlet holds.</summary>
    protected virtual void Dispose(bool disposing)
    {
        if (disposing) _cancel.Dispose();
    }

    private bool Ended(Task task)
    {
        TimeSpan wait = _cancel.IsCancellationRequested ? Grace : Interval;
        // A wait, not a poll: it returns the moment that the task ends or, the first time, that Ctrl+C is pressed.
        WaitHandle done = ((IAsyncResult)task).AsyncWaitHandle;
        _ = _cancel.IsCancellationRequested ? done.WaitOne(wait) : WaitHandle.WaitAny([done, _cancel.Token.WaitHandle], wait) == 0;
        if (!task.IsCompleted && wait == Grace) throw new PipelineStoppedException();
        return task.IsCompleted;
    }

    private bool Show(ProgressRecord record)
    {
        try
        {
            WriteProgress(record);
        }
        catch (PipelineStoppedException)
        {
            // Ctrl+C came this very moment: what the work returns is still wanted.
        }

        return true;
    }

    private void Guard(Action work)
    {
        try
        {
            work();
        }
        catch (OperationCanceledException)
        {
            throw new PipelineStoppedException();
        }
        catch (Exception fault) when (Faults.Describe(fault) is { } error)
        {
            Report(fault, error);
        }
    }
}
