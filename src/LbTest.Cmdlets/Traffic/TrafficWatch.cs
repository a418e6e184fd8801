using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using LbTest.Cmdlets.Disturbances;
using LbTest.Engine.Disturbances;
using LbTest.Engine.Traffic;

namespace LbTest.Cmdlets.Traffic;

/// <summary>Hears what a running traffic test reports, and does on the pipeline's thread what comes of it: samples, scripts, progress.</summary>
/// <param name="duration">How long the test is to last.</param>
/// <param name="scripts">The scripts that are to be called at their times.</param>
/// <param name="onSample">Gets every sample; called on the pipeline's thread.</param>
/// <param name="onEvent">Gets every disturbance that was applied or undone, and whether it was a script; called on the pipeline's thread.</param>
internal sealed class TrafficWatch(TimeSpan duration, ScriptSchedule scripts, Action<TrafficSample> onSample, Action<DisturbanceEvent> onEvent) : IProgress<TrafficProgress>, IMeanwhile, IDisposable
{
    private readonly AutoResetEvent _wake = new(false);
    private readonly ConcurrentQueue<TrafficProgress> _heard = new();
    private TrafficSample? _latest;
    private long _started;

    public WaitHandle Wake => _wake;

    public TimeSpan NextDue => scripts.NextDue;

    /// <summary>Comes from another thread.</summary>
    public void Report(TrafficProgress value)
    {
        _heard.Enqueue(value);
        try
        {
            _ = _wake.Set();
        }
        catch (ObjectDisposedException)
        {
            // After Ctrl+C nobody waits for long: what comes later has no listener.
        }
    }

    public void Act()
    {
        // Scripts come first: they have a time to keep, and whoever gets the samples may take long.
        CallScripts();
        while (_heard.TryDequeue(out TrafficProgress? heard))
        {
            if (heard.Started is { } started)
            {
                _started = Stopwatch.GetTimestamp() + (long)((started - DateTimeOffset.UtcNow).TotalSeconds * Stopwatch.Frequency);
                scripts.Start(_started);
            }

            if (heard.Disturbance is { } disturbance) onEvent(disturbance);
            if (heard.Sample is { } sample) onSample(_latest = sample);
            CallScripts();
        }
    }

    /// <summary>Hands over what came after the last look.</summary>
    internal void Finish()
    {
        while (_heard.TryDequeue(out TrafficProgress? heard))
        {
            if (heard.Sample is { } sample) onSample(sample);
        }
    }

    internal void FillIn(ProgressRecord record)
    {
        if (_latest is not { } sample) return;
        TimeSpan elapsed = Stopwatch.GetElapsedTime(_started);
        record.StatusDescription = string.Create(CultureInfo.InvariantCulture,
            $"{sample.Active:N0} active, {sample.Failed:N0} failed, {sample.Connecting:N0} connecting; {sample.Sent:N0}/{sample.Received:N0}/s, {sample.Dropped:N0} dropped; {Rate(sample.BytesReceived)}");
        record.PercentComplete = (int)Math.Clamp(100 * elapsed / duration, 0, 100);
        record.SecondsRemaining = (int)Math.Clamp((duration - elapsed).TotalSeconds, 0, int.MaxValue);
    }

    public void Dispose() => _wake.Dispose();

    private void CallScripts()
    {
        while (scripts.CallNext() is { } called) onEvent(called);
    }

    private static string Rate(long bytesPerSecond) => bytesPerSecond switch
    {
        >= 1_000_000_000 => string.Create(CultureInfo.InvariantCulture, $"{bytesPerSecond / 1e9:0.0} GB/s"),
        >= 1_000_000 => string.Create(CultureInfo.InvariantCulture, $"{bytesPerSecond / 1e6:0.0} MB/s"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{bytesPerSecond / 1e3:0.0} kB/s"),
    };
}
