using System.Diagnostics;
using System.Runtime.ExceptionServices;
using LbTest.Clusters;

namespace LbTest.Cmdlets;

/// <summary>What all cmdlets share: work that Ctrl+C stops, progress while it lasts, faults as error records.</summary>
public abstract class LbCommand : PSCmdlet, IDisposable
{
    // Four records a second, and none for work that is over before anyone could read it.
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250), Quiet = TimeSpan.FromSeconds(1);

    private readonly CancellationTokenSource _cancel = new();
    private ExceptionDispatchInfo? _interruption;

    /// <summary>True when what goes wrong with one input object leaves the others unharmed.</summary>
    private protected virtual bool OneOfMany => true;

    /// <summary>How long the prompt is kept waiting after Ctrl+C. What is still under way then goes on by itself.</summary>
    private protected virtual TimeSpan Grace { get; } = TimeSpan.FromSeconds(0.7);

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
    /// <remarks>
    /// When that thread is interrupted (a later command of the pipeline wants no more, a script threw), the work is cancelled like by Ctrl+C and
    /// what it hands over is returned; <see cref="ThrowIfInterrupted"/> goes on with the interruption when that has been kept.
    /// </remarks>
    /// <param name="work">The work; when its token is cancelled it returns what it has, or throws.</param>
    /// <param name="activity">What is being done, for the progress bar.</param>
    /// <param name="progress">Fills in how far it is. Called on the pipeline's thread, four times a second at most.</param>
    /// <param name="meanwhile">What else the pipeline's thread has to do in time; null for nothing.</param>
    private protected T Run<T>(Func<CancellationToken, Task<T>> work, string activity, Action<ProgressRecord>? progress = null, IMeanwhile? meanwhile = null)
    {
        Aftercare.ToldTo(left => Host.UI?.WriteWarningLine(left));
        Task<T> task = Task.Run(() => work(_cancel.Token));
        var record = new ProgressRecord(0, activity, "Working") { PercentComplete = -1, SecondsRemaining = -1 };
        var elapsed = Stopwatch.StartNew();
        TimeSpan next = Quiet;
        while (!Ended(task, meanwhile))
        {
            if (_cancel.IsCancellationRequested) continue;
            Interruptible(() => meanwhile?.Act());
            if (elapsed.Elapsed < next) continue;
            next = elapsed.Elapsed + Interval;
            progress?.Invoke(record);
            Interruptible(() => WriteProgress(record));
        }

        record.RecordType = ProgressRecordType.Completed;
        if (next > Quiet) Interruptible(() => WriteProgress(record));
        return task.GetAwaiter().GetResult();
    }

    /// <summary>Goes on with what interrupted the pipeline's thread during <see cref="Run"/>, if anything did.</summary>
    private protected void ThrowIfInterrupted() => _interruption?.Throw();

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

    private bool Ended(Task task, IMeanwhile? meanwhile)
    {
        // A wait, not a poll: it returns the moment that the task ends, that Ctrl+C is pressed (the first time) or that there is something to do.
        WaitHandle done = ((IAsyncResult)task).AsyncWaitHandle;
        if (_cancel.IsCancellationRequested)
        {
            if (done.WaitOne(Grace)) return true;
            ThrowIfInterrupted();
            throw new PipelineStoppedException();
        }

        if (meanwhile is null) _ = WaitHandle.WaitAny([done, _cancel.Token.WaitHandle], Interval);
        // Whole milliseconds, rounded up: what is due is due then.
        else _ = WaitHandle.WaitAny([done, _cancel.Token.WaitHandle, meanwhile.Wake], (int)Math.Ceiling(Math.Clamp(meanwhile.NextDue.TotalMilliseconds, 0, Interval.TotalMilliseconds)));
        return task.IsCompleted;
    }

    private void Interruptible(Action action)
    {
        try
        {
            action();
        }
        catch (Exception interruption)
        {
            // What the work returns is still wanted.
            _interruption ??= ExceptionDispatchInfo.Capture(interruption);
            _cancel.Cancel();
        }
    }

    private void Guard(Action work)
    {
        try
        {
            work();
            ThrowIfInterrupted();
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
