using System.Globalization;
using LbTest.Clusters;
using LbTest.Cmdlets.Clusters;
using LbTest.Cmdlets.Parameters;
using LbTest.Engine.Connect;

namespace LbTest.Cmdlets.Connect;

/// <summary>Makes many short connections and counts which endpoint answers each.</summary>
[Cmdlet(VerbsLifecycle.Invoke, "ConnectTest", DefaultParameterSetName = ByCluster)]
[OutputType(typeof(ConnectResult))]
public sealed class InvokeConnectTestCommand : TestCommand
{
    /// <summary>How many connections.</summary>
    [Parameter]
    [Alias("nconn")]
    public long Count { get; set; } = 1000;

    /// <summary>How many may be on their way at once.</summary>
    [Parameter]
    public int Concurrency { get; set; } = 64;

    /// <summary>How long one connection may take.</summary>
    [Parameter]
    [Seconds]
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How long the whole test may take.</summary>
    [Parameter]
    [Seconds]
    public TimeSpan? Timeout { get; set; }

    /// <summary>Source address or CIDR; each connection binds an address chosen from it.</summary>
    [Parameter]
    public string? Source { get; set; }

    /// <summary>A fixed source port; 0 for any.</summary>
    [Parameter]
    public int SourcePort { get; set; }

    /// <summary>Keeps every connection open until the test ends.</summary>
    [Parameter]
    public SwitchParameter KeepOpen { get; set; }

    private protected override void Process()
    {
        ConnectPlan plan = Plan();
        var last = new LatestProgress();
        ConnectResult result = Run(
            cancel => Tested is { } cluster ? cluster.ConnectAsync(Fill(new ConnectRequest { Plan = plan }), last, cancel) : ConnectRun.RunAsync(plan, progress: last, cancel: cancel),
            $"Connecting to {Whither}", last.FillIn);
        Keep(result);
        foreach (string warning in result.Warnings) WriteWarning(warning);
        WriteObject(result);
    }

    private ConnectPlan Plan() => new()
    {
        Target = Target, Count = Count, Concurrency = Concurrency, ConnectTimeout = ConnectTimeout, Timeout = Timeout, Seed = Seed, Protocol = Protocol,
        Source = Source, SourcePort = SourcePort, KeepOpen = KeepOpen, Threads = Threads, Label = Label,
    };

    /// <summary>Only the latest report matters, so that is all there is room for.</summary>
    private sealed class LatestProgress : IProgress<ConnectProgress>
    {
        private volatile ConnectProgress? _latest;

        public void Report(ConnectProgress value) => _latest = value;

        internal void FillIn(ProgressRecord record)
        {
            if (_latest is not { } latest) return;
            long done = latest.Connections + latest.Failed;
            record.StatusDescription = string.Create(CultureInfo.InvariantCulture, $"{latest.Connections:N0} of {latest.Requested:N0} connections, {latest.Failed:N0} failed");
            record.PercentComplete = (int)Math.Min(100, 100 * done / latest.Requested);
            if (done > 0) record.SecondsRemaining = (int)Math.Min(int.MaxValue, latest.Elapsed.TotalSeconds * (latest.Requested - done) / done);
        }
    }
}
